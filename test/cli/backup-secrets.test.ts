/**
 * Secrets and profiles in what is saved, taken back and taken away. How often a restore is killed is bounded here:
 * `HARBOR_TEST_KILLS=200 bun test --timeout 600000 test/cli/backup-secrets.test.ts` for all of it.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DoctorReport } from "../../routines/doctor.ts";
import { freePort } from "../_ports.ts";
import { type Result, resultOf } from "../_process.ts";
import { Random } from "../differential/_random.ts";
import { type Keychain, keychainMissing, startKeychain } from "./_keychain.ts";
import { checkout, echoService, Sandbox } from "./_sandbox.ts";

const KILLS = Number(process.env.HARBOR_TEST_KILLS ?? 12);
const SEED = Number(process.env.DIFFERENTIAL_SEED ?? 1);

let box: Sandbox;
const port = freePort();

beforeAll(async () => {
  box = await Sandbox.create();
  await box.run(["version"]); // builds what is stale
}, 30_000);
beforeEach(() => {
  const services = echoService("echo", port);
  const contract = services["echo/echo_native.yml"] ?? "";
  box.services({
    ...services,
    "echo/echo_native.yml": `x-harbor:
  settings:
    echo.master_key: { secret: true, generate: { prefix: sk-, length: 40 }, description: Key that it asks for }
    echo.login: { secret: true, description: Who it is }
${contract}    ECHO_MASTER_KEY: "\${HARBOR_ECHO_MASTER_KEY:-}"
    ECHO_LOGIN: "\${HARBOR_ECHO_LOGIN:-}"
`,
  });
});
afterEach(async () => {
  await box.run(["down"]);
  rmSync(box.home, { recursive: true, force: true });
  mkdirSync(box.home);
  for (const name of readdirSync(box.root)) {
    if (/\.tar|^other$|^unpacked$/.test(name)) rmSync(join(box.root, name), { recursive: true });
  }
});
afterAll(() => box.remove());

const at = (name: string, home = box.home): string => join(home, name);
const read = (name: string, home = box.home): string => readFileSync(at(name, home), "utf8");
const archive = (): string => join(box.root, "backup.tar");
/** Another machine's, as it were. */
const other = (): string => join(box.root, "other");

const backup = (...words: string[]): Promise<Result> => box.run(["backup", "--to", archive(), ...words]);
const restore = (...words: string[]): Promise<Result> => box.run(["restore", archive(), ...words]);
const inOther = (words: string[], env: Record<string, string> = {}): Promise<Result> =>
  box.run(words, { env: { HARBOR_HOME: other(), ...env } });

async function setSecret(key: string, value: string, env: Record<string, string> = {}): Promise<void> {
  const program = [join(checkout, "bin/harbor"), "secrets", "set", key];
  const stdin = new TextEncoder().encode(value);
  const options = { cwd: box.root, env: { ...box.env, ...env }, stdin, stdout: "pipe", stderr: "pipe" } as const;
  expect(await resultOf(Bun.spawn(program, options))).toMatchObject({ exit: 0 });
}

/** Key → value. */
async function secretsOf(home: string, env: Record<string, string> = {}): Promise<Record<string, string>> {
  const words = ["secrets", "ls", "--show-secrets"];
  const rows = await box.json<{ key: string; value: string }[]>(words, { env: { HARBOR_HOME: home, ...env } });
  return Object.fromEntries(rows.map(({ key, value }) => [key, value]));
}

/** Credentials that Harbor made, some that were set, and a profile. */
async function makeHome(): Promise<void> {
  expect((await box.run(["up", "-x", "echo", "--no-defaults"])).exit).toBe(0);
  await box.run(["down"]);
  await setSecret("echo.login", `it's "m3llon" | $HOME \\ \`id\` ☂\nline #`);
  await setSecret("hf_token", "hf_secret");
  box.write({ "home/config.env": "# mine\nHARBOR_ECHO_LEVEL=high\n" });
  expect((await box.run(["profile", "save", "loud"])).exit).toBe(0);
}

describe("a backup", () => {
  test("has secrets and profiles, and another home is given them as they were", async () => {
    await makeHome();
    const before = await secretsOf(box.home);
    expect(Object.keys(before).sort()).toEqual(["echo.login", "echo.master_key", "hf_token"]);
    const { exit, stdout, stderr } = await backup();
    expect([exit, stderr]).toEqual([0, "harbor: it may hold secrets: only you can read it (mode 0600)\n"]);
    expect(stdout).toContain("\n  configuration: 1 value\n  secrets: 3 values\n  profiles: loud\n");
    expect(stdout).not.toMatch(/m3llon|hf_secret|sk-/);
    expect(statSync(archive()).mode & 0o777).toBe(0o600);
    const listing = (await Bun.$`tar -tvf ${archive()}`.quiet()).stdout.toString();
    expect(listing).toMatch(/^-rw------- .* secrets\.env$/m);
    expect(listing).toMatch(/^-rw------- .* profiles\/loud\.env$/m);

    const back = await inOther(["restore", archive()]); // nothing there, nothing to ask
    expect(back).toMatchObject({ exit: 0, stderr: "" });
    expect(back.stdout).toBe(
      "restored profiles/loud.env\nrestored services/echo\nrestored configuration: 1 changed\nrestored secrets: 3 changed\n",
    );
    expect(await secretsOf(other())).toEqual(before);
    expect(statSync(at("secrets.env", other())).mode & 0o777).toBe(0o600);
    expect([read("config.env", other()), read("profiles/loud.env", other())]).toEqual([read("config.env"), read("profiles/loud.env")]);
    expect((await inOther(["profile", "ls"])).stdout).toContain(at("profiles/loud.env", other()));
    expect(readdirSync(other()).sort()).toEqual(["config.env", "data", "history.jsonl", "profiles", "secrets.env", "services"]);
    // a second time there is nothing to do
    expect((await inOther(["restore", archive(), "--yes"])).stdout).toBe("restored profiles/loud.env\nrestored services/echo\n");
  }, 30_000);

  test("of some services has their secrets alone, and no profile", async () => {
    await makeHome();
    const made = await box.json<{ secrets: string[] }>(["backup", "echo", "--to", archive()]);
    expect(made).toMatchObject({ profiles: [], inKeychain: [] });
    expect(made.secrets.sort()).toEqual(["HARBOR_ECHO_LOGIN", "HARBOR_ECHO_MASTER_KEY"]);
    expect(readFileSync(archive(), "latin1")).not.toContain("hf_secret");
    expect((await inOther(["restore", archive()])).exit).toBe(0);
    expect(Object.keys(await secretsOf(other())).sort()).toEqual(["echo.login", "echo.master_key"]);
    expect(existsSync(at("profiles", other()))).toBe(false);
  }, 30_000);

  test("is more than nothing where there are secrets or profiles alone", async () => {
    rmSync(at("services"), { recursive: true });
    expect(await backup()).toMatchObject({ exit: 1, stderr: expect.stringContaining("there is neither configuration nor data") });
    box.write({ "home/secrets.env": "HARBOR_HF_TOKEN=x\n" });
    expect((await backup()).exit).toBe(0);
    rmSync(archive());
    rmSync(at("secrets.env"));
    box.write({ "home/profiles/a.env": "", "home/profiles/notes.txt": "none" });
    expect((await backup()).stdout).toContain("\n  profiles: a\n");
  });
});

describe("a restore", () => {
  beforeEach(async () => {
    box.write({
      "home/config.env": "HARBOR_ECHO_LEVEL=high\n",
      "home/secrets.env": "HARBOR_ECHO_LOGIN=saved-login\nHARBOR_HF_TOKEN=saved-token\n",
      "home/profiles/loud.env": "HARBOR_ECHO_LEVEL=high\n",
    });
    expect((await backup()).exit).toBe(0);
  });

  test("asks before another secret or profile takes the place of one, and shows neither", async () => {
    box.write({
      "home/secrets.env": "# kept\nHARBOR_ECHO_LOGIN=newer-login\nHARBOR_MORE_KEY=more\n",
      "home/profiles/loud.env": "HARBOR_ECHO_LEVEL=low\n",
      "home/profiles/later.env": "HARBOR_ECHO_LEVEL=later\n",
    });
    const before = [read("secrets.env"), read("profiles/loud.env")];
    const { exit, stdout, stderr } = await restore();
    expect([exit, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("  replaces profiles/loud.env\n");
    expect(stderr).toContain('  sets HARBOR_ECHO_LOGIN to "********" (now "********")\n');
    expect(stderr).not.toMatch(/saved-|newer-|HF_TOKEN/);
    const dry = await restore("--dry-run");
    expect(dry).toMatchObject({ exit: 0, stdout: expect.stringContaining('\nsets HARBOR_HF_TOKEN to "********"\n') });
    expect(`${dry.stdout}${dry.stderr}`).not.toMatch(/saved-|newer-/);
    expect([read("secrets.env"), read("profiles/loud.env")]).toEqual(before);

    const done = await box.json<object>(["restore", archive(), "--yes"]);
    expect(done).toMatchObject({ secrets: ["HARBOR_ECHO_LOGIN", "HARBOR_HF_TOKEN"], config: [] });
    expect(read("secrets.env")).toBe("# kept\nHARBOR_ECHO_LOGIN=saved-login\nHARBOR_MORE_KEY=more\nHARBOR_HF_TOKEN=saved-token\n");
    expect(read("profiles/loud.env")).toBe("HARBOR_ECHO_LEVEL=high\n");
    expect(read("profiles/later.env")).toBe("HARBOR_ECHO_LEVEL=later\n");
    expect(read("history.jsonl")).not.toMatch(/saved-|newer-/);
  });

  test("of one that stands in config.env now counts afterwards, for it is taken out there", async () => {
    box.write({ "home/config.env": "# mine\nHARBOR_ECHO_LOGIN=by-hand\nHARBOR_ECHO_LEVEL=high\n" });
    const { exit, stderr } = await restore();
    expect([exit, stderr]).toEqual([2, expect.stringContaining('sets HARBOR_ECHO_LOGIN to "********" (now "********")') as never]);
    expect((await restore("--yes")).exit).toBe(0);
    expect(read("config.env")).toBe("# mine\nHARBOR_ECHO_LEVEL=high\n");
    expect((await box.run(["config", "get", "echo.login"])).stdout).toBe("saved-login\n");
  });

  test("of one that stood in config.env puts it there again, with the same question about another that is set", async () => {
    rmSync(archive());
    box.write({ "home/config.env": "HARBOR_ECHO_LOGIN=by-hand\n" });
    rmSync(at("secrets.env"));
    expect((await backup()).exit).toBe(0);
    rmSync(at("config.env"));
    box.write({ "home/secrets.env": "HARBOR_ECHO_LOGIN=newer\n" });
    rmSync(at("profiles"), { recursive: true });
    rmSync(at("services"), { recursive: true });
    expect(await restore()).toMatchObject({ exit: 2, stderr: expect.stringContaining("sets HARBOR_ECHO_LOGIN") });
    expect((await restore("--yes")).exit).toBe(0);
    expect(read("config.env")).toBe("HARBOR_ECHO_LOGIN=by-hand\n");
  });

  test("of one service leaves the secrets of others and the profiles as they are", async () => {
    box.write({ "home/secrets.env": "HARBOR_ECHO_LOGIN=newer\nHARBOR_HF_TOKEN=newer\n", "home/profiles/loud.env": "changed\n" });
    expect((await restore("echo", "--yes")).exit).toBe(0);
    expect(read("secrets.env")).toBe("HARBOR_ECHO_LOGIN=saved-login\nHARBOR_HF_TOKEN=newer\n");
    expect(read("profiles/loud.env")).toBe("changed\n");
  });

  test("takes what an older Harbor saved, which knew neither", async () => {
    const folder = join(box.root, "unpacked");
    mkdirSync(folder);
    await Bun.$`tar -xf ${archive()} -C ${folder}`.quiet();
    const { secrets: _, inKeychain: __, profiles: ___, ...manifest } = JSON.parse(readFileSync(join(folder, "harbor-backup.json"), "utf8"));
    writeFileSync(join(folder, "harbor-backup.json"), JSON.stringify(manifest));
    const files = ["harbor-backup.json", "config.env", "services/echo"];
    await Bun.$`sha256sum $(find ${files} -type f) >SHA256SUMS`.cwd(folder).quiet();
    await Bun.$`tar --format=pax -cf ${archive()} ${files} SHA256SUMS`.cwd(folder).quiet();
    expect(await inOther(["restore", archive()])).toMatchObject({ exit: 0, stderr: "" });
    expect(readdirSync(other()).sort()).toEqual(["config.env", "data", "history.jsonl", "services"]);
  });

  test(
    `killed at ${KILLS} random moments: secrets and profiles are whole, and old or new, and the next one ends it`,
    async () => {
      const random = new Random(SEED);
      const texts = { secrets: "HARBOR_ECHO_LOGIN=old\nHARBOR_HF_TOKEN=old\n", profile: "HARBOR_ECHO_LEVEL=old\n" };
      const putOld = (): void => box.write({ "home/secrets.env": texts.secrets, "home/profiles/loud.env": texts.profile });
      const [secrets, profile] = [read("secrets.env"), read("profiles/loud.env")];
      putOld();
      const from = performance.now();
      expect((await restore("--yes")).exit).toBe(0);
      const usualMs = performance.now() - from;
      const seen = { old: 0, new: 0 };
      for (let round = 0; seen.old + seen.new < KILLS && round < KILLS * 5; round++) {
        putOld();
        const child = box.start(["restore", archive(), "--yes"]);
        const timer = setTimeout(() => child.kill("SIGKILL"), random.next() * usualMs);
        await child.exited;
        clearTimeout(timer);
        expect([texts.secrets, secrets]).toContain(read("secrets.env"));
        // at the very moment of its rename what was there before stands beside it
        const profiles = readdirSync(at("profiles")).filter((name) => name.endsWith("loud.env"));
        expect(profiles.length).toBeGreaterThan(0);
        for (const name of profiles) expect([texts.profile, profile]).toContain(read(`profiles/${name}`));
        // one that was done before it could be killed tells nothing
        if (child.signalCode === "SIGKILL") seen[read("secrets.env") === secrets ? "new" : "old"]++;
        expect((await restore("--yes")).exit).toBe(0);
        expect([read("secrets.env"), read("profiles/loud.env")]).toEqual([secrets, profile]);
      }
      expect(seen.old + seen.new).toBe(KILLS);
    },
    60_000 + KILLS * 2_000,
  );
});

describe("harbor uninstall", () => {
  test("leaves secrets and profiles, and takes them with --remove-data, what was half-written either way", async () => {
    const gone = Bun.spawn(["true"]);
    await gone.exited;
    const files = { "home/secrets.env": "HARBOR_HF_TOKEN=x\n", "home/profiles/a.env": "HARBOR_HF_TOKEN=x\n" };
    box.write({ ...files, [`home/secrets.env.${gone.pid}.tmp`]: "HARBOR_HF", [`home/profiles/b.env.${gone.pid}.tmp`]: "HARBOR_HF" });
    const { removed, kept } = await box.json<{ removed: string[]; kept: { name: string; why: string }[] }>(["uninstall", "--yes"]);
    expect(removed.sort()).toEqual([at(`profiles/b.env.${gone.pid}.tmp`), at(`secrets.env.${gone.pid}.tmp`)]);
    expect(kept).toContainEqual({ name: at("secrets.env"), why: "your keys, tokens and passwords" });
    expect(kept).toContainEqual({ name: at("profiles"), why: "your profiles" });
    expect((await box.run(["uninstall", "--yes", "--remove-data"])).exit).toBe(0);
    expect(existsSync(box.home)).toBe(false);
  });

  test("harbor prune takes what killed commands left among profiles", async () => {
    const gone = Bun.spawn(["true"]);
    await gone.exited;
    box.write({ "home/profiles/a.env": "", [`home/profiles/a.env.${gone.pid}.tmp`]: "HARBOR_HF" });
    expect((await box.run(["doctor", "leftovers"])).stdout).toContain(`a.env.${gone.pid}.tmp`);
    expect((await box.run(["prune", "state", "--yes"])).exit).toBe(0);
    expect(readdirSync(at("profiles"))).toEqual(["a.env"]);
  });
});

const missing = keychainMissing();

describe.skipIf(missing !== undefined)(`with the system's keychain${missing === undefined ? "" : ` (skipped: ${missing})`}`, () => {
  let keychain: Keychain;

  beforeEach(async () => {
    keychain = await startKeychain(join(box.root, "session"));
    await setSecret("echo.login", "m3llon");
    await setSecret("hf_token", "hf_secret");
    expect((await box.run(["secrets", "store", "keychain"], { env: keychain.env })).exit).toBe(0);
  });
  afterEach(async () => {
    await keychain[Symbol.asyncDispose]();
    rmSync(join(box.root, "session"), { recursive: true, force: true });
  });

  const entry = (home = box.home): Promise<string> => keychain.lookup(home);

  test("a backup has none of what is in it, asks nobody for it, and says how many are missing", async () => {
    box.write({ "home/config.env": "HARBOR_ECHO_LEVEL=high\n" });
    const { exit, stderr } = await backup();
    expect([exit, stderr]).toEqual([
      0,
      expect.stringContaining("harbor: warning: 2 secrets are in the system's keychain, and not in it: they stay on this machine") as never,
    ]);
    expect(stderr).toContain("harbor secrets store file");
    expect(readFileSync(archive(), "latin1")).not.toMatch(/m3llon|hf_secret/);
    const one = await box.json<object>(["backup", "echo", "--to", join(box.root, "echo.tar")]);
    expect(one).toMatchObject({ secrets: [], inKeychain: ["HARBOR_ECHO_LOGIN"] });
    const back = await inOther(["restore", archive()]);
    expect(back).toMatchObject({
      exit: 0,
      stderr: "harbor: not in it, for they were in a keychain: HARBOR_ECHO_LOGIN, HARBOR_HF_TOKEN (`harbor secrets set` sets one)\n",
    });
    expect(readdirSync(other()).filter((name) => name.startsWith("secrets"))).toEqual([]);
    expect(await box.json<object>(["restore", archive(), "--dry-run"], { env: { HARBOR_HOME: other() } })).toMatchObject({
      missing: ["HARBOR_ECHO_LOGIN", "HARBOR_HF_TOKEN"],
    });
    // where they are there is nothing to say
    expect((await restore("--yes")).stderr).toBe("");
  }, 30_000);

  test("a restore puts secrets into it where new ones go into it, or changes nothing where it cannot be had", async () => {
    expect((await box.run(["secrets", "store", "file"], { env: keychain.env })).exit).toBe(0);
    box.write({ "home/data/redis/dump.rdb": "saved" });
    expect((await backup()).exit).toBe(0);
    box.write({ "home/secrets.env": "HARBOR_ECHO_LOGIN=newer\nHARBOR_MORE_KEY=more\n", "home/data/redis/dump.rdb": "newer" });
    expect((await box.run(["secrets", "store", "keychain"], { env: keychain.env })).exit).toBe(0);
    for (const words of [["--yes"], ["--dry-run"]]) {
      expect(await restore(...words)).toMatchObject({ exit: 3, stderr: expect.stringContaining("Cannot read the keychain") });
    }
    expect(read("data/redis/dump.rdb")).toBe("newer");
    const asked = await box.run(["restore", archive()], { env: keychain.env });
    expect(asked).toMatchObject({ exit: 2, stderr: expect.stringContaining('sets HARBOR_ECHO_LOGIN to "********" (now "********")') });
    expect((await box.run(["restore", archive(), "--yes"], { env: keychain.env })).exit).toBe(0);
    expect(JSON.parse(await entry())).toEqual({ HARBOR_ECHO_LOGIN: "m3llon", HARBOR_MORE_KEY: "more", HARBOR_HF_TOKEN: "hf_secret" });
    expect([existsSync(at("secrets.env")), read("data/redis/dump.rdb")]).toEqual([false, "saved"]);
  }, 30_000);

  test("harbor uninstall leaves its entry and the names of it, or takes both, and never the names alone", async () => {
    const { kept } = await box.json<{ kept: { name: string; why: string }[] }>(["uninstall", "--yes"]);
    expect(kept).toContainEqual({ name: at("secrets.keychain"), why: "2 secrets in the system's keychain, and their names" });
    const all = JSON.parse(await entry());
    expect(all).toEqual({ HARBOR_ECHO_LOGIN: "m3llon", HARBOR_HF_TOKEN: "hf_secret" });

    const names = read("secrets.keychain");
    const without = await box.run(["uninstall", "--yes", "--remove-data"]);
    expect([without.exit, without.stderr]).toEqual([
      1,
      expect.stringContaining("secrets.keychain stays: Cannot read the keychain: ") as never,
    ]);
    await using another = await startKeychain(join(box.root, "session/another"));
    const elsewhere = await box.run(["uninstall", "--yes", "--remove-data"], { env: another.env });
    expect([elsewhere.exit, elsewhere.stderr]).toEqual([1, expect.stringContaining("it has no such entry") as never]);
    expect([read("secrets.keychain"), JSON.parse(await entry())]).toEqual([names, all]);

    // of another home's it takes nothing
    await setSecret("hf_token", "theirs", { HARBOR_HOME: other() });
    expect((await inOther(["secrets", "store", "keychain"], keychain.env)).exit).toBe(0);
    const done = await box.run(["uninstall", "--yes", "--remove-data"], { env: keychain.env });
    expect(done).toMatchObject({ exit: 0, stdout: expect.stringContaining(`removed ${at("secrets.keychain")}\n`) });
    expect([await entry(), existsSync(box.home)]).toEqual(["", false]);
    expect(JSON.parse(await entry(other()))).toEqual({ HARBOR_HF_TOKEN: "theirs" });
  }, 30_000);

  test("that was killed on the way is ended by the next: names without values still mean an entry", async () => {
    box.write({ "home/secrets.keychain": "# names\n" });
    expect((await box.run(["uninstall", "--yes", "--remove-data"], { env: keychain.env })).exit).toBe(0);
    expect([await entry(), existsSync(box.home)]).toEqual(["", false]);
  });

  test("harbor doctor says where they are and whether it answers; nothing is unlocked for it", async () => {
    const doctor = async (env: Record<string, string> = {}) => {
      const report = JSON.parse((await box.run(["doctor", "secrets", "--json"], { env })).stdout) as DoctorReport;
      return report.findings.map(({ state, what }) => [state, what]);
    };
    const where = "2 secrets in the system's keychain";
    expect(await doctor(keychain.env)).toEqual([["ok", `${where}, which answers`]]);
    expect(await doctor()).toEqual([["failed", expect.stringContaining(`${where}, which cannot be had here: cannot ask the session bus`)]]);
    await keychain.lock();
    expect(await doctor(keychain.env)).toEqual([["warning", `${where}, which is locked`]]);
    expect(await doctor({ ...keychain.env, HARBOR_HOME: other() })).toEqual([
      ["ok", `none is set; they go into ${at("secrets.env", other())}`],
    ]);
  });
});
