/** `harbor launch`: backends, models, the process, and what is left alone. The tools are stand-ins; mock-openai is real, and has no model. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../_ports.ts";
import { resultOf } from "../_process.ts";
import { checkout, readUntil, Sandbox } from "./_sandbox.ts";
import { type Given, makeStandIns } from "./_stand-ins.ts";

let box: Sandbox;
let env: Record<string, string>;
const port = freePort();
const oldPort = freePort();

/** Serves two models that talk and one that does not; asks for a key where one is set. */
const SERVER = `
const key = process.env.DUO_KEY;
const data = [{ id: "embed-x" }, { id: "big:latest", meta: { n_ctx: 4096 } }, { id: "small", max_model_len: 65536 }];
Bun.serve({
  hostname: "127.0.0.1", port: ${port},
  fetch: (request) => key && request.headers.get("authorization") !== "Bearer " + key && !request.url.endsWith("/up")
    ? new Response("no", { status: 401 })
    : Response.json({ data }),
});
`;

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({
    "duo/compose.duo.yml":
      'x-harbor:\n  name: Duo\n  tags: [backend]\n  provides: [openai-api]\n  api_key: "${HARBOR_DUO_KEY:-}"\nservices:\n  duo:\n    image: busybox:local\n',
    "duo/duo_native.yml": `x-harbor-native:\n  executable: bun\n  daemon_args: [main.ts]\n  port: "${port}"\n  env: { DUO_KEY: "\${HARBOR_DUO_SERVER_KEY:-}" }\n  ready: { http: /up, start_interval: 20ms }\n`,
    "duo/main.ts": SERVER,
  });
  const bin = makeStandIns(box.root, ["aider", "claude", "llm", "opencode"]);
  env = { PATH: `${bin}:/usr/bin:/bin` };
});
afterEach(() => box.run(["down"]));
afterAll(() => box.remove());

const launch = (...words: string[]) => box.run(["launch", ...words], { env });
const up = (...handles: string[]) => box.run(["up", ...handles.flatMap((handle) => ["-x", handle])], { env });
const given = ({ stdout }: { stdout: string }) => JSON.parse(stdout) as Given;

/** Every file below a folder, with what is in it and when it was written; not the cache of the bun that runs all of this. */
function snapshot(folder: string): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true }).map(String);
  const files = paths.filter((path) => !path.startsWith(".bun/") && statSync(join(folder, path)).isFile());
  return Object.fromEntries(
    files.map((path) => [path, `${statSync(join(folder, path)).mtimeMs} ${readFileSync(join(folder, path), "utf8")}`]),
  );
}

describe("the backend", () => {
  test("is started where it does not run, alone and natively, and goes on running", async () => {
    const first = await box.run(["launch", "--backend", "mock-openai", "aider", "--message", "hi"], {
      env: { ...env, HARBOR_SERVICES_DEFAULT: "duo" },
    });
    expect(first.exit).toBe(0);
    expect(first.stderr).toContain("mock-openai: ready after");
    expect(first.stderr).toContain(`harbor: aider with mock-chat of mock-openai (http://127.0.0.1:${box.port})\n`);
    expect(first.stderr).toEndWith("harbor: mock-openai goes on running; harbor down mock-openai stops it\n");
    expect(given(first).args.slice(-2)).toEqual(["--message", "hi"]);
    const [row, ...others] = await box.ps();
    expect([row, others]).toMatchObject([{ handle: "mock-openai", runtime: "native", state: "running" }, []]);
    const second = await launch("aider");
    expect(second).toMatchObject({ exit: 0, stderr: `harbor: aider with mock-chat of mock-openai (http://127.0.0.1:${box.port})\n` });
    expect((await box.ps())[0]?.pid).toBe(row?.pid as number);
  });

  test("is one that runs, a model server before a stand-in; the others are named", async () => {
    await up("mock-openai", "duo");
    const { exit, stderr } = await launch("-m", "small", "aider");
    expect({ exit, stderr }).toEqual({
      exit: 0,
      stderr: `harbor: duo it is; --backend chooses another: mock-openai\nharbor: aider with small of duo (http://127.0.0.1:${port})\n`,
    });
    expect((await launch("claude")).stderr).toStartWith("harbor: Claude Code with mock-chat of mock-openai");
  });

  test("is what the configuration says; the option goes before it", async () => {
    await up("mock-openai", "duo");
    const configured = { ...env, HARBOR_LAUNCH_BACKEND: "mock-openai" };
    expect((await box.run(["launch", "aider"], { env: configured })).stderr).toContain("of mock-openai");
    expect((await box.run(["launch", "--backend=duo", "aider"], { env: configured })).stderr).toContain("of duo");
    expect(await box.run(["config", "set", "launch.backend", "mock-openai"])).toMatchObject({ exit: 0 });
    expect((await launch("aider")).stderr).toContain("of mock-openai");
    await box.run(["config", "unset", "launch.backend"]);
  });

  test("that is started by itself is llama.cpp, as its start says where it cannot be", async () => {
    const { exit, stderr } = await launch("aider");
    expect(exit).toBe(3);
    expect(stderr).toStartWith(
      "harbor: llamacpp it is; --backend chooses another: duo, ollama, vllm\nharbor: Cannot reach a container engine",
    );
    expect(await box.ps()).toEqual([]);
  });

  test.each([
    [["--backend", "olama", "aider"], 4, 'Cannot find service "olama"; did you mean "ollama"?'],
    [["--backend", "../x", "aider"], 2, 'Cannot use "../x" as a service'],
    [
      ["--backend", "redis", "aider"],
      1,
      'Cannot use "redis" as a backend: it provides no API of a model server\n  These do: duo, litellm, llamacpp, mock-openai, ollama, vllm',
    ],
    [
      ["--backend", "duo", "claude"],
      1,
      "Cannot point Claude Code at \"duo\": it speaks Anthropic's Messages API, and Duo speaks OpenAI's Chat Completions\n  These do: litellm, llamacpp, mock-openai, ollama, vllm",
    ],
  ])("%j: exit %d", async (words, exit, message) => {
    expect(await launch(...words)).toEqual({ exit, stdout: "", stderr: expect.stringContaining(message) });
  });

  test("of an older version than its definition is for says so", async () => {
    box.services({
      "old/compose.old.yml": "x-harbor:\n  name: Old\n  provides: [anthropic-api]\nservices:\n  old:\n    image: busybox:local\n",
      "old/old_native.yml": `x-harbor-native:\n  executable: bun\n  daemon_args: [main.ts]\n  port: "${oldPort}"\n  ready: { http: /v1/models, start_interval: 20ms }\n`,
      "old/main.ts": `Bun.serve({ hostname: "127.0.0.1", port: ${oldPort}, fetch: (it) => it.url.endsWith("/models") ? Response.json({ data: [{ id: "m" }] }) : new Response("404 page not found", { status: 404 }) });\n`,
    });
    await up("old");
    expect(await launch("claude")).toEqual({
      exit: 1,
      stdout: "",
      stderr:
        'harbor: Cannot use "old": this version of it does not speak Anthropic\'s Messages API (404 at /v1/messages)\n  Update it; docs/launch.md says which versions do\n',
    });
    await box.run(["down"]);
    rmSync(join(box.home, "services/old"), { recursive: true });
  });

  test("a folder that cannot be read takes no other with it (D11)", async () => {
    box.services({ "broken/compose.broken.yml": "x-harbor: [\n" });
    await up("mock-openai");
    const result = await launch("aider");
    expect(result).toMatchObject({ exit: 0, stderr: expect.stringMatching(/warning: .*compose\.broken\.yml:/) });
    rmSync(join(box.home, "services/broken"), { recursive: true });
  });

  test("is asked with its key, and says so where that is not the right one", async () => {
    const keyed = { ...env, HARBOR_DUO_SERVER_KEY: "sk-duo" };
    await box.run(["up", "-x", "duo"], { env: keyed });
    const right = await box.run(["launch", "-m", "small", "aider"], { env: { ...keyed, HARBOR_DUO_KEY: "sk-duo" } });
    expect([right.exit, given(right).env.OPENAI_API_KEY]).toEqual([0, "sk-duo"]);
    const wrong = await box.run(["launch", "aider"], { env: { ...keyed, HARBOR_DUO_KEY: "sk-dou" } });
    expect(wrong).toMatchObject({ exit: 1, stderr: expect.stringContaining("it does not take the key that is configured for it") });
    expect((await launch("aider")).stderr).toContain("it asks for a key, and its folder names none");
  });
});

describe("the model", () => {
  test("without a name is the first that talks, and the others are named", async () => {
    await up("duo");
    const { stdout, stderr } = await launch("aider");
    expect(given({ stdout }).args).toContain("openai/big:latest");
    expect(stderr).toStartWith("harbor: model big:latest; --model chooses another: small\n");
    expect(stderr).toContain("harbor: warning: The context of big:latest is 4096 tokens; aider may need more");
  });

  test("is the one named, or configured where the backend has that", async () => {
    await up("duo");
    expect(given(await launch("--model", "big", "aider")).args).toContain("openai/big:latest");
    expect(given(await launch("-m", "embed-x", "aider")).args).toContain("openai/embed-x");
    const configured = { ...env, HARBOR_LAUNCH_MODEL: "small" };
    expect(given(await box.run(["launch", "aider"], { env: configured })).args).toContain("openai/small");
    expect(given(await box.run(["launch", "aider"], { env: { ...env, HARBOR_LAUNCH_MODEL: "other" } })).args).toContain(
      "openai/big:latest",
    );
  });

  test("that the backend does not have is refused, with the nearest", async () => {
    await up("duo");
    expect(await launch("-m", "smal", "aider")).toEqual({
      exit: 4,
      stdout: "",
      stderr: 'harbor: Cannot find model "smal": "duo" does not have it; did you mean "small"?\n  It has: embed-x, big:latest, small\n',
    });
  });
});

describe("the tool", () => {
  test("ends as it does, and its words are the tool's as they were typed (D14)", async () => {
    await up("mock-openai");
    const words = ["--print", "--json", "-m", "x y", "", "--", "*", "end 7"];
    const result = await launch("claude", ...words);
    expect([result.exit, given(result).args.slice(2)]).toEqual([7, words]);
    expect((await launch("--", "claude", "--help")).stdout).toContain("a stand-in for claude");
  });

  test("has our streams, and gets what is signalled", async () => {
    await up("mock-openai");
    const child = box.start(["launch", "claude", "wait"], { env });
    await readUntil(child.stdout, /stand-in/);
    child.kill("SIGTERM");
    expect(await child.exited).toBe(5);
  });

  test("keeps what it writes into its folder, which is for nobody else; what is ours is made anew", async () => {
    await up("duo");
    await launch("-m", "small", "llm", "remember", "kept");
    const folder = join(box.home, "state/launch/llm");
    expect(readdirSync(folder).sort()).toEqual(["default_model.txt", "extra-openai-models.yaml", "keys.json", "session"]);
    expect([statSync(folder).mode & 0o777, statSync(join(folder, "keys.json")).mode & 0o777]).toEqual([0o700, 0o600]);
    expect(given(await launch("-m", "big", "llm")).files).toMatchObject({ session: "kept", "default_model.txt": "harbor/big:latest" });
    await box.run(["down"]);
    expect(existsSync(join(folder, "session"))).toBe(true);
  });

  test("is no reason to touch the user's own configuration (D16)", async () => {
    await up("mock-openai");
    for (const path of [
      ".claude/settings.json",
      ".claude.json",
      ".config/opencode/opencode.json",
      ".aider.conf.yml",
      ".config/io.datasette.llm/keys.json",
    ]) {
      mkdirSync(join(box.root, "user", path, ".."), { recursive: true });
      writeFileSync(join(box.root, "user", path), `{"mine": "${path}"}\n`);
    }
    const before = snapshot(join(box.root, "user"));
    for (const tool of ["aider", "claude", "llm", "opencode"]) {
      expect((await box.run(["launch", tool], { env: { ...env, HOME: join(box.root, "user") } })).exit).toBe(0);
    }
    expect(snapshot(join(box.root, "user"))).toEqual(before);
  });

  test("reaches the backend where the user goes out through a proxy", async () => {
    await up("mock-openai");
    const { exit, stdout } = await box.run(["launch", "claude"], {
      env: { ...env, http_proxy: "http://127.0.0.1:1", NO_PROXY: "corp.example" },
    });
    expect(exit).toBe(0);
    expect(given({ stdout }).env).toMatchObject({ NO_PROXY: "corp.example,127.0.0.1,localhost", http_proxy: "http://127.0.0.1:1" });
  });

  test.each([
    [["codex"], 3, 'Cannot launch Codex: "codex" is not installed, or not on PATH\n  Install it: npm install -g @openai/codex ('],
    [["claud"], 4, 'Cannot launch "claud": no tool of that name is known; did you mean "claude"?'],
    [["--moddel", "x", "claude"], 2, 'it has no option "--moddel"; did you mean "--model"?'],
    [["--model"], 2, '"--model" needs a value'],
    [["--backend", "duo"], 2, "--backend is for a tool, and none is named"],
    [["--json", "claude"], 2, "what is printed is the tool's"],
  ])("%j: exit %d", async (words, exit, message) => {
    expect(await launch(...words)).toEqual({ exit, stdout: "", stderr: expect.stringContaining(message) });
    expect(await box.ps()).toEqual([]);
  });
});

describe("harbor launch --print", () => {
  const KEY = "it's $ecret";

  test("starts nothing, writes nothing, and hides the key", async () => {
    const keyed = { ...env, HARBOR_MOCK_OPENAI_API_KEY: KEY };
    const before = box.left();
    const { exit, stdout, stderr } = await box.run(["launch", "--print", "--backend", "mock-openai", "aider", "it's"], { env: keyed });
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    expect(stdout).toBe(`# aider with <model> of mock-openai (http://127.0.0.1:${box.port})
# Not running: harbor launch would start mock-openai and ask it for its models
export OPENAI_API_BASE=http://127.0.0.1:${box.port}/v1
export OPENAI_API_KEY='********'
export AIDER_SHOW_MODEL_WARNINGS=false
${join(box.root, "tools/aider")} --openai-api-base http://127.0.0.1:${box.port}/v1 --model 'openai/<model>' 'it'\\''s'
`);
    expect(box.left()).toEqual(before);
    expect(await box.ps()).toEqual([]);
  });

  test("with the secrets is a script that does the same", async () => {
    const keyed = { ...env, HARBOR_MOCK_OPENAI_API_KEY: KEY, ANTHROPIC_API_KEY: "sk-of-the-user" };
    await box.run(["up", "-x", "mock-openai"], { env: keyed });
    const words = ["a 'b'", "$HOME", "é\\n", ""];
    const launched = given(await box.run(["launch", "claude", ...words], { env: keyed }));
    rmSync(join(box.home, "state/launch"), { recursive: true });
    const printed = await box.run(["launch", "--config", "--show-secrets", "claude", ...words], { env: keyed });
    const shell = Bun.spawn(["sh", "-c", printed.stdout], {
      cwd: box.root,
      env: { ...box.env, ...keyed },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const run = given(await resultOf(shell));
    const own = ({ env: { PWD: _, OLDPWD: __, SHLVL: ___, ...rest }, ...it }: Given) => ({ ...it, env: rest });
    expect(own(run)).toEqual(own(launched));
    expect(run.files["settings.json"]).toContain(JSON.stringify(KEY));
    expect(run.env.ANTHROPIC_API_KEY).toBeUndefined();
  });

  test("--json has the parts; a tool that is not installed can be looked at as well", async () => {
    await up("mock-openai");
    const { exit, stdout } = await launch("--print", "--json", "codex", "exec");
    expect([exit, JSON.parse(stdout)]).toMatchObject([
      0,
      {
        tool: "codex",
        program: "codex",
        isInstalled: false,
        backend: "mock-openai",
        isRunning: true,
        api: "openai-responses",
        url: `http://127.0.0.1:${box.port}`,
        model: "mock-chat",
        env: { HARBOR_LAUNCH_API_KEY: "harbor" },
        unset: [],
        files: {},
      },
    ]);
    expect((await launch("--print", "codex")).stdout).toContain("# Not installed: npm install -g @openai/codex\n");
  });
});

describe("harbor launch alone", () => {
  test("lists the tools: which are installed, what they speak, which backends do", async () => {
    const tools = JSON.parse((await launch("--json")).stdout) as { name: string; program: string | null }[];
    expect(tools.find(({ name }) => name === "claude")).toEqual({
      name: "claude",
      title: "Claude Code",
      program: join(box.root, "tools/claude"),
      install: "npm install -g @anthropic-ai/claude-code",
      speaks: ["anthropic-api"],
      backends: ["litellm", "llamacpp", "mock-openai", "ollama", "vllm"],
      docs: "https://code.claude.com/docs/en/env-vars",
    } as object as { name: string; program: string });
    expect(tools.find(({ name }) => name === "gemini")).toMatchObject({ program: null, backends: ["litellm"] });
    const { exit, stdout, stderr } = await launch();
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    expect(stdout).toMatch(/^claude +Claude Code +anthropic-api +litellm .* \/.*\/tools\/claude$/m);
    expect(stdout).toMatch(/^codex .* no: npm install -g @openai\/codex$/m);
  });
});

/** What a person at a terminal sees: Python opens one, types each line once its prompt is read, and tells how it ended. */
const TERMINAL = `
import os, pty, sys
keys = sys.argv[1].encode().decode("unicode_escape").encode().split(b"|")
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
seen, asked = b"", 0
while True:
    try:
        piece = os.read(terminal, 1024)
    except OSError:
        break
    if not piece:
        break
    seen += piece
    while seen.count(b"]: ") > asked and keys:
        asked += 1
        os.write(terminal, keys.pop(0))
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

describe.skipIf(Bun.which("python3") === null)("at a terminal", () => {
  const type = async (keys: string, ...words: string[]) => {
    const argv = ["python3", "-c", TERMINAL, keys, join(checkout, "bin/harbor"), "launch", ...words];
    const result = await resultOf(
      Bun.spawn(argv, { cwd: box.root, env: { ...box.env, ...env }, stdin: "pipe", stdout: "pipe", stderr: "pipe" }),
    );
    return { ...result, stdout: result.stdout.replaceAll("\r\n", "\n") };
  };

  test("the model is asked for, until one is chosen", async () => {
    await up("duo");
    const { exit, stdout } = await type("9\\r|x\\r|2\\r", "aider");
    expect(stdout).toStartWith("Which model of duo?\n  1  big:latest\n  2  small\n1-2 [1]: ");
    expect([exit, stdout]).toEqual([0, expect.stringContaining("harbor: aider with small of duo")]);
    expect((await type("\\r", "aider")).stdout).toContain("harbor: aider with big:latest of duo");
  });

  test("which backend to start is asked for where none runs", async () => {
    const { exit, stdout } = await type("1\\r", "-m", "small", "aider");
    expect(stdout).toStartWith("Nothing runs that aider can talk to. Which is to be started?\n  1  duo  Duo\n  2  llamacpp  llama.cpp\n");
    expect(stdout).toContain("1-4 [2]: ");
    expect([exit, stdout]).toEqual([0, expect.stringContaining("harbor: aider with small of duo")]);
  });

  test("to choose nothing ends it, and nothing is started", async () => {
    expect((await type("\\x04", "aider")).exit).toBe(130);
    expect(await box.ps()).toEqual([]);
  });
});
