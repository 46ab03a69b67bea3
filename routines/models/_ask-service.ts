/** Requests to services of this stack, past whatever proxy the environment names: that is the way to the world outside, and bun would ask it for this host as well. */

/** Half of all programs read the one, the others the other. */
const NAMES = ["NO_PROXY", "no_proxy"] as const;

/** As `fetch`; a redirect is an error, for no service has one there. */
export function askService(url: string, init: RequestInit): Promise<Response> {
  const { hostname } = new URL(url);
  for (const name of NAMES) {
    const said = (process.env[name] ?? "").split(",").filter((entry) => entry !== "");
    if (!said.includes(hostname)) process.env[name] = [...said, hostname].join(",");
  }
  return fetch(url, { ...init, redirect: "error" });
}
