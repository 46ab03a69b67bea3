/** `harbor backup` and `harbor restore`: what is saved comes back as it was; what is not whole, or would be lost unasked, is refused. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { freePort } from "../_ports.ts";
import { obeyingModes, type Result, resultOf } from "../_process.ts";
import { until } from "../_until.ts";
import { checkout, echoService, Sandbox } from "./_sandbox.ts";

let box: Sandbox;
let port: number;

beforeAll(async () => {
  box = await Sandbox.create();
  port = freePort();
  await box.run(["version"]); // builds what is stale
}, 30_000);
beforeEach(() => {
  box.services(echoService("mine", port));
});
afterEach(async () => {
  await box.run(["down"]);
  for (const name of readdirSync(box.home)) rmSync(join(box.home, name), { recursive: true, force: true });
  for (const name of readdirSync(box.root)) if (/\.tar/.test(name)) rmSync(join(box.root, name));
});
afterAll(() => box.remove());

const at = (name: string): string => join(box.home, name);
const archive = (name = "backup.tar.gz"): string => join(box.root, name);

/** Path → what is there: for comparing trees. */
function snapshot(folder: string): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const name of readdirSync(folder, { recursive: true }).map(String).sort()) {
    const path = join(folder, name);
    const stats = lstatSync(path);
    const mode = stats.mode & 0o777;
    if (stats.isSymbolicLink()) found[name] = ["link", readlinkSync(path)];
    else if (stats.isDirectory()) found[name] = ["folder", mode];
    else found[name] = ["file", mode, Math.floor(stats.mtimeMs / 1000), Bun.hash(readFileSync(path)).toString()];
  }
  return found;
}

/** Of every kind of name and content that might get lost on the way. */
function makeData(): void {
  const long = `${"a-long-name-".repeat(12)}.bin`;
  box.write({
    "home/config.env": '# mine\nHARBOR_MINE_HOST_PORT=4711\nHARBOR_HF_TOKEN=\'hf_secret\'\nHARBOR_WEBUI_NAME="a \\"b\\" $$c"\n',
    "home/env/mine.env": "EXTRA=1\n",
    "home/aliases.json": '{"hi":["echo"]}\n',
    "home/data/mine/notes.txt": "hello\n",
    [`home/data/mine/${long}`]: "x".repeat(3 * 1024 * 1024 + 17),
    "home/data/mine/Übersicht ☃\nzweite Zeile": "unicode",
    "home/data/mine/back\\slash": "",
    [`home/data/mine/${"deep/".repeat(30)}leaf`]: "deep",
    "home/data/mine/python/harbor-env.json": "{}",
    "home/data/mine/python/lib.py": "can be made anew",
    "home/data/webui/webui.db": "database",
    "home/data/redis/dump.rdb": "dump",
  });
  mkdirSync(at("data/mine/empty"), { recursive: true });
  symlinkSync("../notes.txt", at("data/mine/empty/link"));
  symlinkSync("/nowhere/at/all", at("data/mine/dangling"));
  chmodSync(at("data/mine/notes.txt"), 0o640);
  chmodSync(at("data/mine/empty"), 0o500);
  utimesSync(at("data/mine/notes.txt"), 1_000_000_000, 1_000_000_000);
}

const backup = async (...words: string[]): Promise<Result> => box.run(["backup", "--to", archive(), ...words]);
const restore = async (...words: string[]): Promise<Result> => box.run(["restore", archive(), ...words]);
const unlock = (): void => {
  if (existsSync(at("data/mine/empty"))) chmodSync(at("data/mine/empty"), 0o700);
};

describe("harbor backup", () => {
  test("and restore: configuration, variables, folders and data are as they were, but for what is made anew", async () => {
    makeData();
    const before = { data: snapshot(at("data")), services: snapshot(at("services")), config: readFileSync(at("config.env"), "utf8") };
    const { exit, stdout, stderr } = await backup();
    expect([exit, stderr]).toEqual([
      0,
      "harbor: left out: data/mine/python (no file, or made anew by itself)\nharbor: it may hold secrets: only you can read it (mode 0600)\n",
    ]);
    expect(stdout).toContain(
      "configuration: 3 values\n  files: aliases.json\n  variables: mine\n  services: mine\n  data: mine, redis, webui\n",
    );
    expect(stdout).not.toContain("hf_secret");
    expect(statSync(archive()).mode & 0o777).toBe(0o600);
    expect(existsSync(box.state)).toBe(false);

    unlock();
    for (const name of readdirSync(box.home)) rmSync(at(name), { recursive: true, force: true });
    // nothing there, nothing to ask
    expect(await restore()).toMatchObject({ exit: 0, stderr: "" });
    for (const name of Object.keys(before.data)) if (name.startsWith("mine/python")) delete before.data[name];
    expect(snapshot(at("data"))).toEqual(before.data);
    expect(snapshot(at("services"))).toEqual(before.services);
    expect(readFileSync(at("env/mine.env"), "utf8")).toBe("EXTRA=1\n");
    expect(readFileSync(at("aliases.json"), "utf8")).toBe('{"hi":["echo"]}\n');
    expect(readFileSync(at("config.env"), "utf8")).toBe(before.config);
    expect((await box.run(["config", "get", "webui.name"])).stdout).toBe('a "b" $$c\n');
    expect(statSync(at("config.env")).mode & 0o777).toBe(0o600);
    expect(readdirSync(box.home).sort()).toEqual(["aliases.json", "config.env", "data", "env", "history.jsonl", "services"]);
    unlock();
  });

  test("is a tar archive with checksums that other programs read", async () => {
    makeData();
    expect((await backup()).exit).toBe(0);
    const folder = join(box.root, "unpacked");
    mkdirSync(folder);
    await Bun.$`tar -xzf ${archive()} -C ${folder}`.quiet();
    const { stdout } = await Bun.$`sha256sum --check --quiet SHA256SUMS && echo whole`.cwd(folder).quiet();
    expect(stdout.toString()).toBe("whole\n");
    expect(JSON.parse(readFileSync(join(folder, "harbor-backup.json"), "utf8"))).toMatchObject({
      format: 1,
      data: ["mine", "redis", "webui"],
    });
    chmodSync(join(folder, "data/mine/empty"), 0o700);
    rmSync(folder, { recursive: true });
    unlock();
  });

  test("of some services holds theirs alone", async () => {
    makeData();
    const made = await box.json<{ config: string[]; data: string[]; services: string[]; file: string }>([
      "backup",
      "mine",
      "--to",
      archive("mine.tar"),
    ]);
    expect(made).toMatchObject({
      config: ["HARBOR_MINE_HOST_PORT"],
      env: ["mine"],
      services: ["mine"],
      data: ["mine"],
      file: archive("mine.tar"),
    });
    expect(readFileSync(archive("mine.tar"), "latin1")).not.toContain("hf_secret");
    expect(await box.run(["backup", "mien"])).toMatchObject({ exit: 4, stderr: expect.stringContaining('did you mean "mine"?') });
    unlock();
  });

  test("follows the link of a data folder that lies elsewhere; a restore touches nothing there", async () => {
    box.write({ "disk/webui/webui.db": "far away" });
    mkdirSync(at("data"));
    symlinkSync(join(box.root, "disk/webui"), at("data/webui"));
    expect((await backup("webui")).exit).toBe(0);
    box.write({ "disk/webui/webui.db": "newer" });
    expect((await restore("--yes")).exit).toBe(0);
    expect([lstatSync(at("data/webui")).isDirectory(), readFileSync(at("data/webui/webui.db"), "utf8")]).toEqual([true, "far away"]);
    expect(readFileSync(join(box.root, "disk/webui/webui.db"), "utf8")).toBe("newer");
  });

  test("warns of what lies where it does not look", async () => {
    const volumes = "[shelf:/s, /srv/books:/b, /srv/films:/f:ro, /dev/shm:/shm, ./conf:/c, '${HARBOR_DATA}/crate:/d']";
    box.services({ "crate/compose.crate.yml": `services:\n  crate: { image: "crate:1", volumes: ${volumes} }\nvolumes: { shelf: }\n` });
    box.write({ "home/config.env": "HARBOR_CRATE_VOLUMES=/srv/music:/m\n" });
    const { exit, stderr } = await backup("crate");
    expect([exit, stderr.split("\n").filter((line) => line.includes("not in it"))]).toEqual([
      0,
      [
        'harbor: warning: "crate" keeps something in the engine\'s volume "shelf", which is not in it',
        'harbor: warning: "crate" may write to /srv/books, which is not in it',
        'harbor: warning: "crate" may write to /srv/music, which is not in it',
      ],
    ]);
    rmSync(at("services/crate"), { recursive: true });
  });

  test("takes no other file's place, and chooses a name by the time in a folder", async () => {
    makeData();
    writeFileSync(archive(), "mine");
    expect(await backup()).toMatchObject({ exit: 1, stderr: expect.stringContaining("it is there already") });
    expect(readFileSync(archive(), "utf8")).toBe("mine");
    expect(await box.run(["backup", "--to", "backup.zip"])).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining("nor the name of a tar archive"),
    });
    expect((await box.run(["backup", "redis", "--to", "."])).stdout).toMatch(/harbor-backup-\d{8}-\d{6}\.tar\.gz/);
    unlock();
  });

  test("refuses while a service of it runs, or with --stop ends it meanwhile and starts it again", async () => {
    makeData();
    expect((await box.run(["up", "-x", "mine"])).exit).toBe(0);
    const pid = await box.pidOf("mine");
    expect(await backup()).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining("Cannot back up mine: what runs goes on writing\n  Say --stop"),
    });
    expect(existsSync(archive())).toBe(false);
    expect((await box.run(["backup", "redis", "--to", archive("redis.tar")])).exit).toBe(0);
    expect(await box.pidOf("mine")).toBe(pid);
    expect((await backup("--stop")).exit).toBe(0);
    expect(await box.pidOf("mine")).not.toBe(pid);
    expect((await box.ps())[0]?.state).toBe("running");
    unlock();
  });

  test("leaves nothing of itself where something cannot be read, and starts again what it stopped", async () => {
    makeData();
    expect((await box.run(["up", "-x", "mine"])).exit).toBe(0);
    chmodSync(at("data/mine/notes.txt"), 0);
    const child = Bun.spawn([...obeyingModes, join(checkout, "bin/harbor"), "backup", "--stop", "--to", archive()], {
      env: box.env,
      cwd: box.root,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const { exit, stderr } = await resultOf(child);
    expect([exit, stderr]).toEqual([
      1,
      expect.stringContaining('notes.txt": no permission to read it\n  A container wrote it as another user'),
    ]);
    expect(readdirSync(box.root).filter((name) => name.includes(".tar"))).toEqual([]);
    expect((await box.ps())[0]?.state).toBe("running");
    unlock();
  });

  test("stops nothing for a place that cannot be written to", async () => {
    makeData();
    expect((await box.run(["up", "-x", "mine"])).exit).toBe(0);
    const pid = await box.pidOf("mine");
    writeFileSync(archive(), "an older one");
    expect(await backup("--stop")).toMatchObject({ exit: 1, stderr: expect.stringContaining("it is there already") });
    expect(await box.run(["backup", "--stop", "--to", join(box.root, "no such/x.tar")])).toMatchObject({
      exit: 1,
      stderr: `harbor: Cannot write "${join(box.root, "no such/x.tar")}": there is no such folder\n  mkdir -p '${join(box.root, "no such")}'\n`,
    });
    expect(await box.pidOf("mine")).toBe(pid);
    unlock();
  });

  test("has each once, is not in itself, and says what it leaves out for its name", async () => {
    box.write({
      "home/env/mine": "a file that is none of variables",
      "home/env/mine.env": "EXTRA=1\n",
      "home/data/mine/notes.txt": "hello\n",
      "home/data/HuggingFace/model": "no handle",
    });
    const { exit, stderr } = await box.run(["backup", "--to", at("data/mine")]);
    expect([exit, stderr]).toEqual([0, expect.stringContaining(`${at("data/HuggingFace")} is not in it: no service can be called so\n`)]);
    const [name = ""] = readdirSync(at("data/mine")).filter((it) => it.endsWith(".tar.gz"));
    const listed = await Bun.$`tar -tzf ${at(`data/mine/${name}`)}`.text();
    expect(listed.split("\n").filter((it) => /^(?:env|data)\//.test(it))).toEqual(["env/mine.env", "data/mine/", "data/mine/notes.txt"]);
    expect((await box.run(["restore", at(`data/mine/${name}`), "--dry-run"])).exit).toBe(0);
  });

  test.skipIf(process.platform !== "linux")("says of a name that is no text what is wrong with it", async () => {
    box.write({ "home/data/mine/notes.txt": "hello\n" });
    writeFileSync(Buffer.concat([Buffer.from(at("data/mine/x")), Buffer.from([0xff])]), "");
    expect(await backup()).toMatchObject({ exit: 1, stderr: expect.stringContaining("its name is no UTF-8\n  Rename it\n") });
  });

  test("that is interrupted leaves nothing of itself", async () => {
    makeData();
    writeFileSync(at("data/mine/large"), new Uint8Array(300_000_000));
    const child = box.start(["backup", "--to", archive()]);
    await until(() => readdirSync(box.root).some((name) => name.endsWith(".tmp")), "an archive that is written");
    child.kill("SIGINT");
    expect((await resultOf(child)).exit).toBe(130);
    expect(readdirSync(box.root).filter((name) => name.includes(".tar"))).toEqual([]);
    unlock();
  });
});

describe("harbor restore", () => {
  beforeEach(async () => {
    makeData();
    unlock();
    expect((await backup()).exit).toBe(0);
  });

  test("asks before it replaces anything: without a terminal and without --yes nothing changes", async () => {
    writeFileSync(at("data/webui/webui.db"), "newer");
    await box.run(["config", "set", "mine.host_port", "4712", "--force"]);
    await box.run(["config", "set", "hf_token", "other", "--force"]);
    const before = snapshot(box.home);
    const { exit, stdout, stderr } = await restore();
    expect([exit, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("  replaces data/webui\n");
    expect(stderr).toContain('  sets HARBOR_MINE_HOST_PORT to "4711" (now "4712")\n');
    expect(stderr).toContain('  sets HARBOR_HF_TOKEN to "********" (now "********")\n');
    expect(snapshot(box.home)).toEqual(before);

    const child = Bun.spawn(["script", "-qec", `${join(checkout, "bin/harbor")} restore ${archive()}`, "/dev/null"], {
      env: box.env,
      cwd: box.root,
      stdin: new Blob(["n\n"]),
      stdout: "pipe",
      stderr: "pipe",
    });
    expect(await resultOf(child)).toMatchObject({ exit: 1, stdout: expect.stringContaining("Nothing was restored: the answer was no") });
    expect(await restore("--json")).toMatchObject({ exit: 2, stdout: "", stderr: expect.stringContaining("Cannot ask with --json") });
    expect(snapshot(box.home)).toEqual(before);

    expect((await restore("--yes")).exit).toBe(0);
    expect(readFileSync(at("data/webui/webui.db"), "utf8")).toBe("database");
    expect((await box.run(["config", "get", "hf_token"])).stdout).toBe("hf_secret\n");
    expect(readdirSync(at("data")).sort()).toEqual(["mine", "redis", "webui"]);
  });

  test("of one service leaves all else as it is, configuration too", async () => {
    for (const name of ["webui/webui.db", "redis/dump.rdb"]) writeFileSync(at(`data/${name}`), "newer");
    writeFileSync(at("data/redis/more"), "not saved");
    await box.run(["config", "set", "hf_token", "other", "--force"]);
    const { exit, stdout } = await restore("redis", "--yes");
    expect([exit, stdout]).toEqual([0, "restored data/redis\n"]);
    expect(readdirSync(at("data/redis"))).toEqual(["dump.rdb"]);
    expect(readFileSync(at("data/webui/webui.db"), "utf8")).toBe("newer");
    expect((await box.run(["config", "get", "hf_token"])).stdout).toBe("other\n");
    expect(await restore("reddis")).toMatchObject({ exit: 4, stderr: expect.stringContaining('did you mean "redis"?') });
  });

  test("puts data where the configuration that comes back says it is; the environment still stands above that", async () => {
    const disk = join(box.root, "disk-of-data");
    box.write({ "home/config.env": `HARBOR_DATA=${disk}\n`, "disk-of-data/redis/dump.rdb": "dump" });
    await box.run(["backup", "--to", archive("disk.tar")]);
    for (const folder of [disk, at("data"), at("services")]) rmSync(folder, { recursive: true });
    for (const [words, place] of [
      [[], disk],
      [["redis"], at("data")],
    ] as const) {
      rmSync(at("config.env"), { force: true });
      expect((await box.run(["restore", archive("disk.tar"), "--yes", ...words])).exit).toBe(0);
      expect(readFileSync(join(place, "redis/dump.rdb"), "utf8")).toBe("dump");
    }
    const env = { HARBOR_DATA: join(box.root, "third") };
    expect((await box.run(["restore", archive("disk.tar"), "--yes"], { env })).exit).toBe(0);
    expect(existsSync(join(env.HARBOR_DATA, "redis/dump.rdb"))).toBe(true);
  });

  test("keeps what the configuration says beside it", async () => {
    writeFileSync(at("config.env"), "# my own\nHARBOR_OLLAMA_HOST_PORT=1\n");
    expect((await restore("--yes")).exit).toBe(0);
    expect(readFileSync(at("config.env"), "utf8")).toStartWith("# my own\nHARBOR_OLLAMA_HOST_PORT=1\n");
    expect((await box.run(["config", "get", "mine.host_port"])).stdout).toBe("4711\n");
    expect((await box.run(["config", "get", "webui.name"])).stdout).toBe('a "b" $$c\n');
  });

  test("refuses while a service of it runs", async () => {
    expect((await box.run(["up", "-x", "mine"])).exit).toBe(0);
    expect(await restore("--yes")).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining("Cannot restore mine: it runs\n  Stop it first: harbor stop mine"),
    });
    expect((await restore("--yes", "redis")).exit).toBe(0);
    expect((await box.run(["stop", "mine"])).exit).toBe(0);
    expect((await restore("--yes")).exit).toBe(0);
  });

  test("with --dry-run verifies it and changes nothing", async () => {
    rmSync(at("data/redis"), { recursive: true });
    const before = snapshot(box.home);
    const { exit, stdout, stderr } = await restore("--dry-run");
    expect([exit, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/: whole, saved \d{4}-.*\nadds data\/redis\n(.*\n)*replaces data\/webui\n/);
    expect(snapshot(box.home)).toEqual(before);
  });

  /** Where `name`'s content begins, in an archive that is not compressed. */
  async function plain(): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(Bun.gunzipSync(new Uint8Array(readFileSync(archive()))));
  }

  test("replaces nothing by an archive of which a single byte is wrong, or the end is missing", async () => {
    writeFileSync(at("data/webui/webui.db"), "newer");
    const before = snapshot(box.home);
    const bytes = await plain();
    const content = Buffer.from(bytes).indexOf("database");
    const damaged: [string, Uint8Array<ArrayBuffer>, RegExp][] = [
      ["content", bytes.with(content, (bytes[content] ?? 0) ^ 1), /"data\/webui\/webui.db" is not what it was/],
      ["header", bytes.with(Buffer.from(bytes).indexOf("data/redis"), 0x44), /no entry of a backup/],
      ["middle", bytes.slice(0, content + 3), /it ends in the middle/],
      ["sums", bytes.slice(0, Buffer.from(bytes).indexOf("SHA256SUMS")), /it ends in the middle/],
      ["text", new TextEncoder().encode("not an archive at all".repeat(100)) as Uint8Array<ArrayBuffer>, /it is no backup of Harbor/],
      ["nothing", new Uint8Array(), /it is no backup of Harbor/],
      ["packed", new Uint8Array(readFileSync(archive())).slice(0, 5_000), /cannot be unpacked|ends in the middle/],
    ];
    for (const [what, text, message] of damaged) {
      writeFileSync(archive(), text);
      const { exit, stderr } = await restore("--yes");
      expect([what, exit, stderr]).toEqual([what, 1, expect.stringMatching(message)]);
      expect(snapshot(box.home)).toEqual(before);
    }
    expect(await box.run(["restore", "nowhere.tar"])).toMatchObject({ exit: 4, stderr: expect.stringContaining("there is no such file") });
  });

  test.each([
    ["a profile that is built in", "profiles/default.env"],
    ["a profile that no listing would show", "profiles/.hidden.env"],
    ["a folder among profiles", "profiles/a.env/b"],
    ["something else among profiles", "profiles/a"],
    ["something below a file of the home", "home/aliases.json/a"],
    ["the names of what is in a keychain", "secrets.keychain"],
    ["../outside", "data/../../outside"],
    ["an absolute path", "/tmp/outside"],
    ["another service's folder", "data/redis/x"],
    ["a file of Harbor's own", "state/stack.json"],
    ["another file of the home", "home/state"],
  ])("refuses an archive that leads elsewhere: %s", async (_, path) => {
    const folder = join(box.root, "evil");
    mkdirSync(folder, { recursive: true });
    const manifest = JSON.stringify({
      format: 1,
      createdAt: "",
      harbor: "",
      config: [],
      home: ["state", "aliases.json"],
      profiles: ["default", ".hidden", "a", "a.env"],
      env: [],
      services: [],
      data: ["webui"],
      owners: {},
    });
    writeFileSync(join(folder, "harbor-backup.json"), manifest);
    writeFileSync(join(folder, "file"), "evil");
    await Bun.$`tar --format=pax -P -cf ${archive()} --transform=s,^file$,${path}, harbor-backup.json file`.cwd(folder).quiet();
    const before = snapshot(box.home);
    expect(await restore("--yes")).toMatchObject({
      exit: 1,
      stderr: expect.stringMatching(/has no place in a backup|no entry of a backup/),
    });
    expect(snapshot(box.home)).toEqual(before);
  });

  test("writes nothing through a link that is in the archive itself", async () => {
    const folder = join(box.root, "linked");
    const target = join(box.root, "target");
    for (const name of [join(folder, "data/webui"), join(folder, "more/data/webui/out"), target]) mkdirSync(name, { recursive: true });
    const manifest = JSON.stringify({
      format: 1,
      createdAt: "",
      harbor: "",
      config: [],
      home: ["state"],
      env: [],
      services: [],
      data: ["webui"],
      owners: {},
    });
    writeFileSync(join(folder, "harbor-backup.json"), manifest);
    symlinkSync(target, join(folder, "data/webui/out"));
    writeFileSync(join(folder, "more/data/webui/out/file"), "evil");
    await Bun.$`tar --format=pax -cf ${archive()} harbor-backup.json data/webui/out -C more data/webui/out/file`.cwd(folder).quiet();
    expect(await restore("--yes")).toMatchObject({ exit: 1, stderr: expect.stringContaining("lies behind a link") });
    expect(readdirSync(target)).toEqual([]);
    expect(readFileSync(at("data/webui/webui.db"), "utf8")).toBe("database");
  });
});
