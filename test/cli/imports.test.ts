/** TypeScript of a service's own, in a folder anywhere: what it imports of Harbor, in the checkout and in the package as it is installed. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseDuration } from "harbor/_script/duration";
import { freePort } from "../_ports.ts";
import { resultOf } from "../_process.ts";
import { checkout, readUntil, Sandbox } from "./_sandbox.ts";

let box: Sandbox;
let port: number;

/** Answers with what it imported; `.ts` beside it is one more program, for hooks and probes. */
const files = (): Record<string, string> => ({
  "mine/server.ts": `import { parseDuration } from "harbor/_script/duration";
import { parse } from "yaml";
const answer = { ms: parseDuration("90s"), yaml: parse("a: [1]"), from: import.meta.resolve("harbor/_script/duration"), path: process.env.NODE_PATH };
if (process.argv[2] === "--print") console.log(JSON.stringify(answer));
else Bun.serve({ hostname: "127.0.0.1", port: Number(process.env.PORT), fetch: () => Response.json(answer) });
`,
  "mine/once.ts": `import { parseDuration } from "harbor/_script/duration";
console.log(process.argv[2], parseDuration("1s"));
`,
  "mine/mine_native.yml": `x-harbor-native:
  executable: bun
  daemon_args: [server.ts]
  port: ${port}
  env: { PORT: "${port}" }
  pre_start: bun once.ts before
  live: { exec: bun once.ts live, interval: 50ms, failures: 1, probe_timeout: 10s }
`,
});

interface Answer {
  ms: number;
  yaml: unknown;
  from: string;
  path?: string;
}

beforeAll(async () => {
  box = await Sandbox.create();
  port = freePort();
  box.services(files());
});
afterEach(async () => {
  await box.run(["down"]);
  expect(existsSync(box.state)).toBe(false);
});
afterAll(() => box.remove());

const ask = async (): Promise<Answer> => (await (await fetch(`http://127.0.0.1:${port}/`)).json()) as Answer;
const rightOf = (root: string): Answer => ({
  ms: 90_000,
  yaml: { a: [1] },
  from: `file://${root}/routines/_script/duration.ts`,
  path: expect.any(String) as unknown as string,
});

test("within the checkout it is the package's own name", () => {
  expect(parseDuration("90s")).toBe(90_000);
  expect(import.meta.resolve("harbor/_script/duration")).toBe(`file://${checkout}/routines/_script/duration.ts`);
});

describe("a folder of the user's", () => {
  test("imports routines, and the packages that these use, from the Harbor that runs it; its hooks and probes as well", async () => {
    expect(await box.run(["up", "-x", "mine"])).toMatchObject({ exit: 0 });
    expect(await ask()).toEqual(rightOf(checkout));
    expect((await box.run(["logs", "mine"])).stdout).toContain("before 1000\n");
    expect((await box.json<{ supervised: { state: string } }[]>(["ps"]))[0]?.supervised).toMatchObject({ state: "ready", restarts: 0 });
  });

  test("does so where its program is run by hand, which leaves nothing behind", async () => {
    const env = { TMPDIR: join(box.root, "tmp") };
    mkdirSync(env.TMPDIR);
    const { exit, stdout, stderr } = await box.run(["run", "mine", "server.ts", "--print"], { env });
    expect([exit, stderr, JSON.parse(stdout)]).toEqual([0, "", rightOf(checkout)]);
    expect(readdirSync(env.TMPDIR)).toEqual([]);
    expect(existsSync(join(checkout, "routines/_script/duration.ts"))).toBe(true);
  });

  test("fetches no package that is not there", async () => {
    writeFileSync(join(box.home, "services/mine/missing.ts"), 'import "is-odd";');
    const { exit, stderr } = await box.run(["run", "mine", "missing.ts"]);
    expect([exit, stderr]).toEqual([1, expect.stringMatching(/Cannot find (module|package) 'is-odd'/)]);
  });

  test("has its own NODE_PATH first", async () => {
    box.services({ "mine/mine_native.yml": files()["mine/mine_native.yml"]?.replace("env: { ", "env: { NODE_PATH: /own, ") ?? "" });
    const { stdout } = await box.run(["run", "mine", "server.ts", "--print"]);
    expect((JSON.parse(stdout) as Answer).path).toStartWith("/own:");
    box.services(files());
  });
});

describe("the package", () => {
  let root: string;
  let installed: (...words: string[]) => Promise<{ exit: number; stdout: string; stderr: string }>;

  /** Packed, and laid out as a package manager does: beside what it depends on. */
  beforeAll(async () => {
    expect((await box.run(["version"])).exit).toBe(0); // builds what is stale
    const project = join(box.root, "project");
    mkdirSync(join(project, "node_modules"), { recursive: true });
    const pack = Bun.spawn([process.execPath, "pm", "pack", "--ignore-scripts", "--destination", project], {
      cwd: checkout,
      stdout: "pipe",
      stderr: "pipe",
    });
    expect((await resultOf(pack)).exit).toBe(0);
    const [archive = ""] = readdirSync(project).filter((name) => name.endsWith(".tgz"));
    const unpack = Bun.spawn(["tar", "-xzf", join(project, archive), "-C", project], { stdout: "pipe", stderr: "pipe" });
    expect(await resultOf(unpack)).toMatchObject({ exit: 0, stderr: "" });
    root = join(project, "node_modules/harbor");
    expect((await resultOf(Bun.spawn(["mv", join(project, "package"), root], { stdout: "pipe", stderr: "pipe" }))).exit).toBe(0);
    const { dependencies } = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")) as { dependencies: object };
    for (const name of Object.keys(dependencies)) {
      const place = join(project, "node_modules", name);
      mkdirSync(join(place, ".."), { recursive: true });
      symlinkSync(realpathSync(join(checkout, "node_modules", name)), place);
    }
    mkdirSync(join(root, "node_modules/.harbor"), { recursive: true });
    writeFileSync(join(root, "node_modules/.harbor/ready"), `${process.execPath}\n${root}\n`);
    installed = (...words) =>
      resultOf(Bun.spawn([join(root, "bin/harbor"), ...words], { cwd: box.root, env: box.env, stdout: "pipe", stderr: "pipe" }));
  });

  test("holds the sources, which run", async () => {
    const child = Bun.spawn([process.execPath, "--no-install", join(root, "routines/routine.ts"), "--help"], {
      env: box.env,
      stdout: "pipe",
      stderr: "pipe",
    });
    expect((await resultOf(child)).exit).toBe(0);
    expect(existsSync(join(root, "harbor.ts"))).toBe(false);
  });

  test("serves a folder of the user's its own sources, also after another Harbor has", async () => {
    expect((await box.run(["up", "-x", "mine"])).exit).toBe(0);
    expect((await ask()).from).toBe(rightOf(checkout).from);
    expect(await installed("restart", "mine")).toMatchObject({ exit: 0 });
    expect((await installed("supervisor", "restart")).exit).toBe(0);
    expect((await installed("restart", "mine")).exit).toBe(0);
    expect(await ask()).toEqual(rightOf(root));
    expect(await installed("down")).toMatchObject({ exit: 0 });
  });

  test("serves its own services", async () => {
    writeFileSync(
      join(root, "services/mock-openai/probe.ts"),
      'import { parseDuration } from "harbor/_script/duration";\nconsole.log(parseDuration("2s"));\n',
    );
    expect(await installed("run", "mock-openai", "probe.ts")).toEqual({ exit: 0, stdout: "2000\n", stderr: "" });
    expect(existsSync(join(root, "routines/_script/duration.ts"))).toBe(true);
  });

  test("has the conductor's client for a project of its user's, as harbor/conductor", async () => {
    const project = join(root, "../..");
    writeFileSync(
      join(project, "component.ts"),
      `import { type Client, connect, ConductorClientError, Operator } from "harbor/conductor";
const [url = "", token = ""] = process.argv.slice(2);
await using me: Client = await connect({ url, token, component: "mine", port: 4001 });
const answer = await me.request<{ response: string }>("mine", "ping");
const others = await new Operator({ url, token }).services();
const refused = await new Operator({ url, token: "x" }).services().catch((error: unknown) => error instanceof ConductorClientError && error.code);
console.log(JSON.stringify([me.id, answer.response, others.length, refused, import.meta.resolve("harbor/conductor")]));
`,
    );
    const conductor = Bun.spawn([process.execPath, "--no-install", join(root, "services/conductor/main.ts")], {
      env: { HARBOR_CONDUCTOR_HOST_PORT: "0", HARBOR_CONDUCTOR_TOKEN: "join-me", HARBOR_CONDUCTOR_DATA: join(box.root, "conductor") },
      stdout: "pipe",
      stderr: "pipe",
    });
    try {
      const [url] = await readUntil(conductor.stdout, /http:\S+/);
      const words = [process.execPath, "--no-install", join(project, "component.ts"), url, "join-me"];
      const { exit, stdout, stderr } = await resultOf(Bun.spawn(words, { cwd: project, env: box.env, stdout: "pipe", stderr: "pipe" }));
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
      const file = `file://${root}/services/conductor/client/client.ts`;
      expect(JSON.parse(stdout)).toEqual(["mine-001", "pong", 1, "unknown_token", file]);
    } finally {
      conductor.kill();
      await conductor.exited;
    }
  });

  test("starts a supervisor from a service's program as from a command", async () => {
    box.services({
      "mine/start.ts": `import { SupervisorClient } from "harbor/supervisor/connect-supervisor";
const home = process.env.HARBOR_HOME_HERE ?? "";
const client = new SupervisorClient({ home, env: process.env });
console.log((await client.hello()).version);
await client.leave();
`,
    });
    const contract =
      files()["mine/mine_native.yml"]?.replace("env: { ", `env: { HARBOR_HOME_HERE: ${JSON.stringify(join(box.root, "other"))}, `) ?? "";
    box.services({ "mine/mine_native.yml": contract });
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    expect(await installed("run", "mine", "start.ts")).toEqual({ exit: 0, stdout: `${version}\n`, stderr: "" });
  });
});
