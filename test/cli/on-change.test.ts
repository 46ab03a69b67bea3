/** `on_change`: a service's own program that hears of what has changed in the stack. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../_ports.ts";
import { echoService, Sandbox } from "./_sandbox.ts";

let box: Sandbox;
let ports: { mind: number; echo: number };

interface News {
  cause: string;
  self: { handle: string };
  services: { handle: string; state: string; url: string | null; ready: string | null }[];
  env: Record<string, string>;
}

const news = (): string => join(box.root, "news.json");

/** What it heard last, which is then forgotten. */
function heard(): News | undefined {
  if (!existsSync(news())) return undefined;
  const text = readFileSync(news(), "utf8");
  rmSync(news());
  return JSON.parse(text) as News;
}

const program = (body: string): void => box.services({ "mind/heard.ts": body });
const writing = (): string =>
  `import { writeFileSync } from "node:fs";\nconst news = await Bun.stdin.json();\nwriteFileSync(${JSON.stringify(news())}, JSON.stringify({ ...news, env: process.env }));\n`;

beforeAll(async () => {
  box = await Sandbox.create();
  ports = { mind: freePort(), echo: freePort() };
  const { "mind/mind_native.yml": contract = "", ...rest } = echoService("mind", ports.mind);
  box.services({
    ...rest,
    "mind/mind_native.yml": `x-harbor: { on_change: heard.ts }\n${contract}`,
    ...echoService("echo", ports.echo),
  });
  box.write({ "home/config.env": "HARBOR_MIND_MOOD=good\nHARBOR_OTHER=none\n" });
  program(writing());
});

afterAll(() => box.remove());

describe("a service that wants to know what changes", () => {
  test("is told nothing while it is not up", async () => {
    expect((await box.run(["up", "-x", "echo", "--no-defaults"])).exit).toBe(0);
    expect(heard()).toBeUndefined();
  });

  test("is told of all there is when it comes up, with its own values and none of others", async () => {
    expect(await box.run(["up", "-x", "mind"], { env: { SOME_KEY: "secret" } })).toMatchObject({ exit: 0 });
    const { cause, self, services, env } = heard() as News;
    expect([cause, self.handle]).toEqual(["up", "mind"]);
    expect(services).toEqual([
      {
        ...{
          handle: "echo",
          name: "echo",
          runtime: "native",
          state: "running",
          health: "healthy",
          version: null,
          provides: [],
          ready: "/",
        },
        ...{ url: `http://127.0.0.1:${ports.echo}`, internalUrl: `http://echo:${ports.echo}` },
      },
      expect.objectContaining({ handle: "mind", name: "mind" }),
    ] as unknown as News["services"]);
    expect(env.HARBOR_MIND_MOOD).toBe("good");
    expect([env.HARBOR_OTHER, env.SOME_KEY]).toEqual([undefined, undefined]);
  });

  test.each([
    ["stop echo", "stop", "stopped"],
    ["up -x echo", "up", "running"],
    ["restart echo", "restart", "running"],
    ["down echo", "down", undefined],
  ])("is told of harbor %s", async (line, cause, state) => {
    expect((await box.run(line.split(" "))).exit).toBe(0);
    const told = heard();
    expect(told?.cause).toBe(cause);
    expect(told?.services.find(({ handle }) => handle === "echo")?.state).toBe(state);
  });

  test("is told of a restart that failed as well: by now echo is down", async () => {
    for (const line of ["up -x echo", "stop echo"]) expect((await box.run(line.split(" "))).exit).toBe(0);
    heard();
    {
      using _ = Bun.listen({ hostname: "127.0.0.1", port: ports.echo, socket: { data() {} } });
      expect((await box.run(["restart", "echo"])).exit).not.toBe(0);
    }
    const told = heard();
    expect(told?.cause).toBe("restart");
    expect(told?.services.find(({ handle }) => handle === "echo")?.state).toBe("failed");
    expect((await box.run(["down", "echo"])).exit).toBe(0);
    heard();
  });

  test("is not told of what only looks", async () => {
    for (const line of ["ps", "plan -x echo", "ls", "config set mind.mood better"]) await box.run(line.split(" "));
    expect(heard()).toBeUndefined();
  });

  test.each([
    ["fails", 'console.error("no, thanks");\nprocess.exit(3);\n', "no, thanks"],
    ["fails and says nothing", "process.exit(3);\n", "heard.ts ended with exit code 3"],
  ])("fails nothing where its program %s", async (_, body, why) => {
    program(body);
    const { exit, stderr } = await box.run(["up", "-x", "echo"]);
    expect({ exit, warning: stderr.split("\n").find((line) => line.includes("warning")) }).toEqual({
      exit: 0,
      warning: `harbor: warning: Cannot tell mind of the change: ${why}`,
    });
  });

  test("is not waited for longer than 10 s, and all that its program has started ends", async () => {
    const pidFile = join(box.root, "pid");
    program(
      `import { writeFileSync } from "node:fs";\nconst child = Bun.spawn(["sleep", "60"]);\nwriteFileSync(${JSON.stringify(pidFile)}, String(child.pid));\nawait Bun.sleep(60_000);\n`,
    );
    const { exit, stderr } = await box.run(["up", "-x", "echo"]);
    expect({ exit, isTold: stderr.includes("heard.ts did not end within 10 s") }).toEqual({ exit: 0, isTold: true });
    const pid = Number(readFileSync(pidFile, "utf8"));
    expect(existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ")).toBe(false);
  }, 20_000);

  test("names a program of its own folder alone", async () => {
    const { "mind/mind_native.yml": contract = "" } = echoService("mind", ports.mind);
    box.write({ "elsewhere.ts": writing() });
    box.services({ "mind/mind_native.yml": `x-harbor: { on_change: ../../../elsewhere.ts }\n${contract}` });
    const { exit, stderr } = await box.run(["up", "-x", "echo"]);
    expect({ exit, isRefused: stderr.includes('"../../../elsewhere.ts" is outside of its folder') }).toEqual({ exit: 0, isRefused: true });
    expect(heard()).toBeUndefined();
  });
});
