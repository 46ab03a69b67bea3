/** `harbor autostart` as it is typed, with a systemctl of the test's own; and what it writes, run as systemd would run it. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { AutostartStatus } from "../../routines/autostart/read-autostart.ts";
import { resultOf } from "../_process.ts";
import { ANSWERS, SILENT, standIn } from "../routines/autostart/_stand-in.ts";
import { checkout, Sandbox } from "./_sandbox.ts";

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.create();
});
afterEach(async () => {
  await box.run(["autostart", "disable"]);
  rmSync(join(box.root, "calls"), { force: true });
});
afterAll(() => box.remove());

const systemctl = (answer: string): { PATH: string } => ({ PATH: standIn(box.root, answer).path });
const launcher = join(checkout, "bin/harbor");

test("enable, status, disable", async () => {
  const env = systemctl(ANSWERS);
  const enabled = await box.run(["autostart", "enable", "-x", "mock-openai", "--no-defaults"], { env });
  expect(enabled.exit).toBe(0);
  const [first = "", runs] = enabled.stdout.split("\n");
  const unit = first.split(" ")[0] ?? "";
  expect(first).toBe(`${unit}  enabled: starts when you log in`);
  expect(runs?.replace(/ +/, " ")).toBe(`runs ${launcher} up --exclude=mock-openai --no-defaults`);
  expect(enabled.stderr).toContain(`harbor: to start it now: systemctl --user start ${unit}\n`);
  expect(enabled.stderr).toContain("harbor: to start it at boot, without a login: loginctl enable-linger\n");
  expect(enabled.stderr).toContain("Set in this shell alone, and not known to what starts by itself: HARBOR_");
  expect(await box.run(["autostart", "status"], { env })).toEqual({ exit: 0, stdout: enabled.stdout, stderr: "" });
  expect(await box.run(["autostart", "disable"], { env })).toEqual({ exit: 0, stdout: `${unit}: disabled\n`, stderr: "" });
  expect((await box.run(["autostart", "status"], { env })).stdout).toBe(`${unit}: not enabled\n`);
  expect(await box.json<object>(["autostart", "disable"], { env })).toMatchObject({ unit, wasEnabled: false });
});

test("what it wrote starts the service from a bare environment, and stops it", async () => {
  const env = systemctl(ANSWERS);
  box.write({ "home/config.env": `HARBOR_MOCK_OPENAI_HOST_PORT=${box.port}\nHARBOR_CAPABILITIES_AUTODETECT=false\n` });
  const { file, command } = await box.json<AutostartStatus>(["autostart", "enable", "-x", "mock-openai"], { env });
  const lines = readFileSync(file, "utf8").matchAll(/^Environment="([^=]+)=(.*)"$/gm);
  const bare = { HOME: box.root, ...Object.fromEntries([...lines].map(([, name = "", value = ""]) => [name, value])) };
  const run = (words: readonly string[]) =>
    resultOf(Bun.spawn([...words], { cwd: "/", env: bare, stdin: "pipe", stdout: "pipe", stderr: "pipe" }));
  expect(await run(command ?? [])).toMatchObject({ exit: 0 });
  expect(await box.ps()).toMatchObject([{ handle: "mock-openai", runtime: "native", state: "running" }]);
  expect((await box.run(["autostart", "enable", "--dry-run"], { env })).stdout).toContain(
    `ExecStart=":${launcher}" "up" "--exclude=mock-openai" "--no-defaults"\n`,
  );
  expect(await run([launcher, "down"])).toMatchObject({ exit: 0 });
  expect(await box.ps()).toEqual([]);
});

test("a systemd that does not answer is exit 3, and says what was written and what to do", async () => {
  const { exit, stdout, stderr } = await box.run(["autostart", "enable", "webui"], { env: systemctl(SILENT) });
  expect({ exit, stdout }).toEqual({ exit: 3, stdout: "" });
  const file = /Written: (.*)$/m.exec(stderr)?.[1] ?? "";
  expect(existsSync(file)).toBe(true);
  expect(stderr).toContain("Failed to connect to bus: No medium found");
  expect(stderr).toContain("systemctl --user daemon-reload && systemctl --user enable harbor-");
});

test.each([
  [["enable", "olama"], 4, 'Cannot find service "olama"; did you mean "ollama"?'],
  [["enable", "--exlude", "x"], 2, 'Cannot run "enable": it has no option "--exlude"; did you mean "--exclude"?'],
  [["enable", "-x", "webui"], 1, 'Cannot run "webui" natively: it has no contract'],
  [["enabel"], 2, 'Cannot run "harbor autostart enabel": there is no such command; did you mean "enable"?'],
])("autostart %j", async (words, exit, message) => {
  const result = await box.run(["autostart", ...words], { env: systemctl(ANSWERS) });
  expect({ exit: result.exit, stdout: result.stdout }).toEqual({ exit, stdout: "" });
  expect(result.stderr).toStartWith("harbor: ");
  expect(result.stderr).toContain(message);
  expect(await box.json<AutostartStatus>(["autostart", "status"])).toMatchObject({ isEnabled: false });
});

test("a dry run writes nothing, and is JSON where that is wanted", async () => {
  const env = systemctl(ANSWERS);
  const planned = await box.json<{ unit: string; file: string; text: string }>(["autostart", "enable", "webui", "--dry-run"], { env });
  expect(planned.text).toStartWith("# Written by `harbor autostart enable`");
  expect(existsSync(planned.file)).toBe(false);
  expect((await box.run(["autostart", "enable", "webui", "--dry-run"], { env })).stdout).toBe(planned.text);
});

test("alone it names its commands", async () => {
  const { exit, stdout } = await box.run(["autostart"]);
  expect(exit).toBe(0);
  for (const word of ["enable", "disable", "status"]) expect(stdout).toMatch(new RegExp(`^  ${word} `, "m"));
});
