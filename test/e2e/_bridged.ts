/** Native services of several kinds and a container that talks to them, up in a sandbox of their own. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { awaitChild, readOutput } from "../../routines/_script/child-output.ts";
import type { Engine } from "../../routines/engine/connect-engine.ts";
import { type Container, listContainers } from "../../routines/engine/list-containers.ts";
import { freePort } from "../_ports.ts";
import { createSandbox, type Sandbox } from "./_sandbox.ts";

/** `/stream`: a line every 20 ms, without end. Anything else: the process's pid. */
const SERVER = `
const lines = async function* () {
  for (let line = 1; ; line++) {
    yield line + "\\n";
    await Bun.sleep(20);
  }
};
Bun.serve({
  hostname: process.env.ADDRESS,
  port: Number(process.env.PORT),
  idleTimeout: 0,
  fetch: ({ url }) => new Response(url.endsWith("/stream") ? lines() : String(process.pid)),
});
`;

/** Less a quarter by chance: long enough for a healthcheck, every two seconds, to find the process gone three times. */
const BACKOFF = "12s";

const contract = (handle: string, rest: string): string => {
  const port = `\${${handle.toUpperCase()}_PORT}`;
  return `x-harbor-native:
  executable: bun
  daemon_args: [../nat/main.ts]
  port: "${port}"
  env: { ADDRESS: "\${HARBOR_NATIVE_ADDRESS}", PORT: "${port}" }
  restart: { backoff: ${BACKOFF} }
${rest}`;
};

const FILES: Record<string, string> = {
  "nat/main.ts": SERVER,
  "nat/nat_native.yml": contract(
    "nat",
    '  container_port: "${NAT_INNER_PORT}"\n  ready: { http: /, start_interval: 20ms, interval: 200ms }\n',
  ),
  "told/told_native.yml": contract("told", '  ready: { exec: "true", start_interval: 20ms }\n'),
  "sleeper/sleeper_native.yml": contract("sleeper", "  ready: { http: /, start_interval: 20ms }\n  idle: { stop_after: 500ms }\n"),
  "open/open_native.yml": contract("open", "  bridge: direct\n  ready: { http: /, start_interval: 20ms }\n"),
  "client/compose.client.yml": `
services:
  client:
    image: local/bun:1
    entrypoint: [bun, -e]
    command: ["setInterval(() => {}, 1e6)"]
    init: true
    stop_grace_period: 0s
    networks: [harbor-network]
`.trimStart(),
};

export interface Bridged extends AsyncDisposable {
  sandbox: Sandbox;
  /** Where `nat` listens on this host, and where containers find it. */
  port: number;
  innerPort: number;
  ports: { told: number; sleeper: number; open: number };
  up(...words: string[]): Promise<void>;
  /** Runs a script of bun's in the client's container; gives its stdout, and hears each piece of it. Throws where it fails. */
  ask(script: string, hear?: (text: string) => void): Promise<string>;
  container(service: string): Promise<Container>;
  /** Of the host: those that a container runs. */
  pids(service: string): Promise<number[]>;
  /** Files and sockets that those have open. */
  openFiles(service: string): Promise<number>;
}

export function createBridged(engine: Engine): Bridged {
  const sandbox = createSandbox(engine);
  const [port, innerPort, told, sleeper, open] = [freePort(), freePort(), freePort(), freePort(), freePort()];
  Object.assign(sandbox.env, {
    HARBOR_CAPABILITIES_AUTODETECT: "false",
    NAT_PORT: String(port),
    NAT_INNER_PORT: String(innerPort),
    TOLD_PORT: String(told),
    SLEEPER_PORT: String(sleeper),
    OPEN_PORT: String(open),
  });
  for (const [name, text] of Object.entries(FILES)) write(join(sandbox.home, "services", name), text);
  const container = async (service: string): Promise<Container> => {
    const found = (await listContainers({ engine, project: sandbox.project })).find((it) => it.service === service);
    if (found === undefined) throw new Error(`no container of ${service}`);
    return found;
  };
  const pids = async (service: string): Promise<number[]> => {
    const { Processes: rows } = await engine.api.getContainer((await container(service)).id).top({ ps_args: "-o pid" });
    return rows.map(([pid]: string[]) => Number(pid));
  };
  return {
    sandbox,
    port,
    innerPort,
    ports: { told, sleeper, open },
    async up(...words) {
      const { code, stderr } = await sandbox.harbor(["up", "--no-defaults", ...words]);
      if (code !== 0) throw new Error(`harbor up ended with ${code}: ${stderr}`);
    },
    async ask(script, hear) {
      const child = Bun.spawn(["docker", "exec", `${sandbox.project}-client-1`, "bun", "-e", script], { stdout: "pipe", stderr: "pipe" });
      const said = { stdout: "", stderr: "" };
      const exit = await awaitChild(child.exited, [
        readOutput(child.stdout, (text) => {
          said.stdout += text;
          hear?.(text);
        }),
        readOutput(child.stderr, (text) => (said.stderr += text)),
      ]);
      if (exit !== 0) throw new Error(`the client ended with ${exit}: ${said.stderr}`);
      return said.stdout.trim();
    },
    container,
    pids,
    openFiles: async (service) => {
      const counts = (await pids(service)).map((pid) => countEntries(`/proc/${pid}/fd`));
      return counts.reduce((sum, count) => sum + count, 0);
    },
    [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
  };
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** A process may be gone by now. */
function countEntries(folder: string): number {
  try {
    return readdirSync(folder).length;
  } catch {
    return 0;
  }
}
