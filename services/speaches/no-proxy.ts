/**
 * A proxy is the way to the world outside, and no way to this host: bun, and Python's clients, would ask it for a server on
 * loopback as well, unless they are told otherwise.
 */

const LOOPBACK = ["localhost", "127.0.0.1"];
/** Half of all programs read the one, the others the other. */
const NAMES = ["NO_PROXY", "no_proxy"] as const;

/** What they are to be, so that the server's address is reached directly. */
export function noProxyFor(host: string, env: Readonly<Record<string, string | undefined>>): Record<(typeof NAMES)[number], string> {
  const said = NAMES.flatMap((name) => (env[name] ?? "").split(",")).map((entry) => entry.trim());
  const own = /^(?:0\.0\.0\.0|::)$/.test(host) ? LOOPBACK : [...LOOPBACK, host];
  const all = [...new Set([...said, ...own])].filter((entry) => entry !== "").join(",");
  return { NO_PROXY: all, no_proxy: all };
}
