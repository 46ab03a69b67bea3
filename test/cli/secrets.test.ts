/** `harbor secrets`: where secrets are kept, who is shown them, and the credentials that Harbor makes. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { parseEnv } from "../../routines/config/parse-env.ts";
import { freePort } from "../_ports.ts";
import { obeyingModes, type Result, resultOf } from "../_process.ts";
import { type Keychain, keychainMissing, startKeychain } from "./_keychain.ts";
import { checkout, echoService, Sandbox } from "./_sandbox.ts";
import { onTerminal } from "./_terminal.ts";

let box: Sandbox;
const port = freePort();

beforeAll(async () => {
  box = await Sandbox.create();
  const contract = echoService("echo", port)["echo/echo_native.yml"] ?? "";
  box.services({
    ...echoService("echo", port),
    "echo/echo_native.yml": `x-harbor:
  settings:
    echo.master_key: { secret: true, generate: { prefix: sk-, length: 40 }, description: Key that it asks for }
    echo.admin_email: { description: Address of the administrator }
    echo.admin_password: { secret: true, generate: { needs: echo.admin_email }, once: true, description: "Its password" }
    echo.login: { secret: true, description: Who it is }
${contract}    ECHO_MASTER_KEY: "\${HARBOR_ECHO_MASTER_KEY:-}"
    ECHO_ADMIN_PASSWORD: "\${HARBOR_ECHO_ADMIN_PASSWORD:-}"
    ECHO_LOGIN: "\${HARBOR_ECHO_LOGIN:-}"
`,
  });
});

const config = (): string => join(box.home, "config.env");
const secrets = (): string => join(box.home, "secrets.env");
const read = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");
const kept = (): Record<string, string> => Object.fromEntries(parseEnv(read(secrets()), { file: secrets() }));
const answer = async (): Promise<Record<string, string>> =>
  (await fetch(`http://127.0.0.1:${port}`)).json() as Promise<Record<string, string>>;

async function runWith(input: string, words: string[], env: Record<string, string> = {}): Promise<Result> {
  const program = [join(checkout, "bin/harbor"), ...words];
  const stdin = new TextEncoder().encode(input);
  return resultOf(Bun.spawn(program, { cwd: box.root, env: { ...box.env, ...env }, stdin, stdout: "pipe", stderr: "pipe" }));
}

afterEach(async () => {
  await box.run(["down"]);
  for (const name of ["config.env", "secrets.env", "secrets.keychain", "data"])
    rmSync(join(box.home, name), { recursive: true, force: true });
});
afterAll(() => box.remove());

describe("a secret", () => {
  test("comes from stdin, and goes into a file for its owner alone; no listing shows it", async () => {
    const { exit, stdout, stderr } = await runWith("m3llon\n", ["secrets", "set", "echo.login"]);
    expect({ exit, stdout, stderr }).toEqual({ exit: 0, stdout: "", stderr: `harbor: echo.login is set (${secrets()})\n` });
    expect(read(secrets())).toBe("HARBOR_ECHO_LOGIN=m3llon\n");
    expect(statSync(secrets()).mode & 0o777).toBe(0o600);
    expect(read(config())).toBe("");
    const listings = [
      ["secrets"],
      ["secrets", "ls", "--json"],
      ["config", "ls"],
      ["config", "ls", "--json"],
      ["config", "search", "login"],
    ];
    const others = [
      ["info", "echo"],
      ["info", "echo", "--json"],
      ["env", "echo"],
      ["plan", "-x", "echo", "--json"],
      ["config", "export"],
    ];
    for (const words of [...listings, ...others]) {
      const { stdout: shown, stderr: said } = await box.run(words);
      expect({ words, isShown: `${shown}${said}`.includes("m3llon") }).toEqual({ words, isShown: false });
    }
    expect((await box.run(["secrets", "ls", "--show-secrets"])).stdout).toMatch(/^echo\.login +m3llon +.*secrets\.env +Who it is$/m);
    expect((await box.run(["config", "get", "echo.login"])).stdout).toBe("m3llon\n");
    expect((await box.run(["env", "echo", "get", "ECHO_LOGIN"])).stdout).toBe("m3llon\n");
  });

  test("is typed unseen on a terminal, with its own keys", async () => {
    const typed = await onTerminal(box, ["secrets", "set", "echo.login"], [[/echo\.login: $/, "nonsense\u0015m3llö\u007fonx\b\r"]]);
    expect(typed.exit).toBe(0);
    expect(typed.text).not.toMatch(/m3ll|nonsense/);
    expect(kept()).toEqual({ HARBOR_ECHO_LOGIN: "m3llon" });
    const given = await onTerminal(box, ["secrets", "set", "echo.login"], [[/echo\.login: $/, "other\u0003"]]);
    expect(given.exit).toBe(130);
    expect(kept()).toEqual({ HARBOR_ECHO_LOGIN: "m3llon" });
  });

  test("is one by declaration or by name: all else belongs into config.env, where listings show it", async () => {
    expect(await runWith("1", ["secrets", "set", "mock-openai.host_port"])).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining("`harbor config set mock-openai.host_port` sets it"),
    });
    expect(await runWith("1", ["secrets", "set", "echo.whatever", "--force"])).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining("it is none"),
    });
    expect(read(secrets())).toBe("");
  });

  test("is never taken from the command line", async () => {
    const { exit } = await box.run(["secrets", "set", "echo.login", "m3llon"]);
    expect(exit).toBe(2);
    expect(read(secrets())).toBe("");
    expect(await runWith("", ["secrets", "set", "echo.login"])).toMatchObject({ exit: 2, stderr: expect.stringContaining("to nothing") });
    expect(await runWith("x", ["secrets", "set", "echo.lgoin"])).toMatchObject({
      exit: 4,
      stderr: expect.stringContaining('did you mean "echo.login"?'),
    });
  });

  test("that stands in config.env moves when it is set, and is taken out of both", async () => {
    writeFileSync(config(), "# mine\nHARBOR_ECHO_LOGIN=old\nHARBOR_ECHO_LEVEL=high\n");
    expect((await box.run(["config", "get", "echo.login"])).stdout).toBe("old\n");
    await runWith("new", ["config", "set", "echo.login", "-"]);
    expect([read(config()), kept()]).toEqual(["# mine\nHARBOR_ECHO_LEVEL=high\n", { HARBOR_ECHO_LOGIN: "new" }]);
    writeFileSync(config(), "HARBOR_ECHO_LOGIN=by hand\n");
    expect((await box.run(["secrets", "unset", "echo.login"])).stderr).toBe("harbor: echo.login is taken out\n");
    expect([read(config()), existsSync(secrets())]).toEqual(["", false]);
  });

  test("stays where a link in place of the file leads, an encrypted disk say, and leaves nothing beside it", async () => {
    const vault = join(box.root, "vault.env");
    writeFileSync(vault, "HARBOR_HF_TOKEN=hf_old\n");
    symlinkSync(vault, secrets());
    expect((await runWith("hf_new\n", ["secrets", "set", "hf_token"])).exit).toBe(0);
    expect([lstatSync(secrets()).isSymbolicLink(), read(vault)]).toEqual([true, "HARBOR_HF_TOKEN=hf_new\n"]);
    expect((await box.run(["secrets", "unset", "hf_token"])).exit).toBe(0);
    expect(read(vault)).toBe("");
  });

  test("of any content survives", async () => {
    const value = `it's "x" | & $HOME \${X} \\ \`id\` ☂\nline #`;
    await runWith(value, ["secrets", "set", "echo.login"]);
    expect((await box.run(["config", "get", "echo.login"])).stdout).toBe(`${value}\n`);
    await box.run(["up", "-x", "echo", "--no-defaults"]);
    expect((await answer()).ECHO_LOGIN).toBe(value);
  });

  test("D5: of 30 that are set at once, 30 are there", async () => {
    const names = Array.from({ length: 30 }, (_, index) => `HARBOR_TEST_${index}_KEY`);
    const ends = await Promise.all(names.map((name) => runWith(`value of ${name}`, ["secrets", "set", name, "--force"])));
    expect(ends.filter(({ exit }) => exit !== 0)).toEqual([]);
    expect(kept()).toEqual(Object.fromEntries(names.map((name) => [name, `value of ${name}`])));
  }, 60_000);
});

describe("credentials", () => {
  const up = (...words: string[]) => box.run(["up", "-x", "echo", "--no-defaults", ...words]);

  test("are made at the first start, before anything runs, and stay; D9: no two Harbors have the same", async () => {
    const { exit, stdout, stderr } = await up();
    expect(exit).toBe(0);
    const { HARBOR_ECHO_MASTER_KEY: key = "", ...more } = kept();
    expect(key).toMatch(/^sk-[A-Za-z0-9]{40}$/);
    expect(more).toEqual({});
    expect(`${stdout}${stderr}`).not.toContain(key);
    expect(stderr).toContain("harbor: made echo.master_key: random, and yours alone");
    expect((await answer()).ECHO_MASTER_KEY).toBe(key);
    expect(statSync(secrets()).mode & 0o777).toBe(0o600);
    await box.run(["down"]);
    expect((await up()).stderr).not.toContain("made");
    expect((await answer()).ECHO_MASTER_KEY).toBe(key);
    await box.run(["down"]);
    rmSync(secrets());
    await up();
    expect(kept().HARBOR_ECHO_MASTER_KEY).not.toBe(key);
  }, 30_000);

  test("D12: are not made by what only looks", async () => {
    for (const words of [
      ["plan", "-x", "echo"],
      ["up", "-x", "echo", "--dry-run"],
      ["info", "echo"],
      ["env", "echo"],
      ["secrets"],
      ["ls"],
    ]) {
      await box.run(words);
      expect({ words, isThere: existsSync(secrets()) }).toEqual({ words, isThere: false });
    }
  });

  test("are the user's where one is set, none at all where it is set to nothing", async () => {
    writeFileSync(config(), "HARBOR_ECHO_MASTER_KEY=mine\n");
    await up();
    expect([existsSync(secrets()), (await answer()).ECHO_MASTER_KEY]).toEqual([false, "mine"]);
    writeFileSync(config(), "HARBOR_ECHO_MASTER_KEY=\n");
    await up();
    expect([existsSync(secrets()), (await answer()).ECHO_MASTER_KEY]).toEqual([false, ""]);
    expect((await box.run(["info", "echo"])).stdout).not.toContain("credentials");
  });

  test("harbor info says of them, and shows them when asked", async () => {
    expect((await box.run(["info", "echo"])).stdout).toMatch(/^credentials +echo\.master_key is made at the first start$/m);
    await up();
    const { stdout } = await box.run(["info", "echo"]);
    expect(stdout).toMatch(/^credentials +echo\.master_key: --show-secrets shows it/m);
    expect(stdout).toMatch(/^ +echo\.master_key +\*{8}/m);
    expect((await box.run(["info", "echo", "--show-secrets"])).stdout).toContain(kept().HARBOR_ECHO_MASTER_KEY as string);
    expect(await box.json<object>(["info", "echo"])).toMatchObject({ credentials: [{ key: "echo.master_key", isSet: true }] });
  });

  test("are made anew by rotate, and taken by what uses them with --restart or the next up", async () => {
    await up();
    const first = kept().HARBOR_ECHO_MASTER_KEY;
    const { exit, stderr, stdout } = await box.run(["secrets", "rotate", "echo"]);
    const second = kept().HARBOR_ECHO_MASTER_KEY as string;
    expect(exit).toBe(0);
    expect(second).toMatch(/^sk-[A-Za-z0-9]{40}$/);
    expect(second).not.toBe(first);
    expect(`${stdout}${stderr}`).not.toContain(second);
    expect(stderr).toContain("harbor: echo uses the old ones until the next `harbor up`");
    expect((await answer()).ECHO_MASTER_KEY).toBe(first);
    const result = await box.json<object>(["secrets", "rotate", "echo", "--restart"]);
    expect(result).toEqual({ rotated: ["echo.master_key"], kept: [], users: ["echo"], restarted: true });
    const third = kept().HARBOR_ECHO_MASTER_KEY as string;
    expect(third).not.toBe(second);
    expect((await answer()).ECHO_MASTER_KEY).toBe(third);
  }, 30_000);

  test("D2: rotate --restart starts nothing that was not running", async () => {
    writeFileSync(config(), "HARBOR_SERVICES_DEFAULT=mock-openai\n");
    expect((await box.run(["secrets", "rotate", "echo", "--restart"])).exit).toBe(0);
    expect(await box.ps()).toEqual([]);
    await up();
    await box.run(["secrets", "rotate", "echo", "--restart"]);
    expect((await box.ps()).map(({ handle }) => handle)).toEqual(["echo"]);
  }, 30_000);

  test("that a service keeps in its own database stay once it has started, and that is said", async () => {
    writeFileSync(config(), "HARBOR_ECHO_ADMIN_EMAIL=me@example.com\n");
    await up();
    const { HARBOR_ECHO_ADMIN_PASSWORD: password = "" } = kept();
    expect(password).toMatch(/^[A-Za-z0-9]{32}$/);
    // before it has stored anything it takes another
    expect((await box.json<{ rotated: string[] }>(["secrets", "rotate", "echo"])).rotated.sort()).toEqual([
      "echo.admin_password",
      "echo.master_key",
    ]);
    mkdirSync(join(box.home, "data/echo"), { recursive: true });
    writeFileSync(join(box.home, "data/echo/db"), "");
    const { HARBOR_ECHO_ADMIN_PASSWORD: now } = kept();
    const { exit, stderr } = await box.run(["secrets", "rotate", "echo"]);
    expect(exit).toBe(0);
    expect(stderr).toContain("echo.admin_password stays as it is: echo took it at its first start and keeps it in its own database");
    expect(kept().HARBOR_ECHO_ADMIN_PASSWORD).toBe(now as string);
  }, 30_000);

  test("that a service may keep in its own database stay where that may not be looked into", async () => {
    await box.run(["config", "set", "echo.admin_email", "me@example.com"]);
    mkdirSync(join(box.home, "data/echo"), { recursive: true, mode: 0o000 });
    try {
      const { exit, stderr } = await resultOf(
        Bun.spawn([...obeyingModes, join(checkout, "bin/harbor"), "secrets", "rotate", "echo"], {
          ...{ cwd: box.root, env: box.env, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
        }),
      );
      expect([exit, stderr]).toEqual([0, expect.stringContaining("echo.admin_password stays as it is: echo took it at its first start")]);
    } finally {
      chmodSync(join(box.home, "data/echo"), 0o700);
    }
  });

  test("of a service that has none cannot be made anew, nor of one that there is not", async () => {
    expect(await box.run(["secrets", "rotate", "ollama"])).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining("Harbor makes none for it"),
    });
    expect(await box.run(["secrets", "rotate", "eho"])).toMatchObject({ exit: 4, stderr: expect.stringContaining('did you mean "echo"?') });
  });
});

const missing = keychainMissing();

describe.skipIf(missing !== undefined)(`the system's keychain${missing === undefined ? "" : ` (skipped: ${missing})`}`, () => {
  let keychain: Keychain;

  beforeAll(async () => {
    keychain = await startKeychain(box.root);
  });
  afterAll(() => keychain[Symbol.asyncDispose]());

  const run = (words: string[]) => box.run(words, { env: keychain.env });
  const entry = (): Promise<string> => keychain.lookup(box.home);

  test("takes all of them over, new ones too, and gives them back", async () => {
    await runWith("m3llon", ["secrets", "set", "echo.login"]);
    const moved = await run(["secrets", "store", "keychain"]);
    expect(moved).toMatchObject({ exit: 0, stderr: "harbor: 1 secret is in the system's keychain now, where new ones go as well\n" });
    expect(existsSync(secrets())).toBe(false);
    expect(JSON.parse(await entry())).toEqual({ HARBOR_ECHO_LOGIN: "m3llon" });
    await runWith("hf_x", ["secrets", "set", "hf_token"], keychain.env);
    expect(JSON.parse(await entry())).toEqual({ HARBOR_ECHO_LOGIN: "m3llon", HARBOR_HF_TOKEN: "hf_x" });
    expect((await run(["up", "-x", "echo", "--no-defaults"])).exit).toBe(0);
    const made = (JSON.parse(await entry()) as Record<string, string>).HARBOR_ECHO_MASTER_KEY as string;
    expect(await answer()).toMatchObject({ ECHO_LOGIN: "m3llon", ECHO_MASTER_KEY: made });
    expect((await run(["config", "get", "echo.login"])).stdout).toBe("m3llon\n");
    expect((await run(["env", "echo", "get", "ECHO_LOGIN"])).stdout).toBe("m3llon\n");
    expect((await run(["secrets", "ls", "--show-secrets"])).stdout).toMatch(/^echo\.login +m3llon +keychain/m);
    expect((await run(["secrets", "rotate", "echo", "--restart"])).exit).toBe(0);
    expect((await answer()).ECHO_MASTER_KEY).not.toBe(made);
    // no file of the user's has them; what runs is given them, and `down` takes that away
    expect((await run(["down"])).exit).toBe(0);
    const files = readdirSync(box.home, { recursive: true })
      .map(String)
      .filter((name) => statSync(join(box.home, name)).isFile());
    expect(files.filter((name) => read(join(box.home, name)).includes("m3llon"))).toEqual([]);
    expect((await run(["secrets", "unset", "hf_token"])).exit).toBe(0);
    expect((await run(["secrets", "store", "file"])).exit).toBe(0);
    expect(Object.keys(kept()).sort()).toEqual(["HARBOR_ECHO_LOGIN", "HARBOR_ECHO_MASTER_KEY"]);
    expect([await entry(), existsSync(join(box.home, "secrets.keychain"))]).toEqual(["", false]);
  }, 60_000);

  test("of which a move was killed at its end is left empty by the next, and so is its list", async () => {
    await runWith("m3llon", ["secrets", "set", "echo.login"]);
    await run(["secrets", "store", "keychain"]);
    // as it stands once the file is written, and before the keychain has forgotten them
    box.write({ "home/secrets.env": "HARBOR_ECHO_LOGIN=m3llon\n", "home/secrets.keychain": "# names\n" });
    expect((await box.run(["config", "get", "echo.login"])).stdout).toBe("m3llon\n");
    expect(await entry()).not.toBe("");
    expect((await run(["secrets", "store", "file"])).exit).toBe(0);
    expect([await entry(), existsSync(join(box.home, "secrets.keychain")), kept()]).toEqual(["", false, { HARBOR_ECHO_LOGIN: "m3llon" }]);
  });

  test("is not asked by what only shows; what needs a secret says what is wrong where it cannot be had", async () => {
    await runWith("m3llon", ["secrets", "set", "echo.login"]);
    await run(["secrets", "store", "keychain"]);
    // without the session's bus
    const looks = [
      ["plan", "-x", "echo"],
      ["plan", "-x", "echo", "--json"],
      ["config", "ls"],
      ["secrets"],
      ["info", "echo"],
      ["env", "echo"],
      ["ls"],
      ["ps"],
    ];
    for (const words of [...looks, ["up", "-x", "echo", "--dry-run"], ["env", "echo", "get", "ECHO_LEVEL"]]) {
      const { exit, stdout } = await box.run(words);
      expect({ words, exit, isShown: stdout.includes("m3llon") }).toEqual({ words, exit: 0, isShown: false });
    }
    const needs = [
      ["up", "-x", "echo", "--no-defaults"],
      ["config", "get", "echo.login"],
      ["secrets", "ls", "--show-secrets"],
      ["secrets", "store", "file"],
    ];
    for (const words of [...needs, ["env", "echo", "get", "ECHO_LOGIN"]]) {
      const { exit, stderr } = await box.run(words);
      expect({ words, exit, stderr }).toEqual({ words, exit: 3, stderr: expect.stringContaining("Cannot read the keychain: ") as never });
      expect(stderr).toContain("harbor secrets store file");
    }
    expect(await runWith("x", ["secrets", "set", "hf_token"])).toMatchObject({ exit: 3 });
    expect(await box.ps()).toEqual([]);
    // what is given none of them starts without it
    expect((await box.run(["up", "-x", "mock-openai", "--no-defaults"])).exit).toBe(0);
    await box.run(["down"]);
    // what is in it is safe from all of that
    expect((await run(["config", "get", "echo.login"])).stdout).toBe("m3llon\n");
    expect(await box.run(["secrets", "store", "file", "--forget"])).toMatchObject({ exit: 0 });
    expect([existsSync(join(box.home, "secrets.keychain")), kept()]).toEqual([false, {}]);
  }, 60_000);

  test("that is locked, or another one, is not taken for an empty one", async () => {
    await runWith("m3llon", ["secrets", "set", "echo.login"]);
    await run(["secrets", "store", "keychain"]);
    await using other = await startKeychain(join(box.root, "other"), { isUnlocked: false });
    for (const words of [
      ["config", "get", "echo.login"],
      ["up", "-x", "echo", "--no-defaults"],
      ["secrets", "store", "file"],
    ]) {
      const { exit, stderr } = await box.run(words, { env: other.env });
      expect({ words, exit, stderr }).toEqual({
        words,
        exit: 3,
        stderr: expect.stringMatching(/Cannot read HARBOR_ECHO_LOGIN from the keychain|Cannot read the keychain/) as never,
      });
    }
    expect(await runWith("x", ["secrets", "set", "hf_token"], other.env)).toMatchObject({ exit: 3 });
    expect((await run(["secrets", "store", "file"])).exit).toBe(0);
    expect(kept()).toEqual({ HARBOR_ECHO_LOGIN: "m3llon" });
    // one that cannot be written to keeps the file
    expect(await box.run(["secrets", "store", "keychain"], { env: other.env })).toMatchObject({
      exit: 3,
      stderr: expect.stringContaining("Cannot change the keychain"),
    });
    expect([kept(), existsSync(join(box.home, "secrets.keychain"))]).toEqual([{ HARBOR_ECHO_LOGIN: "m3llon" }, false]);
  }, 60_000);
});
