/** An engine over ssh, by the system's own ssh as docker asks it. A program of that name stands in: it tells its words and joins an engine's socket here. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { containerInfo, type FakeEngine, startFakeEngine } from "../routines/engine/_fake-engine.ts";
import { Sandbox } from "./_sandbox.ts";

let box: Sandbox;
let fake: FakeEngine;

const JOIN = `import { connect } from "node:net";
const socket = connect(process.argv[2]);
process.stdin.pipe(socket);
socket.pipe(process.stdout);
`;

beforeAll(async () => {
  box = await Sandbox.create();
  fake = startFakeEngine((_, { pathname }) => {
    if (pathname === "/version") return Response.json({ Version: "28.0.0" });
    return pathname === "/containers/json" ? Response.json([containerInfo("web")]) : undefined;
  });
  box.write({
    "join.ts": JOIN,
    "bin/ssh": `#!/bin/sh
[ -n "$REFUSAL" ] && { echo "$REFUSAL" >&2; exit 255; }
for word; do printf '%s\\n' "$word"; done >>"${box.root}/words"
exec bun "${box.root}/join.ts" "${join(fake.folder, "engine.sock")}"
`,
    "tmp/.keep": "",
  });
  chmodSync(join(box.root, "bin/ssh"), 0o755);
});
beforeEach(() => rmSync(join(box.root, "words"), { force: true }));
afterAll(async () => {
  await box.remove();
  fake[Symbol.dispose]();
});

const run = (host: string, env: Record<string, string> = {}) =>
  box.run(["routine", "list-containers", "--project", "p"], {
    env: { PATH: `${join(box.root, "bin")}:${box.env.PATH}`, TMPDIR: join(box.root, "tmp"), DOCKER_HOST: host, ...env },
  });

test.each([
  ["ssh://gpu", ["--", "gpu", "docker system dial-stdio"]],
  ["ssh://me@10.0.0.7:2222", ["-l", "me", "-p", "2222", "--", "10.0.0.7", "docker system dial-stdio"]],
  ["ssh://gpu/run/user/1000/docker.sock", ["--", "gpu", "docker --host unix:///run/user/1000/docker.sock system dial-stdio"]],
])("%s is asked by ssh, with the user's own configuration of it, and nothing of it is left", async (host, words) => {
  const { exit, stdout, stderr } = await run(host);
  expect({ exit, stdout, stderr }).toEqual({ exit: 0, stdout: expect.stringContaining("web") as never, stderr: "" });
  const said = readFileSync(join(box.root, "words"), "utf8").trimEnd().split("\n");
  expect(said.slice(0, 5 + words.length)).toEqual(["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=30", ...words]);
  expect(readdirSync(join(box.root, "tmp"))).toEqual([".keep"]);
});

test("where ssh cannot get there, what it says is said", async () => {
  const { exit, stderr } = await run("ssh://gpu", { REFUSAL: "me@gpu: Permission denied (publickey)." });
  expect(exit).toBe(3);
  expect(stderr).toStartWith(
    'harbor: Cannot reach a container engine at ssh://gpu (DOCKER_HOST): ssh says "me@gpu: Permission denied (publickey)."\n',
  );
  expect(existsSync(join(box.root, "words"))).toBe(false);
});

test("without a program ssh that is said", async () => {
  const { exit, stderr } = await run("ssh://gpu", { PATH: "/nonexistent" });
  expect([exit, stderr]).toEqual([3, expect.stringContaining("there is no program ssh on PATH")]);
});

test("a docker context that there is not is told so", async () => {
  const { exit, stderr } = await run("", { DOCKER_CONTEXT: "nope" });
  expect([exit, stderr]).toEqual([
    3,
    'harbor: Cannot use docker context "nope": there is no such context\n  Run `docker context ls`, then `docker context use <name>`\n',
  ]);
});
