/**
 * The host's part of a native process's environment: what any program needs to find itself, the GPU and the
 * network. Everything else, the keys in the user's shell above all, stays out; a contract names what it wants.
 */

const PASSED: ReadonlySet<string> = new Set([
  ...["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR"],
  ...["XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"],
  // Which GPU, and where its libraries are: CUDA and ROCm often stand outside of the linker's own path.
  ...["CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL"],
  ...["HSA_OVERRIDE_GFX_VERSION", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"],
  // Models are downloaded: behind a company's proxy, only with these.
  ...["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"],
  ...["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"],
]);

/** Copies what is passed on, the locale's `LC_*` included. */
export function buildEnvironment(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && (PASSED.has(name) || name.startsWith("LC_"))) passed[name] = value;
  }
  return passed;
}
