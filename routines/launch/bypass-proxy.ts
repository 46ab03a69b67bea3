/** Where the user goes out through a proxy, it knows nothing of the stack: the variables that keep a server from being asked through it. */

/** Empty where there is no proxy; else what was excepted before, and the server's host. */
export function bypassProxy(url: string, environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const isUsed = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"].some((name) => environment[name]);
  if (!isUsed) return {};
  const own = (environment.NO_PROXY || environment.no_proxy || "").split(",").filter((host) => host !== "");
  const hosts = [...new Set([...own, new URL(url).hostname, "127.0.0.1", "localhost"])].join(",");
  return { NO_PROXY: hosts, no_proxy: hosts };
}
