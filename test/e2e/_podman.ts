/**
 * A Podman of one test's own: its compatible socket, its images taken from the test engine. Its health checks are timers of
 * systemd, which a bare machine does not run: a loop here stands in for those, and for nothing else.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectEngine, type Engine } from "../../routines/engine/connect-engine.ts";
import { resultOf } from "../_process.ts";
import { until } from "../_until.ts";
import { makeTemporaryFolder } from "./_temporary.ts";

/** With the debian package that each is in. The runtime is Docker's own, runc. */
const NEEDED: readonly (readonly [path: string, name: string])[] = [
  ["/usr/bin/podman", "podman"],
  ["/usr/lib/podman/netavark", "netavark"],
  ["/usr/lib/podman/aardvark-dns", "aardvark-dns"],
  ["/usr/bin/catatonit", "catatonit"],
];

/** What to install, and why there is no Podman; undefined where it can be started. */
export async function podmanMissing(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "Podman's tests need root";
  const exists = await Promise.all(NEEDED.map(([path]) => Bun.file(path).exists()));
  const absent = NEEDED.filter((_, index) => !exists[index]).map(([, name]) => name);
  return absent.length === 0 ? undefined : `no ${absent.join(", ")}: apt-get install ${absent.join(" ")}`;
}

export interface Podman extends AsyncDisposable {
  /** As `DOCKER_HOST` has it. */
  host: string;
  engine: Engine;
}

/** Ends, with all of its own, when its scope does. */
export async function startPodman(images: readonly string[]): Promise<Podman> {
  const folder = makeTemporaryFolder("harbor-podman-");
  const host = `unix://${folder.path}/podman.sock`;
  const settings = join(folder.path, "containers.conf");
  // by default it asks for more than a machine like this may give
  writeFileSync(settings, '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n');
  const podman = (words: readonly string[]) => {
    const where = [
      "--root",
      `${folder.path}/root`,
      "--runroot",
      `${folder.path}/run`,
      "--storage-driver",
      "vfs",
      "--network-backend",
      "netavark",
    ];
    const command = ["podman", ...where, "--cgroup-manager", "cgroupfs", "--events-backend", "file", ...words];
    return Bun.spawn(command, { ...PIPED, env: { ...process.env, CONTAINERS_CONF: settings } });
  };
  const archive = join(folder.path, "images.tar");
  await done(Bun.spawn(["docker", "save", "--output", archive, ...images], PIPED));
  await done(podman(["load", "--quiet", "--input", archive]));
  const service = podman(["system", "service", "--time", "0", host]);
  const home = join(folder.path, "home");
  const engine = await until(() => connectEngine({ env: { DOCKER_HOST: host }, home }).catch(() => undefined), "Podman answers", 20_000);
  const timers = standInForTimers(podman);
  return {
    host,
    engine,
    async [Symbol.asyncDispose]() {
      await timers.end();
      await done(podman(["rm", "--all", "--force", "--time", "0"]));
      await done(podman(["network", "prune", "--force"]));
      service.kill();
      await service.exited;
      folder[Symbol.dispose]();
    },
  };
}

const PIPED = { stdio: ["ignore", "pipe", "pipe"] } satisfies Bun.SpawnOptions.OptionsObject<"ignore", "pipe", "pipe">;

async function done(child: Bun.Subprocess<Bun.SpawnOptions.Writable, "pipe", "pipe">): Promise<string> {
  const { exit, stdout, stderr } = await resultOf(child);
  if (exit !== 0) throw new Error(`Podman's test: exit ${exit}: ${stderr}`);
  return stdout;
}

/** Each container's health check, one after the other, over and over, until told to end. */
function standInForTimers(podman: (words: readonly string[]) => Bun.Subprocess<"ignore", "pipe", "pipe">): { end(): Promise<void> } {
  let isEnding = false;
  const ended = (async () => {
    while (!isEnding) {
      const ids = (await done(podman(["ps", "--quiet"]))).split("\n").filter(Boolean);
      for (const id of ids) await resultOf(podman(["healthcheck", "run", id])); // fails where there is none, or it has ended
      await Bun.sleep(100);
    }
  })();
  return {
    end() {
      isEnding = true;
      return ended;
    },
  };
}
