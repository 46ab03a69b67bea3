/** A proxy that the environment names is the way to the world outside; bun would ask it for servers of the stack as well. */

/** Half of all programs read the one, the others the other. */
const NAMES = ["NO_PROXY", "no_proxy"] as const;

/** From now on this process asks that host itself. */
export function exceptFromProxy(hostname: string): void {
  for (const name of NAMES) {
    const said = (process.env[name] ?? "").split(",").filter((entry) => entry !== "");
    if (!said.includes(hostname)) process.env[name] = [...said, hostname].join(",");
  }
}
