/** What a native service says of itself, as a person meets it: while `harbor up` waits, at its end, and in `harbor ps`. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { resultOf } from "../_process.ts";
import { until } from "../_until.ts";
import { type PsRow, readUntil, Sandbox } from "./_sandbox.ts";
import { onTerminal } from "./_terminal.ts";

interface Row extends PsRow {
  health: string;
  supervised: { state: string; why: string; since: string; status: string };
}

let box: Sandbox;

const contract = (script: string): string => {
  const say = 'say() { printf "$1" | socat -u - "UNIX-SENDTO:$NOTIFY_SOCKET"; }; wait_for() { until [ -e "$1" ]; do sleep 0.01; done; }';
  const words = JSON.stringify(`${say}; ${script}`).replaceAll("$", "$$$$");
  return `x-harbor-native:\n  executable: sh\n  daemon_args: ["-c", ${words}]\n  ready: { notify: true, timeout: 1s }\n`;
};

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({
    // longer than its own deadline
    "voice/voice_native.yml": contract(
      "say 'EXTEND_TIMEOUT_USEC=60000000\\nSTATUS=\\033]0;x\\a\\033[31mfetching a voice: 1 %%'; sleep 1.2; say 'STATUS=loading'; wait_for go; " +
        "say 'STATUS=no text to speech\\nX_HARBOR_HEALTH=degraded\\nREADY=1'; wait_for well; " +
        "say 'X_HARBOR_HEALTH=healthy\\nSTATUS=2 voices'; exec sleep 600",
    ),
  });
});
afterEach(async () => {
  for (const name of ["go", "well"]) rmSync(file(name), { force: true });
  await box.run(["down"]);
  expect(existsSync(box.state)).toBe(false);
});
afterAll(() => box.remove());

const file = (name: string): string => join(box.home, "services/voice", name);
const row = async (): Promise<Row> => (await box.json<Row[]>(["ps", "voice"]))[0] as Row;

describe.skipIf(Bun.which("socat") === null)("(needs socat)", () => {
  test("up tells what it does and waits for as long as it asks for; degraded is a success with a warning; ps says why", async () => {
    const up = box.start(["up", "-x", "voice"]);
    const told = await readUntil(up.stderr, /^[\s\S]*voice: loading\n/);
    expect(told[0]).toMatch(/^voice: starting as process \d+\nvoice: fetching a voice: 1 %\nvoice: loading\n$/);
    expect((await row()).supervised).toMatchObject({ state: "starting", status: "loading" });
    expect((await box.run(["ps"])).stdout).toEndWith("\nvoice is starting: it runs, and is not ready yet; it says: loading\n");
    writeFileSync(file("go"), "");
    const { exit, stdout, stderr } = await resultOf(up);
    expect([exit, stdout, stderr]).toEqual([
      0,
      "voice  native  degraded  -\n",
      expect.stringMatching(
        /^voice: no text to speech\nvoice: degraded after [\d.]+ s: no text to speech\nharbor: warning: voice is degraded since \S+Z: no text to speech\n$/,
      ),
    ]);
    const { health, state, supervised } = await row();
    expect([health, state, supervised.state, supervised.why, supervised.status]).toEqual([
      "degraded",
      "running",
      "degraded",
      "no text to speech",
      "no text to speech",
    ]);
    const shown = await box.run(["ps"]);
    expect(shown).toMatchObject({ exit: 0, stderr: "" });
    expect(shown.stdout).toMatch(/^voice +native +running +degraded +- +pid \d+$/m);
    expect(shown.stdout).toEndWith(`\nvoice is degraded since ${supervised.since.replace(/\.\d+Z/, "Z")}: no text to speech\n`);
    writeFileSync(file("well"), "");
    await until(async () => (await row()).health === "healthy", "it is well");
    expect((await box.run(["ps"])).stdout).toEndWith("\nvoice says: 2 voices\n");
    expect(await box.run(["up", "voice"])).toMatchObject({ exit: 0, stdout: "voice  native  healthy  -\n", stderr: "" });
  }, 15_000);

  test("up --json says it as well, with the warning on stderr alone", async () => {
    writeFileSync(file("go"), "");
    const { exit, stdout, stderr } = await box.run(["up", "-x", "voice", "--json"]);
    expect([exit, JSON.parse(stdout)[0].health, stderr]).toEqual([0, "degraded", expect.stringMatching(/^harbor: warning: .*speech\n$/)]);
  });

  test("up with --wait-timeout waits for that long and no longer", async () => {
    const { exit, stderr } = await box.run(["up", "-x", "voice", "--wait-timeout", "800ms"]);
    expect([exit, stderr]).toEqual([5, expect.stringContaining('Cannot start "voice": not ready within 0.8 s')]);
  });

  test("ps shows it in colour on a terminal", async () => {
    writeFileSync(file("go"), "");
    expect(await box.run(["up", "-x", "voice", "--wait-timeout", "10s"])).toMatchObject({ exit: 0 });
    const { exit, text } = await onTerminal(box, ["ps"], [], { NO_COLOR: "", TERM: "xterm" });
    const line = text.split("\r\n").find((it) => it.includes("voice  ")) ?? "";
    expect([exit, line.slice(0, 5), line.slice(-4), Bun.stripANSI(line)]).toEqual([
      0,
      "\x1b[33m",
      "\x1b[0m",
      expect.stringMatching(/^voice +native +running +degraded /),
    ]);
  }, 20_000);
});
