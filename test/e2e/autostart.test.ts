/** `harbor autostart` with a real systemd of the user's: what it writes is started, retried and stopped as it should be. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeAll } from "../../routines/_script/emit.ts";
import type { AutostartStatus } from "../../routines/autostart/read-autostart.ts";
import { resultOf } from "../_process.ts";
import { until } from "../_until.ts";
import { isRunning, Sandbox } from "../cli/_sandbox.ts";
import { makeTemporaryFolder } from "./_temporary.ts";

const script = join(import.meta.dir, "user-systemd.sh");
const NOT_HERE = 77;

/** Whether a systemd of the user's can be run here at all. */
async function canRun(): Promise<boolean> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  if (["unshare", "systemctl"].some((program) => Bun.which(program) === null)) return false;
  using folder = makeTemporaryFolder("harbor-systemd-");
  const { exit, stderr } = await resultOf(Bun.spawn([script, folder.path, "true"], { stdin: "pipe", stdout: "pipe", stderr: "pipe" }));
  if (exit === 0) return true;
  writeAll(2, `the test with a real systemd is skipped: ${exit === NOT_HERE ? "none can run here" : stderr}\n`);
  return false;
}

describe.skipIf(!(await canRun()))("a real systemd", () => {
  let box: Sandbox;
  let env: Record<string, string>;
  beforeAll(async () => {
    box = await Sandbox.create();
    env = { XDG_RUNTIME_DIR: join(box.root, "run") };
    box.write({
      "home/config.env": `HARBOR_MOCK_OPENAI_HOST_PORT=${box.port}\nHARBOR_CAPABILITIES_AUTODETECT=false\nHARBOR_PROJECT=x${box.port}\n`,
    });
  });
  afterAll(() => box.remove());

  /** Runs until its stdin is closed. */
  const startSystemd = () => Bun.spawn([script, box.root, "cat"], { env: box.env, stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  const systemctl = async (...words: string[]): Promise<string> => {
    const child = Bun.spawn(["systemctl", "--user", ...words], {
      env: { ...box.env, ...env },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    return (await resultOf(child)).stdout.trim();
  };
  const status = (): Promise<AutostartStatus> => box.json<AutostartStatus>(["autostart", "status"], { env });
  const stateIs = (state: string): Promise<unknown> => until(async () => (await status()).state === state, `the unit is ${state}`, 20_000);

  test("starts what was enabled before, keeps it when one ends, and stops it", async () => {
    const silent = await box.run(["autostart", "enable", "-x", "mock-openai"], { env });
    expect(silent).toMatchObject({ exit: 3, stderr: expect.stringContaining("Written: ") });
    const manager = startSystemd();
    try {
      // nobody told it: it found the link when it started
      await stateIs("active");
      const { unit, file, lingers, isEnabled } = await status();
      expect({ isEnabled, lingers }).toEqual({ isEnabled: true, lingers: expect.any(Boolean) });
      expect(await systemctl("is-enabled", unit)).toBe("enabled");
      const pid = await box.pidOf("mock-openai");
      expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toContain(`/${unit}`);

      expect(await box.run(["autostart", "enable", "-x", "mock-openai"], { env })).toMatchObject({ exit: 0 });
      expect(await box.pidOf("mock-openai")).toBe(pid);
      await systemctl("restart", unit);
      const next = await box.pidOf("mock-openai");
      expect([isRunning(pid), next === pid]).toEqual([false, false]);

      process.kill(next, "SIGKILL");
      await until(() => !isRunning(next), "it has ended");
      expect((await status()).state).toBe("active");

      await systemctl("stop", unit);
      expect((await status()).state).toBe("inactive");
      expect(await box.ps()).toEqual([]);

      using taken = Bun.listen({ hostname: "127.0.0.1", port: box.port, socket: { data() {} } });
      await systemctl("start", "--no-block", unit);
      await until(
        async () => (await systemctl("show", "--property=SubState", "--value", unit)) === "auto-restart",
        "it is tried again",
        20_000,
      );
      expect(taken.port).toBe(box.port);
      await systemctl("stop", unit);

      expect(await box.run(["autostart", "disable"], { env })).toMatchObject({ exit: 0 });
      expect(await systemctl("show", "--property=LoadState", "--value", unit)).toBe("not-found");
      expect(await Bun.file(file).exists()).toBe(false);
    } finally {
      await manager.stdin.end();
      await manager.exited;
    }
  }, 90_000);
});
