/** What the conductor is measured beside: each a real server, started for one figure; a sentence where it cannot be had here. */
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { endWith, freePort, waitFor } from "./_conductor.ts";
import type { FigureContext } from "./_figure.ts";

/** Debian has Consul in this release and in none since. */
const CONSUL_RELEASE = "bullseye";

export async function startRedis({ scratch }: FigureContext, setting: AsyncDisposableStack): Promise<number | string> {
  if (Bun.which("redis-server") === null) return "needs redis-server: apt-get install redis-server";
  const port = freePort();
  const folder = mkdtempSync(join(scratch, "redis-"));
  const durable = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];
  const child = Bun.spawn(["redis-server", "--port", String(port), "--bind", "127.0.0.1", "--dir", folder, ...durable], {
    stdout: "ignore",
  });
  endWith(setting, child);
  await waitFor(() => answersTo(port), "redis-server", child);
  return port;
}

/** With JetStream in files. Its `sync_interval` is 2 minutes unless set: it does not wait for the disk before it answers. */
export async function startNats({ scratch }: FigureContext, setting: AsyncDisposableStack): Promise<number | string> {
  const program = Bun.which("nats-server") ?? "/usr/sbin/nats-server";
  if (!existsSync(program)) return "needs nats-server: apt-get install nats-server";
  const port = freePort();
  const words = ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", mkdtempSync(join(scratch, "nats-"))];
  const child = Bun.spawn([program, ...words], { stdout: "ignore", stderr: "ignore" });
  endWith(setting, child);
  await waitFor(() => answersTo(port), "nats-server", child);
  return port;
}

/** An agent that is its own server, in memory. */
export async function startConsul(context: FigureContext, setting: AsyncDisposableStack): Promise<number | string> {
  const program = Bun.which("consul") ?? fetchConsul(context);
  if (program.startsWith("needs")) return program;
  const [port, dns] = [freePort(), freePort()];
  const words = ["agent", "-dev", "-bind", "127.0.0.1", "-client", "127.0.0.1", "-log-level", "err"];
  const child = Bun.spawn([program, ...words, "-http-port", String(port), "-dns-port", String(dns), "-grpc-port", "-1"], {
    stdout: "ignore",
    stderr: "ignore",
  });
  endWith(setting, child);
  const hasLeader = async (): Promise<boolean> => (await (await fetch(`http://127.0.0.1:${port}/v1/status/leader`)).text()).length > 2;
  await waitFor(hasLeader, "consul", child);
  return port;
}

/** Debian's own package, unpacked beside: with lists and cache of its own, so that the machine's sources stay as they are. Its path, or what is missing. */
function fetchConsul({ scratch }: FigureContext): string {
  const folder = join(scratch, "consul");
  const program = join(folder, "usr/bin/consul");
  if (existsSync(program)) return program;
  if (Bun.which("apt-get") === null) return "needs consul, on PATH; or apt-get, to take it from Debian";
  const targets = call(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]) ?? "";
  const mirror = targets.split("\n").find((line) => /\/debian\/?$/.test(line));
  if (mirror === undefined) return "needs consul, on PATH: apt knows no mirror of Debian to take it from";
  for (const each of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(folder, each), { recursive: true });
  const sources = join(folder, "sources.list");
  writeFileSync(sources, `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror} ${CONSUL_RELEASE} main\n`);
  const settings = {
    "Dir::Etc::sourcelist": sources,
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::State::lists": join(folder, "lists"),
    "Dir::Cache": join(folder, "cache"),
    "APT::Sandbox::User": "root",
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const isThere =
    call(["apt-get", ...options, "update", "-qq"]) !== undefined &&
    call(["apt-get", ...options, "download", "-qq", "consul"], folder) !== undefined &&
    [...new Bun.Glob("consul_*.deb").scanSync(folder)].every((file) => call(["dpkg", "-x", file, folder], folder) !== undefined);
  return isThere && existsSync(program) ? program : `needs consul, on PATH: it could not be taken from Debian ${CONSUL_RELEASE}`;
}

/** What it prints; undefined where it fails. */
function call(command: string[], cwd?: string): string | undefined {
  const { exitCode, stdout } = Bun.spawnSync(command, { ...(cwd === undefined ? {} : { cwd }), stdout: "pipe", stderr: "ignore" });
  return exitCode === 0 ? stdout.toString() : undefined;
}

async function answersTo(port: number): Promise<boolean> {
  const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
  socket.end();
  return true;
}
