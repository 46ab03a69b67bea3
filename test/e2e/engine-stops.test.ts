/** An engine that is killed in the middle of a start: a clear end, and nothing that `harbor down` cannot take away. */

import { describe, expect, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { shell } from "../../routines/_script/shell.ts";
import { PROXY_IMAGE } from "../../routines/compose/write-proxy.ts";
import { connectEngine } from "../../routines/engine/connect-engine.ts";
import { listContainers } from "../../routines/engine/list-containers.ts";
import { freePort } from "../_ports.ts";
import { resultOf } from "../_process.ts";
import { until } from "../_until.ts";
import { findTestEngine } from "./_engine.ts";
import { createSandbox } from "./_sandbox.ts";
import { makeTemporaryFolder } from "./_temporary.ts";
import { makeConsumers } from "./_workspace.ts";

const found = await findTestEngine();
/** A second engine is started for it: the tests' own must not be killed. */
const isPossible = found.engine !== undefined && process.getuid?.() === 0 && Bun.which("dockerd") !== null;

describe.skipIf(!isPossible)("an engine that stops in the middle", () => {
  test("ends the start with what happened; down takes the rest away once it is back", async () => {
    using folder = makeTemporaryFolder("harbor-engine-");
    const host = `unix://${join(folder.path, "e.sock")}`;
    let daemon = startEngine(folder.path, host);
    const $ = await shell();
    const env = { ...process.env, DOCKER_HOST: host };
    const home = join(folder.path, "home");
    try {
      await until(() => answers(host, home), "an engine that answers", 20_000);
      await $`docker save busybox:local | docker -H ${host} load`;
      const images = (await $`docker images --format ${"{{.Repository}}:{{.Tag}}"}`).stdout
        .split("\n")
        .filter((name) => name.startsWith(`${PROXY_IMAGE.name}:`));
      await $`docker save ${images} | docker -H ${host} load`;
      const engine = await connectEngine({ env, home });
      await using sandbox = createSandbox(engine);
      Object.assign(sandbox.env, { DOCKER_HOST: host, HARBOR_MOCK_OPENAI_HOST_PORT: String(freePort()) });
      const workspace = makeConsumers(sandbox.home);
      const child = Bun.spawn([join(import.meta.dir, "../../bin/harbor"), "up", "--workspace", workspace, "-x", "mock-openai", "never"], {
        env: sandbox.env,
        stdio: ["ignore", "pipe", "pipe"],
      });
      await until(
        async () =>
          (await listContainers({ engine, project: sandbox.project, details: false })).some(
            (it) => it.service === "never" && it.state === "running",
          ),
        "a container that runs",
        20_000,
      );
      daemon.kill("SIGKILL");
      await daemon.exited;
      const { exit, stderr } = await resultOf(child);
      expect([1, 3]).toContain(exit);
      expect(stderr).toMatch(/Cannot (?:reach a|use the) container engine|stopped answering in the middle/);
      const down = await sandbox.harbor(["down"]);
      expect(down.code).toBe(3);
      expect(down.stderr).toContain(host);

      daemon = startEngine(folder.path, host);
      await until(() => answers(host, home), "an engine that answers", 20_000);
      expect(await sandbox.harbor(["down"])).toMatchObject({ code: 0 });
      expect(await sandbox.leftovers()).toMatchObject({ containers: [], networks: [], volumes: [], processes: [], sockets: [], files: [] });
    } finally {
      daemon.kill("SIGTERM");
      await daemon.exited;
      await cleanUp(folder.path);
    }
  }, 90_000);
});

/** With a network namespace and state of its own: it takes neither the bridge nor the firewall rules of the other away. */
function startEngine(folder: string, host: string): Bun.Subprocess {
  // a killed one leaves it, and then waits for a containerd that went with it
  rmSync(join(folder, "exec", "containerd"), { recursive: true, force: true });
  const words = [
    "--data-root",
    join(folder, "data"),
    "--exec-root",
    join(folder, "exec"),
    "--pidfile",
    join(folder, "pid"),
    "--host",
    host,
  ];
  return Bun.spawn(["unshare", "--net", "dockerd", ...words, "--bridge=none", "--iptables=false", "--ip-masq=false"], {
    stdio: ["ignore", "ignore", "ignore"],
  });
}

/** What a killed engine leaves: containers' own supervisors, and mounts below its folder, the inner ones first. */
async function cleanUp(folder: string): Promise<void> {
  const $ = (await shell())({ nothrow: true });
  await $`pkill -KILL -f ${folder}/`;
  const mounts = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  for (const mount of mounts.filter((path) => path.startsWith(folder)).reverse()) await $`umount -l ${mount}`;
}

async function answers(host: string, home: string): Promise<boolean> {
  return connectEngine({ env: { ...process.env, DOCKER_HOST: host }, home, timeoutMs: 500 }).then(
    () => true,
    () => false,
  );
}
