/** `harbor stats` and `top`: what services use, on the host's own account. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import type { ServiceUsage } from "../../routines/stack/measure-stack.ts";
import { freePort } from "../_ports.ts";
import { echoService, Sandbox } from "./_sandbox.ts";

let box: Sandbox;
const port = freePort();

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({ ...echoService("echo", port), ...echoService("other", freePort()) });
});
afterAll(() => box.remove());

describe("with nothing up", () => {
  test("says so", async () => {
    expect(await box.run(["stats"])).toEqual({ exit: 0, stdout: "", stderr: "harbor: nothing is up; `harbor up` starts something\n" });
    expect(await box.json<object[]>(["stats"])).toEqual([]);
  });

  test.each(["stats", "top"])("%s of an unknown name suggests the nearest", async (verb) => {
    const { exit, stderr } = await box.run([verb, "eco"]);
    expect({ exit, stderr }).toEqual({ exit: 4, stderr: expect.stringContaining('did you mean "echo"?') });
  });
});

describe("of what runs", () => {
  beforeAll(async () => {
    await box.run(["up", "-x", "echo", "-x", "other"]);
  });

  test("has figures of each, those of a named one alone", async () => {
    const all = await box.json<ServiceUsage[]>(["stats"]);
    expect(all.map((it) => [it.handle, it.runtime, it.state])).toEqual([
      ["echo", "native", "ready"],
      ["other", "native", "ready"],
    ]);
    for (const it of all) {
      expect(it.memoryBytes).toBeGreaterThan(1e6);
      expect(it.processes).toBeGreaterThan(0);
      expect(it.cpuPercent).toBeGreaterThanOrEqual(0);
    }
    expect((await box.json<ServiceUsage[]>(["top", "other"])).map((it) => it.handle)).toEqual(["other"]);
    const { stdout } = await box.run(["stats", "echo"]);
    expect(stdout).toMatch(/^SERVICE +RUNS AS +STATE +CPU +MEMORY +/);
    expect(stdout).toMatch(/^echo +native +ready +\d+\.\d % +[\d.]+ MB/m);
    expect(stdout).not.toContain("other");
  });

  test("of one that is not up says so", async () => {
    for (const verb of ["stats", "top"]) {
      const stderr = 'harbor: Cannot measure "redis": it is not up\n  Start it: harbor up redis\n';
      expect(await box.run([verb, "redis"])).toEqual({ exit: 4, stdout: "", stderr });
    }
  });

  test.skipIf(process.platform !== "linux" || Bun.which("ss") === null)("counts what it sends (needs ss)", async () => {
    const controller = new AbortController();
    const load = async (): Promise<void> => {
      while (!controller.signal.aborted) await (await fetch(`http://127.0.0.1:${port}/`)).text();
    };
    const loading = load();
    const [echo, other] = await box.json<ServiceUsage[]>(["stats"]);
    controller.abort();
    await loading;
    expect(echo?.sentBytesPerSecond).toBeGreaterThan(1_000);
    expect(echo?.receivedBytesPerSecond).toBeGreaterThan(100);
    expect(other?.sentBytesPerSecond).toBe(0);
  });

  test("tells the GPU's share by the pid of a process, with a stand-in for the driver's tool", async () => {
    expect((await box.json<ServiceUsage[]>(["stats", "echo"]))[0]).toMatchObject({ gpuMemoryBytes: null, gpuPercent: null });
    const pid = await box.pidOf("echo");
    box.write({
      "gpu/nvidia-smi": `#!/bin/sh
case $1 in
  pmon) printf '# gpu pid type sm mem fb command\\n# Idx # C/G %% %% MB name\\n 0 ${pid} C 42 3 100 x\\n' ;;
  *) printf '${pid}, 2048\\n' ;;
esac
`,
    });
    chmodSync(join(box.root, "gpu/nvidia-smi"), 0o755);
    const env = { PATH: `${join(box.root, "gpu")}:${box.env.PATH}` };
    const [echo, other] = await box.json<ServiceUsage[]>(["stats"], { env });
    expect([echo?.gpuPercent, echo?.gpuMemoryBytes, other?.gpuMemoryBytes]).toEqual([42, 2048 * 2 ** 20, null]);
    const { stdout } = await box.run(["stats"], { env });
    expect(stdout).toMatch(/ GPU +GPU MEMORY /);
    expect(stdout).toMatch(/^echo .* 42 % +2\.15 GB /m);
  });
});
