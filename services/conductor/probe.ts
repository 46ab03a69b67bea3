/**
 * Asks the conductor of this environment whether it answers, and ends with 0, or says why not. Its container and its contract ask by this, so
 * that neither has to know whether it speaks TLS. Whose certificate it is does not matter here: nothing is told, and nothing believed but that it is there.
 *
 *   HARBOR_CONDUCTOR_HOST_PORT=8888 bun probe.ts
 */
import { get } from "node:http";
import { get as getSecurely } from "node:https";

const TIMEOUT_MS = 3_000;

/** Undefined where it answers, else why that is not so. Not by fetch, which would ask the proxy of HTTP_PROXY. */
export function askHealth(env: Readonly<Record<string, string | undefined>>): Promise<string | undefined> {
  const { HARBOR_CONDUCTOR_HOST: bound = "", HARBOR_CONDUCTOR_HOST_PORT: port = "", HARBOR_CONDUCTOR_TLS_CERT_FILE: cert = "" } = env;
  // who listens everywhere is here as well
  const host = ["", "0.0.0.0", "::"].includes(bound) ? "127.0.0.1" : bound;
  const options = { host, port: port || "8888", path: "/health", timeout: TIMEOUT_MS, agent: false, rejectUnauthorized: false };
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const request = (cert === "" ? get : getSecurely)(options, ({ statusCode }) =>
    resolve(statusCode === 200 ? undefined : `/health was answered with ${statusCode}`),
  );
  request.on("timeout", () => resolve(`/health is not answered for ${TIMEOUT_MS / 1_000} s`));
  request.on("error", (error) => resolve(`/health is not answered: ${error.message}`));
  return promise.finally(() => request.destroy());
}

if (import.meta.main) {
  const problem = await askHealth(process.env);
  if (problem !== undefined) process.stderr.write(`conductor: ${problem}\n`);
  process.exit(problem === undefined ? 0 : 1);
}
