/**
 * `harbor profile`: the configuration under names, and from elsewhere. How often `use` is killed is bounded here:
 * `HARBOR_TEST_KILLS=200 bun test --timeout 600000 test/cli/profile.test.ts` for all of it.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openSource } from "../../routines/_profile-source.ts";
import { listKeys } from "../../routines/config/list-keys.ts";
import { findWorkspace } from "../../routines/workspace/find-workspace.ts";
import { Random } from "../differential/_random.ts";
import { killAtRandom } from "./_kill.ts";
import { Sandbox } from "./_sandbox.ts";
import { onTerminal } from "./_terminal.ts";

const KILLS = Number(process.env.HARBOR_TEST_KILLS ?? 25);
const SEED = Number(process.env.DIFFERENTIAL_SEED ?? 1);

let box: Sandbox;

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({
    "echo/compose.echo.yml": `x-harbor:
  settings:
    echo.level: { choices: [low, high], description: How loud }
    echo.count: { type: integer, min: 1, max: 9, description: How often }
    echo.model: { portable: true, description: Model }
    echo.args: { description: More arguments }
    echo.login: { secret: true, description: Who it is }
services:
  echo:
    image: "\${HARBOR_ECHO_IMAGE:-echo}:1"
    command: "--count \${HARBOR_ECHO_COUNT:-1} \${HARBOR_ECHO_MODEL:-m} \${HARBOR_ECHO_ARGS:-}"
    environment: { LEVEL: "\${HARBOR_ECHO_LEVEL:-low}", WHO: "\${HARBOR_ECHO_LOGIN:-}" }
`,
  });
});

const config = (): string => join(box.home, "config.env");
const read = (): string => (existsSync(config()) ? readFileSync(config(), "utf8") : "");
const profile = (name: string): string => join(box.home, "profiles", `${name}.env`);
const run = (...words: string[]) => box.run(["profile", ...words]);

afterEach(() =>
  ["config.env", "secrets.env", "profiles", "x.env"].map((name) => rmSync(join(box.home, name), { recursive: true, force: true })),
);
afterAll(() => box.remove());

describe("a profile", () => {
  test("is the configuration under a name, its comments as well, for its owner alone to read", async () => {
    writeFileSync(config(), "# loud\nHARBOR_ECHO_LEVEL=high # really\n");
    expect((await run("save", "loud")).exit).toBe(0);
    expect(readFileSync(profile("loud"), "utf8")).toBe("# loud\nHARBOR_ECHO_LEVEL=high # really\n");
    expect(statSync(profile("loud")).mode & 0o777).toBe(0o600);
    writeFileSync(config(), "HARBOR_ECHO_COUNT=3\n");
    const { exit, stdout, stderr } = await run("use", "loud", "--yes");
    expect({ exit, stdout }).toEqual({ exit: 0, stdout: "- echo.count=3\n+ echo.level=high\n" });
    expect(stderr).toBe(`harbor: loud it is: 2 values in ${config()}\n`);
    expect(read()).toBe("# loud\nHARBOR_ECHO_LEVEL=high # really\n");
    expect(statSync(config()).mode & 0o777).toBe(0o600);
  });

  test("is one that a person wrote into the folder", async () => {
    box.write({ "home/profiles/by-hand.env": "export HARBOR_ECHO_LEVEL='high'\nHARBOR_ANOTHER_KEY=x\n" });
    expect((await run("use", "by-hand", "--yes")).exit).toBe(0);
    expect((await box.run(["config", "get", "echo.level"])).stdout).toBe("high\n");
    expect(read()).toContain("HARBOR_ANOTHER_KEY=x\n");
  });

  test("`default` is built in: nothing but defaults, and no secret is lost", async () => {
    writeFileSync(config(), "# mine\nHARBOR_ECHO_LEVEL=high\nHARBOR_ECHO_LOGIN=m3llon\n");
    const { stdout } = await run("use", "default", "--yes");
    expect(stdout).toBe("- echo.level=high\n");
    expect(read()).toBe("# mine\nHARBOR_ECHO_LOGIN=m3llon\n");
    expect((await run("save", "default")).stderr).toContain("it is built in, and stays as it is");
    expect((await run("rm", "default", "--yes")).exit).toBe(1);
  });

  test("has none of the secrets unless asked, and takes none away", async () => {
    writeFileSync(config(), "HARBOR_ECHO_LEVEL=high\nHARBOR_ECHO_LOGIN=m3llon\n");
    const { stderr } = await run("save", "a");
    expect(stderr).toContain("left out, for they are secrets: HARBOR_ECHO_LOGIN (--with-secrets has them)");
    expect(readFileSync(profile("a"), "utf8")).toBe("HARBOR_ECHO_LEVEL=high\n");
    await run("save", "b", "--with-secrets");
    writeFileSync(config(), "HARBOR_ECHO_LOGIN=other\n");
    await run("use", "a", "--yes");
    expect(read()).toBe("HARBOR_ECHO_LEVEL=high\nHARBOR_ECHO_LOGIN=other\n");
    const { stdout } = await run("use", "b", "--yes");
    expect(stdout).toBe("- echo.login=********\n+ echo.login=********\n");
    expect(read()).toBe("HARBOR_ECHO_LEVEL=high\nHARBOR_ECHO_LOGIN=m3llon\n");
  });

  test("is refused whole for one value that its key does not take", async () => {
    box.write({
      "home/profiles/wrong.env": "HARBOR_ECHO_LEVEL=high\nHARBOR_ECHO_COUNT=many\n",
      "home/config.env": "HARBOR_ECHO_COUNT=2\n",
    });
    const { exit, stderr } = await run("use", "wrong", "--yes");
    expect([exit, stderr]).toEqual([2, expect.stringContaining("it takes a whole number from 1 to 9") as never]);
    expect(read()).toBe("HARBOR_ECHO_COUNT=2\n");
  });

  test("is asked for; off a terminal that takes --yes, and --dry-run only shows", async () => {
    box.write({ "home/profiles/loud.env": "HARBOR_ECHO_LEVEL=high\n", "home/config.env": "HARBOR_ECHO_LEVEL=low\n" });
    const refused = await run("use", "loud");
    expect([refused.exit, refused.stderr]).toEqual([2, expect.stringContaining("Say --yes to change them unasked") as never]);
    expect((await run("use", "loud", "--json")).exit).toBe(2);
    expect((await run("use", "loud", "--dry-run")).stdout).toBe("- echo.level=low\n+ echo.level=high\n");
    expect(read()).toBe("HARBOR_ECHO_LEVEL=low\n");
    expect((await onTerminal(box, ["profile", "use", "loud"], [[/\[y\/N\] $/, "n\r"]])).exit).toBe(1);
    expect(read()).toBe("HARBOR_ECHO_LEVEL=low\n");
    const yes = await onTerminal(box, ["profile", "use", "loud"], [[/\[y\/N\] $/, "y\r"]]);
    expect(yes).toMatchObject({ exit: 0, text: expect.stringContaining("+ echo.level=high") });
    expect(read()).toBe("HARBOR_ECHO_LEVEL=high\n");
  });

  test("that is saved over another, or taken away, is asked for", async () => {
    box.write({ "home/profiles/a.env": "HARBOR_ECHO_LEVEL=high\n" });
    expect((await run("save", "a")).exit).toBe(2);
    expect((await run("rm", "a")).exit).toBe(2);
    expect((await run("save", "a", "--yes")).exit).toBe(0);
    expect(readFileSync(profile("a"), "utf8")).toBe("# Nothing but defaults.\n");
    expect((await run("rm", "a", "--yes")).exit).toBe(0);
    expect(existsSync(profile("a"))).toBe(false);
  });

  test.each([
    ["use", "../x", 4],
    ["save", "../x", 2],
    ["save", "", 2],
    ["rm", "../config", 4],
  ])("%s %j is refused: a name is no path", async (verb, name, exit) => {
    box.write({ "home/config.env": "HARBOR_ECHO_LEVEL=high\n", "home/x.env": "HARBOR_ECHO_LEVEL=low\n" });
    expect((await run(verb, name, "--yes")).exit).toBe(exit);
    expect(read()).toBe("HARBOR_ECHO_LEVEL=high\n");
  });

  test("that there is not is told with the nearest", async () => {
    box.write({ "home/profiles/loud.env": "" });
    expect(await run("use", "lout")).toMatchObject({ exit: 4, stderr: expect.stringContaining('did you mean "loud"?') });
  });
});

test("harbor profile lists them, and marks the one that things are as", async () => {
  box.write({
    "home/profiles/a.env": "HARBOR_ECHO_LEVEL=high\n",
    "home/profiles/b.env": "HARBOR_ECHO_LEVEL=low\n",
    "home/config.env": "HARBOR_ECHO_LEVEL='high'\n",
  });
  const rows = await box.json<{ name: string; current: boolean; values: number; from: string }[]>(["profile"]);
  expect(rows.map(({ name, current, values, from }) => [name, current, values, from])).toEqual([
    ["a", true, 1, "user"],
    ["b", false, 1, "user"],
    ["default", false, 0, "harbor"],
  ]);
});

test("a profile that cannot be read hides no other", async () => {
  box.write({ "home/profiles/bad.env": 'A="\n', "home/profiles/good.env": "HARBOR_ECHO_COUNT=2\n" });
  const { exit, stdout, stderr } = await run("ls", "--json");
  expect([exit, stderr]).toEqual([0, `harbor: warning: ${profile("bad")}:1: Cannot read "A": its quote is never closed\n`]);
  const rows = JSON.parse(stdout) as { name: string; values: number | null }[];
  expect(rows.map(({ name, values }) => [name, values])).toEqual([
    ["bad", null],
    ["default", 0],
    ["good", 1],
  ]);
});

test("what is written is the profile that was shown, whatever becomes of its file meanwhile", async () => {
  box.write({ "home/profiles/loud.env": "HARBOR_ECHO_LEVEL=high\n" });
  const workspace = findWorkspace({ home: box.home });
  const source = await openSource("loud", { keys: listKeys({ workspace }), home: box.home, workspace, file: config() });
  rmSync(profile("loud"));
  expect(source.rewrite("HARBOR_ECHO_COUNT=3\n")).toBe("HARBOR_ECHO_LEVEL=high\n");
});

test("harbor profile diff shows what one would change, or how two differ, with secrets masked", async () => {
  box.write({
    "home/profiles/a.env": "HARBOR_ECHO_LEVEL=high\nHARBOR_ECHO_LOGIN=one\n",
    "home/profiles/b.env": "HARBOR_ECHO_COUNT=3\nHARBOR_ECHO_LOGIN=two\n",
    "home/config.env": "HARBOR_ECHO_LEVEL=low\n",
  });
  expect((await run("diff", "a")).stdout).toBe("- echo.level=low\n+ echo.level=high\n+ echo.login=********\n");
  expect((await run("diff", "a", "b")).stdout).toBe("+ echo.count=3\n- echo.level=high\n- echo.login=********\n+ echo.login=********\n");
  expect((await run("diff", "a", "b", "--show-secrets")).stdout).toContain("+ echo.login=two\n");
  expect(await box.json<object[]>(["profile", "diff", "b"])).toEqual([
    { name: "HARBOR_ECHO_COUNT", key: "echo.count", from: null, to: "3" },
    { name: "HARBOR_ECHO_LEVEL", key: "echo.level", from: "low", to: null },
    { name: "HARBOR_ECHO_LOGIN", key: "echo.login", from: null, to: "********" },
  ]);
});

test("the profiles of an older Harbor's folder work: what differs from its default.env, filled in as compose would", async () => {
  box.write({
    "old/compose.yml": "services: {}\n",
    "old/services/compose.one.yml":
      'services:\n  one: { image: "one:${HARBOR_ONE_VERSION}", environment: { A: "${HARBOR_ONE_A}", B: "${HARBOR_ONE_B}" } }\n',
    "old/profiles/default.env": 'HARBOR_ONE_VERSION="1"\nHARBOR_ONE_A=""\nHARBOR_ONE_B="b"\n',
    "old/profiles/gpu.env": 'HARBOR_ONE_VERSION="1"\nHARBOR_ONE_A="${HOME}/x"\nHARBOR_ONE_B="b"\n',
  });
  const directory = ["--workspace", join(box.root, "old")];
  expect((await box.json<{ name: string; from: string }[]>(["profile", "ls", ...directory])).map(({ name, from }) => [name, from])).toEqual(
    [
      ["default", "harbor"],
      ["gpu", "workspace"],
    ],
  );
  expect((await run("use", "gpu", "--yes", ...directory)).exit).toBe(0);
  expect(read()).toBe(`HARBOR_ONE_A=${box.root}/x\n`);
  expect((await run("rm", "gpu", "--yes", ...directory)).exit).toBe(1);
});

describe("a profile from a URL", () => {
  let server: ReturnType<typeof Bun.serve>;
  let answers: Record<string, () => Response | Promise<Response>> = {};

  beforeAll(() => {
    const lookUp = ({ url }: Request): Response | Promise<Response> =>
      answers[new URL(url).pathname]?.() ?? new Response("no", { status: 404 });
    server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: lookUp });
  });
  afterAll(() => server.stop(true));

  const at = (text: string): string => {
    answers = { "/x.env": () => new Response(text) };
    return `http://127.0.0.1:${server.port}/x.env`;
  };

  test("is shown as a diff and asked for; it takes out what it may set and does not, and nothing else", async () => {
    writeFileSync(config(), "HARBOR_ECHO_COUNT=3\nHARBOR_ECHO_ARGS=--mine\nHARBOR_ECHO_LOGIN=me\nHARBOR_DATA=/mnt/data\n");
    const url = at("# theirs\nHARBOR_ECHO_LEVEL=high\nHARBOR_ECHO_MODEL=org/name:q4\n");
    expect((await run("use", url)).exit).toBe(2);
    const { exit, stdout } = await run("use", url, "--yes");
    expect({ exit, stdout }).toEqual({ exit: 0, stdout: "- echo.count=3\n+ echo.level=high\n+ echo.model=org/name:q4\n" });
    expect(read()).toBe(
      "HARBOR_ECHO_ARGS=--mine\nHARBOR_ECHO_LOGIN=me\nHARBOR_DATA=/mnt/data\nHARBOR_ECHO_LEVEL=high\nHARBOR_ECHO_MODEL=org/name:q4\n",
    );
  });

  const marker = "/tmp/harbor-profile-was-executed";

  test.each([
    ["a variable of this shell", "PATH=/evil", "PATH"],
    ["a library that is loaded into everything", "LD_PRELOAD=/evil.so", "LD_PRELOAD"],
    ["where the configuration lies", "HARBOR_HOME=/evil", "home"],
    ["a key that nothing declares", "HARBOR_ECHO_IMAGE=evil/image", "echo.image"],
    ["the image of the proxies", "HARBOR_PROXY_IMAGE=evil/image", "proxy_image"],
    ["mounts", "HARBOR_ECHO_VOLUMES=/:/host", "echo.volumes"],
    ["where data is stored", "HARBOR_DATA=/etc", "data"],
    ["the address that ports are opened on", "HARBOR_BIND_ADDRESS=0.0.0.0", "bind_address"],
    ["options of a program", "HARBOR_ECHO_ARGS=--load=/evil.so", "echo.args"],
    ["that a service leaves its container", "HARBOR_ECHO_RUNTIME=native", "echo.runtime"],
    ["that one listens where others reach it", "HARBOR_MOCK_OPENAI_BRIDGE=direct", "mock-openai.bridge"],
    ["that nobody looks at a certificate", "HARBOR_ECHO_REMOTE_INSECURE=true", "echo.remote_insecure"],
    ["what a browser is sent to", "HARBOR_ECHO_OPEN_URL=https://evil.example", "echo.open_url"],
    ["a secret that its writer knows", "HARBOR_ECHO_LOGIN=known", "echo.login"],
    ["a secret by its name", "HARBOR_HF_TOKEN=known", "hf_token"],
    ["options behind a name", "HARBOR_ECHO_MODEL='m --load /evil.so'", "echo.model"],
    ["an option for a name", "HARBOR_ECHO_MODEL=--load=/evil.so", "echo.model"],
    ["a path for a name", "HARBOR_ECHO_MODEL=../../etc/passwd", "echo.model"],
    ["another value, by reference", "HARBOR_ECHO_MODEL='${HARBOR_ECHO_LOGIN}'", "echo.model"],
    ["a command", `HARBOR_ECHO_MODEL='$(touch ${marker})'`, "echo.model"],
    ["a command as a shell of old would run it", `HARBOR_ECHO_MODEL="\`touch ${marker}\`"`, "echo.model"],
    ["a value that its key does not take", "HARBOR_ECHO_COUNT=4000", "echo.count"],
    ["what a terminal would show in another order", "HARBOR_ECHO_MODEL='a\u202eb'", "echo.model"],
    ["what a terminal would take for a command", "HARBOR_ECHO_MODEL='a\u001b[2Jb'", "echo.model"],
  ])("cannot set %s", async (_, line, key) => {
    const before = "# mine\nHARBOR_ECHO_LEVEL=high\n";
    writeFileSync(config(), before);
    rmSync(marker, { force: true });
    const { exit, stdout, stderr } = await run("use", at(`HARBOR_ECHO_LEVEL=high\n${line}\n`), "--yes");
    expect({ exit, stdout }).toEqual({ exit: 0, stdout: "" });
    expect(stderr).toMatch(new RegExp(`Left out: .*${key.replace(".", "\\.")}.*: `));
    for (const character of ["\u001b", "\u202e"]) expect(stderr).not.toContain(character);
    expect(read()).toBe(before);
    expect(existsSync(marker)).toBe(false);
    const known = ["config.env", "history.jsonl", "services", "state"];
    expect(readdirSync(box.home).filter((name) => !known.includes(name))).toEqual([]);
  });

  test("may be a JSON object of keys as people write them", async () => {
    expect((await run("use", at('{ "echo.level": "high", "echo.count": 3 }'), "--yes")).stdout).toBe("+ echo.count=3\n+ echo.level=high\n");
    const wrong = await run("use", at('{ "\\u001b[2J": [] }'), "--yes");
    expect(wrong.exit).toBe(1);
    expect(wrong.stderr).not.toContain("\u001b");
  });

  test.each([
    ["http://example.com/x.env", "it takes an https URL"],
    ["http://10.0.0.1/x.env", "it takes an https URL"],
    ["http://127.0.0.1.example.com/x.env", "it takes an https URL"],
    ["file:///etc/passwd", "it takes an https URL"],
    ["ftp://127.0.0.1/x.env", "it takes an https URL"],
    ["https://", "it takes an https URL"],
  ])("is refused from %s", async (url, message) => {
    expect(await run("use", url, "--yes")).toMatchObject({ exit: 2, stderr: expect.stringContaining(message) });
  });

  test.each<[string, () => Response, string]>([
    ["is redirected to http", () => Response.redirect(`http://127.0.0.1:${server.port}/y.env`, 302), "which is not https"],
    ["is redirected to a file", () => new Response("", { status: 302, headers: { location: "file:///etc/passwd" } }), "which is not https"],
    ["is not there", () => new Response("", { status: 404 }), "the server answers 404"],
    ["is a web page", () => new Response("<html>", { headers: { "content-type": "text/html" } }), "it is a web page"],
    ["is too large", () => new Response("#".repeat(300_000)), "it is larger than"],
    ["has no end", () => new Response(endless()), "it is larger than"],
    ["is no text", () => new Response(new Uint8Array([0xff, 0xfe, 0x00])), "it is no text"],
    ["is neither lines nor JSON", () => new Response("what is this"), "Cannot read a line"],
  ])("that %s changes nothing", async (_, answer, message) => {
    writeFileSync(config(), "HARBOR_ECHO_COUNT=2\n");
    answers = { "/x.env": answer, "/y.env": () => new Response("HARBOR_ECHO_LEVEL=high\n") };
    const { exit, stderr } = await run("use", `http://127.0.0.1:${server.port}/x.env`, "--yes");
    expect([exit, stderr]).toEqual([1, expect.stringContaining(message) as never]);
    expect(read()).toBe("HARBOR_ECHO_COUNT=2\n");
  });

  test("says no secret of the URL, and the history none either", async () => {
    const url = at("HARBOR_ECHO_LEVEL=high\n").replace("//", "//me:hunter2@");
    const { stderr } = await run("use", `${url}?token=hunter3`, "--yes");
    const gone = await run("use", `${url.replace("x.env", "gone.env")}?token=hunter3`, "--yes");
    expect(`${stderr}${gone.stderr}${readFileSync(join(box.home, "history.jsonl"), "utf8")}`).not.toMatch(/hunter/);
  });
});

function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.enqueue(new TextEncoder().encode("# and on\n".repeat(1000))) });
}

test(
  `\`profile use\` killed at ${KILLS} random moments: the file is whole, and old or new`,
  async () => {
    const random = new Random(SEED);
    const long = "x".repeat(200_000); // so that writing takes a while
    const texts = ["a", "b"].map((name) => `# ${name}\nHARBOR_PROJECT=${name}\nHARBOR_ECHO_ARGS='${name}${long}'\n`);
    const [a = "", b = ""] = texts;
    box.write({ "home/profiles/a.env": a, "home/profiles/b.env": b, "home/config.env": a });
    let usualMs = Number.POSITIVE_INFINITY;
    for (const name of ["b", "a", "b", "a"]) {
      const from = performance.now();
      expect((await run("use", name, "--yes")).exit).toBe(0);
      usualMs = Math.min(usualMs, performance.now() - from);
    }
    const seen = { old: 0, new: 0 };
    let held = a;
    for (let round = 0; seen.old + seen.new < KILLS && round < KILLS * 5; round++) {
      const wanted = held === a ? b : a;
      const child = box.start(["profile", "use", wanted === a ? "a" : "b", "--yes"]);
      await killAtRandom({ child, random, usualMs, lock: `${config()}.lock` });
      const now = readFileSync(config(), "utf8");
      expect(now === held || now === wanted).toBe(true);
      // one that was done before it could be killed tells nothing
      if (child.signalCode === "SIGKILL") seen[now === wanted ? "new" : "old"]++;
      held = now;
    }
    expect(seen.old + seen.new).toBe(KILLS);
    // the next one gets through, and nothing of the dead stays
    expect((await run("use", held === a ? "b" : "a", "--yes")).exit).toBe(0);
    expect(readdirSync(box.home).filter((name) => name.startsWith("config.env"))).toEqual(["config.env"]);
    if (KILLS >= 200) process.stderr.write(`killed ${KILLS}: old ${seen.old}, new ${seen.new}\n`);
  },
  30_000 + KILLS * 2_000,
);
