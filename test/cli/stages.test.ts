/** The ways to see through Harbor or leave it: `cmd`, `eject`, and each stage by itself. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { routines } from "../../routines/routine.ts";
import { type Result, resultOf } from "../_process.ts";
import { checkout, Sandbox } from "./_sandbox.ts";

let box: Sandbox;

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({
    "safe/compose.safe.yml": `services:
  safe:
    image: "safe:\${HARBOR_SAFE_VERSION:-1}"
    command: ["--key", "\${HARBOR_SAFE_KEY}", "$$HOME"]
    environment: { TOKEN: "\${HARBOR_SAFE_TOKEN:-default}", LEVEL: "\${HARBOR_SAFE_LEVEL:-low}" }
`,
    "door/door_native.yml":
      'x-harbor-native:\n  executable: door\n  daemon_args: [--key, "${HARBOR_DOOR_KEY}", --port, "${HARBOR_DOOR_PORT:-41401}"]\n  port: "${HARBOR_DOOR_PORT:-41401}"\n',
  });
});

afterAll(() => box.remove());

/** `docker compose`, where it is installed; what is asked of it here needs no engine. */
const docker = Bun.which("docker");
const hasCompose = docker !== null && Bun.spawnSync([docker, "compose", "version"], { stdout: "ignore", stderr: "ignore" }).success;
const compose = [docker ?? "docker", "compose"];

async function pipe(command: readonly string[], input: string): Promise<Result> {
  const child = Bun.spawn([...command], {
    cwd: box.root,
    env: { ...box.env, HOME: process.env.HOME ?? "" },
    stdin: new TextEncoder().encode(input),
    stdout: "pipe",
    stderr: "pipe",
  });
  return resultOf(child);
}

const env = { HARBOR_SAFE_KEY: "s3cr3t", HARBOR_SAFE_TOKEN: "t0k3n", HARBOR_DOOR_KEY: "d00r", HARBOR_SAFE_LEVEL: "a$b" };

describe("harbor eject", () => {
  test("prints one file without secrets, and names them", async () => {
    const { exit, stdout, stderr } = await box.run(["eject", "-x", "door", "safe"], { env });
    expect(exit).toBe(0);
    expect(stdout).not.toMatch(/s3cr3t|t0k3n|d00r/);
    expect(stdout).toStartWith(`# Made by \`harbor eject\` from: door, safe
# Set these before it starts: HARBOR_SAFE_KEY, HARBOR_SAFE_TOKEN
# Start on the host, listening on 127.0.0.1:41401: cd ${box.home}/services/door && door --key "\${HARBOR_DOOR_KEY}" --port 41401
name: "${box.env.HARBOR_PROJECT}"
services:
`);
    expect(stdout).toContain('- "${HARBOR_SAFE_KEY}"');
    expect(stdout).toContain('- "$$HOME"');
    expect(stdout).toContain('LEVEL: "a$$b"');
    expect(stdout).not.toContain("harbor.handle");
    expect(stderr).toBe("harbor: warning: Left open for you to set: HARBOR_SAFE_KEY, HARBOR_SAFE_TOKEN (--resolve fills them in)\n");
  });

  test("says how to start what is native, as a shell takes it", async () => {
    box.services({
      "shown/shown_native.yml": `x-harbor-native:
  executable: sh
  daemon_args: ["-c", "echo \\"$$PWD|$$LEVEL|$$KEY|$$PASSED|$$0\\"", "\${HARBOR_SHOWN_WORD:-}"]
  port: 41398
  working_directory: a b
  env: { LEVEL: "\${HARBOR_SHOWN_LEVEL}", KEY: "k-\${HARBOR_SHOWN_KEY:-}" }
  env_vars: [PASSED, PASSED_TOKEN]
`,
    });
    box.write({ "home/services/shown/a b/.keep": "" });
    const shown = {
      HARBOR_SHOWN_LEVEL: 'a$b "`c`"',
      HARBOR_SHOWN_WORD: "it's",
      PASSED: "p",
      HARBOR_SHOWN_KEY: "s3cr3t",
      PASSED_TOKEN: "t0k3n",
    };
    const { stdout } = await box.run(["eject", "-x", "shown", "safe"], { env: shown });
    expect(stdout).not.toMatch(/s3cr3t|t0k3n/);
    const line = /127\.0\.0\.1:41398: (.*)/.exec(stdout)?.[1] ?? "";
    const started = await pipe(["env", "HARBOR_SHOWN_KEY=mine", "sh", "-c", line], "");
    expect(started.stdout).toBe(`${box.home}/services/shown/a b|a$b "\`c\`"|k-mine|p|it's\n`);
  });

  test("fills secrets in with --resolve", async () => {
    const { stdout, stderr } = await box.run(["eject", "safe", "--resolve"], { env });
    expect(stdout).toContain('- "s3cr3t"');
    expect(stdout).toContain('TOKEN: "t0k3n"');
    expect(stderr).toBe("");
  });

  test.skipIf(!hasCompose)("is what compose itself reads (needs docker's compose plugin)", async () => {
    for (const words of [["*"], ["-x", "ollama", "webui", "litellm", "searxng"]]) {
      const { stdout } = await box.run(["eject", ...words]);
      const { exit, stderr } = await pipe([...compose, "-f", "-", "config", "-q"], stdout);
      expect({ exit, stderr: stderr.replace(/^.*variable is not set.*\n/gm, "") }).toEqual({ exit: 0, stderr: "" });
    }
    const { stdout } = await box.run(["eject", "safe", "--resolve", "--json"], { env });
    const read = await pipe([...compose, "-f", "-", "config", "--format", "json"], stdout);
    const { services } = JSON.parse(read.stdout) as { services: Record<string, object> };
    expect(services.safe).toMatchObject({
      image: "safe:1",
      command: ["--key", "s3cr3t", "$$HOME"],
      environment: { TOKEN: "t0k3n", LEVEL: "a$$b" },
    });
  });

  test("refuses what has no container", async () => {
    const { exit, stdout, stderr } = await box.run(["eject"]);
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: "" });
    expect(stderr).toStartWith("harbor: Cannot eject: everything selected runs natively, so there is no container to write down\n");
  });
});

describe("harbor cmd", () => {
  test("prints a command line that a shell reads back, with the words after --", async () => {
    const { stdout } = await box.run(["cmd", "safe", "--", "run", "it's", "a b"]);
    const words = await box.run(["cmd", "safe", "--json", "--", "run", "it's", "a b"]);
    const echoed = await pipe(["sh", "-c", `for word in ${stdout.trim()}; do printf '%s\\n' "$word"; done`], "");
    expect(echoed.stdout.trimEnd().split("\n")).toEqual(JSON.parse(words.stdout) as string[]);
    expect(echoed.stdout).toEndWith("run\nit's\na b\n");
  });

  test.skipIf(!hasCompose)("names files that compose can read (needs docker's compose plugin)", async () => {
    const words = await box.run(["cmd", "safe", "--json", "--", "config", "--services"], { env });
    const [, , ...args] = JSON.parse(words.stdout) as string[];
    expect((await pipe([...compose, ...args], "")).stdout).toBe("safe\n");
  });
});

describe("what Harbor settles otherwise than the environment", () => {
  const files = {
    "settled/services/box/compose.box.yml":
      'services:\n  box:\n    image: b:1\n    depends_on: [nat]\n    environment: { URL: "${HARBOR_NAT_INTERNAL_URL:-none}", BARE: null }\n    volumes: ["${HARBOR_DATA}/box:/data"]\n',
    "settled/services/nat/nat_native.yml":
      "x-harbor-native:\n  executable: sleep\n  port: 41399\n  env_overrides: { HARBOR_NAT_INTERNAL_URL: 'http://nat:41399' }\n",
  };
  const environment = { HARBOR_DATA: "mydata", HARBOR_NAT_INTERNAL_URL: "http://mine:1" };
  const call = { env: environment };
  const selection = ["-x", "nat", "box", "--workspace", "settled"];

  test("is taken out of the environment that `harbor cmd` gives to compose", async () => {
    box.write(files);
    const words = await box.json<string[]>(["cmd", ...selection], call);
    const at = words.indexOf("docker");
    expect([words[0], ...words.slice(1, at).sort()]).toEqual(["env", "-u", "-u", "HARBOR_DATA", "HARBOR_NAT_INTERNAL_URL"]);
    expect((await box.json<string[]>(["cmd", ...selection]))[0]).toBe("docker");
  });

  test.skipIf(!hasCompose)("means the same to eject and to compose (needs docker's compose plugin)", async () => {
    box.write({ ...files, "home/config.env": "BARE=a$b\n" });
    const { stdout } = await box.run(["eject", ...selection], call);
    expect(stdout).toContain('URL: "http://nat:41399"');
    expect(stdout).toContain(`"${box.home}/mydata/box:/data"`);
    const words = await box.json<string[]>(["cmd", ...selection], call);
    const at = words.indexOf("docker");
    const line = [...words.slice(0, at), ...compose, ...words.slice(at + 2), "config"];
    const read = await pipe(["env", ...Object.entries(environment).map((pair) => pair.join("=")), ...line], "");
    expect(read.stdout).toContain("URL: http://nat:41399");
    expect(read.stdout).toContain("BARE: a$$b");
    expect(read.stdout).toContain(`source: ${box.home}/mydata/box`);
  });
});

describe("harbor routine", () => {
  test("lists every stage with what it does", async () => {
    const { stdout } = await box.run(["routine"]);
    const names = stdout
      .trimEnd()
      .split("\n")
      .map((line) => /^ {2}([a-z-]+) {2,}[A-Z]/.exec(line)?.[1]);
    expect(names).toEqual(Object.keys(routines));
  });

  const files = new Map(
    readdirSync(join(checkout, "routines"), { recursive: true })
      .map(String)
      .filter((name) => /^[a-z]+\/[a-z].*\.ts$/.test(name))
      .map((name) => [name.split("/")[1]?.slice(0, -3), `routines/${name}`]),
  );

  test.each([
    [["resolve-files", "-x", "ollama", "webui"]],
    [["resolve-files", "--json", "webui", "nvidia"]],
    [["exclude-natives", "-x", "ollama", "webui"]],
    [["make-plan", "-x", "ollama", "webui"]],
    [["list-handles"]],
    [["list-files", "ollama"]],
    [["find-workspace", "--json"]],
    [["describe-service", "ollama", "--json"]],
    [["read-values", "HARBOR_DATA", "--json"]],
    [["read-contract", join(checkout, "services/redis/redis_native.yml"), "--json"]],
    [["resolve-contract", join(checkout, "services/mock-openai/mock-openai_native.yml"), "--json"]],
    [["merge-compose", join(checkout, "services/compose.yml"), join(checkout, "services/searxng/compose.searxng.yml")]],
    [["list-services"]],
    [["observe-stack", "--json"]],
    [["read-stack"]],
  ])("%j is the same by itself and through harbor", async ([name = "", ...words]) => {
    const own = pipe([process.execPath, join(checkout, files.get(name) ?? ""), ...words], "");
    const [alone, mounted] = await Promise.all([own, box.run(["routine", name, ...words])]);
    expect(mounted).toEqual(alone);
    expect({ exit: alone.exit, stderr: alone.stderr }).toEqual({ exit: 0, stderr: "" });
    expect(alone.stdout === "" || alone.stdout.endsWith("\n")).toBe(true);
  });

  test("resolve-files prints one path a line in merge order, and with --json those left out with the reason", async () => {
    const { stdout } = await box.run(["routine", "resolve-files", "-x", "ollama", "webui"]);
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((path) => path.slice(checkout.length + 1)),
    ).toEqual([
      "services/compose.yml",
      "services/ollama/ollama_native.yml",
      "services/webui/compose.webui.yml",
      "services/webui/compose.x.webui.ollama.yml",
    ]);
    const all = await box.json<object[]>(["routine", "resolve-files", "-x", "ollama", "webui"]);
    expect(all).toContainEqual({
      path: join(checkout, "services/ollama/compose.ollama.yml"),
      kind: "definition",
      included: false,
      reason: "ollama runs natively: its contract takes this place",
    });
  });
});
