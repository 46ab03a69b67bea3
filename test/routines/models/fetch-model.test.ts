/**
 * The download of models, against a stand-in for the hub (test/fixtures/model-hub.ts): neither the hub itself nor Python's
 * huggingface_hub can be had here. What the layout has to be is taken from huggingface_hub's documentation and source.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type FetchedModel, type FetchModelRequest, fetchModel, findModel, ModelError } from "../../../routines/models/fetch-model.ts";
import { freePort } from "../../_ports.ts";
import { obeyingModes, type Result, resultOf } from "../../_process.ts";
import { makeFolder } from "../../_workspace.ts";
import { etagOf, type ModelFiles, type ModelHub, startModelHub } from "../../fixtures/model-hub.ts";
import { expectSnapshot, FOLDER, isLarge, listBelow, MODEL, noise, REPO, ROUTINE, sizeOf } from "./_model.ts";

/** Shorter than a person would notice. */
const HASTY = { contactMs: 4_000, stallMs: 300, pausesMs: [1, 1, 1] };
const STAGING = join(".locks", FOLDER, "harbor");

let hub: ModelHub;
let cache: string;
beforeEach(async () => {
  hub = await startModelHub({ models: { [REPO]: MODEL } });
  cache = join(makeFolder(), "hub");
});
afterEach(() => hub.stop());

function fetchIt(more: Partial<FetchModelRequest> = {}): Promise<FetchedModel> {
  return fetchModel({ repo: REPO, cache, endpoint: hub.endpoint, patience: HASTY, ...more });
}

/** The error that it ends in. */
async function fail(more: Partial<FetchModelRequest> = {}): Promise<ModelError> {
  const error = await fetchIt(more).then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(ModelError);
  return error as ModelError;
}

/** The ranges that large files were asked for; "" for a whole one. */
function ranges(): string[] {
  return hub.requests.filter(({ at }) => at === "cdn").map(({ range = "" }) => range);
}

/** As huggingface_hub leaves a snapshot, without a list of files. */
function makeSnapshot(files: ModelFiles, { commit = hub.commitOf(REPO), ref = "main" } = {}): void {
  const model = join(cache, FOLDER);
  mkdirSync(join(model, "blobs"), { recursive: true });
  mkdirSync(join(model, "refs"), { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    const blob = etagOf(content, isLarge(path));
    writeFileSync(join(model, "blobs", blob), content);
    const link = join(model, "snapshots", commit, path);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(`${"../".repeat(path.split("/").length + 1)}blobs/${blob}`, link);
  }
  writeFileSync(join(model, "refs", ref), commit);
}

/** The command, in an environment of its own. */
function run(words: readonly string[], env: Record<string, string> = {}, before: readonly string[] = []): Promise<Result> {
  return resultOf(
    Bun.spawn([...before, process.execPath, ROUTINE, ...words], {
      env: { PATH: process.env.PATH, HOME: dirname(cache), HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: cache, ...env },
      stdout: "pipe",
      stderr: "pipe",
    }),
  );
}

function pick(...paths: string[]): ModelFiles {
  return Object.fromEntries(paths.map((path) => [path, MODEL[path] ?? ""]));
}

describe("a model that is not there", () => {
  test("comes whole, in the layout of huggingface_hub", async () => {
    const commit = hub.commitOf(REPO);
    expect(await fetchIt()).toEqual({
      repo: REPO,
      revision: commit,
      folder: join(cache, FOLDER, "snapshots", commit),
      files: Object.keys(MODEL).sort(),
      bytes: sizeOf(MODEL),
      wasPresent: false,
      isCertain: true,
    });
    expectSnapshot(cache, commit, MODEL);
    // huggingface_hub compares a ref with the names of snapshots: a newline would be part of it
    expect(readFileSync(join(cache, FOLDER, "refs/main"), "utf8")).toBe(commit);
    expect(readdirSync(join(cache, FOLDER)).sort()).toEqual([".harbor", "blobs", "refs", "snapshots"]);
    expect(readdirSync(join(cache, FOLDER, "blobs")).sort()).toEqual(
      Object.entries(MODEL)
        .map(([path, content]) => etagOf(content, isLarge(path)))
        .sort(),
    );
    // scan_cache_dir warns of anything else at the top
    expect(readdirSync(cache).sort()).toEqual([".locks", FOLDER]);
    expect(listBelow(join(cache, ".locks"))).toEqual([]);
  });

  test("has the modes that any other file has", async () => {
    const { folder } = await fetchIt();
    const plain = join(makeFolder(), "plain");
    writeFileSync(plain, "");
    for (const path of [join(folder, "model.bin"), join(folder, "config.json"), join(cache, FOLDER, "refs/main")]) {
      expect(statSync(path).mode).toBe(statSync(plain).mode);
    }
    expect(statSync(folder).mode).toBe(statSync(dirname(folder)).mode);
    expect(statSync(join(cache, ".locks")).mode).toBe(statSync(dirname(folder)).mode);
  });

  test("comes with the files alone that are asked for, and with others later", async () => {
    const commit = hub.commitOf(REPO);
    const some = await fetchIt({ include: ["*.json", "README.md"] });
    expect(some.files).toEqual(["README.md", "config.json", "tokenizer.json"]);
    expectSnapshot(cache, commit, pick("README.md", "config.json", "tokenizer.json"));
    expect(ranges()).toEqual([]);
    const more = await fetchIt({ include: ["model.bin"] });
    expect([more.files, more.wasPresent]).toEqual([["model.bin"], false]);
    expectSnapshot(cache, commit, pick("README.md", "config.json", "tokenizer.json", "model.bin"));
    expect((await fetchIt()).files).toEqual(Object.keys(MODEL).sort());
    expectSnapshot(cache, commit, MODEL);
  });

  test("may have one content under two names", async () => {
    const files = { "a.bin": noise(20_000), "sub/b.bin": noise(20_000), "c.txt": "same", "d.txt": "same" };
    hub.publish(REPO, files);
    await fetchIt();
    expectSnapshot(cache, hub.commitOf(REPO), files);
    expect(ranges()).toEqual([""]);
  });

  test("is listed page by page", async () => {
    hub.switches.pageSize = 2;
    await fetchIt();
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
    expect(hub.requests.filter(({ path }) => path.includes("/tree/"))).toHaveLength(4);
  });

  test("may have names that a URL has to spell out", async () => {
    const files = { "a b/100% #1?.txt": "x", "ünï/[0].bin": noise(10) };
    hub.publish(REPO, files);
    await fetchIt();
    expectSnapshot(cache, hub.commitOf(REPO), files);
  });

  test("tells how far it is, from nothing to all of it", async () => {
    const seen: number[] = [];
    const files = new Set<string>();
    await fetchIt({
      onProgress: ({ file, files: count, received, total }) => {
        seen.push(received);
        files.add(file);
        expect([count, total]).toEqual([6, sizeOf(MODEL)]);
      },
    });
    expect(seen.toSorted((a, b) => a - b)).toEqual(seen);
    expect([seen[0], seen.at(-1)]).toEqual([0, sizeOf(MODEL)]);
    expect([...files]).toEqual(Object.keys(MODEL));
  });

  test("is not in sight of those who look for models until it is whole", async () => {
    hub.switches.bytesPerSecond = 3_000_000;
    const during = new Set<string>();
    await fetchIt({ onProgress: () => during.add(readdirSync(cache).join()) });
    expect([...during]).toEqual([".locks"]);
  });
});

describe("a model that is there", () => {
  test("is found without asking anybody, for any of its files", async () => {
    await fetchIt();
    const asked = hub.requests.length;
    for (const include of [undefined, ["*.bin"], ["config.json", "preprocessor_config.json"], ["onnx/"]]) {
      const [again, found] = [await fetchIt({ include }), await findModel({ repo: REPO, cache, include })];
      expect(again).toMatchObject({ wasPresent: true, isCertain: true });
      expect(found).toEqual(again);
    }
    await hub.stop();
    expect(await fetchIt({ isOffline: true })).toMatchObject({ wasPresent: true });
    expect(hub.requests.length).toBe(asked);
  });

  test("stays at its commit when the branch moves on; the new one can be asked for", async () => {
    const old = (await fetchIt()).revision;
    hub.publish(REPO, { ...MODEL, "config.json": "new" });
    const commit = hub.commitOf(REPO);
    expect((await fetchIt()).revision).toBe(old);
    hub.requests.length = 0;
    expect(await fetchIt({ revision: commit })).toMatchObject({ revision: commit, wasPresent: false });
    expectSnapshot(cache, commit, { ...MODEL, "config.json": "new" });
    expect(ranges()).toEqual([]); // the large files are the same
    expect(readFileSync(join(cache, FOLDER, "refs/main"), "utf8")).toBe(old);
    expect(existsSync(join(cache, FOLDER, "refs", commit))).toBe(false);
  });

  test("is fetched again as far as it was taken away", async () => {
    const { folder } = await fetchIt();
    rmSync(join(folder, "model.bin"));
    rmSync(join(cache, FOLDER, "blobs", etagOf(MODEL["onnx/int8/model.onnx"] ?? "", true)));
    expect(await findModel({ repo: REPO, cache })).toBeUndefined();
    hub.requests.length = 0;
    expect((await fetchIt()).wasPresent).toBe(false);
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
    expect(ranges()).toEqual([""]); // the blob of model.bin was still there
  });

  test("may be copied elsewhere, with its list of files", async () => {
    await fetchIt();
    const other = join(makeFolder(), "other");
    cpSync(join(cache, FOLDER), join(other, FOLDER), { recursive: true, verbatimSymlinks: true });
    expect(await fetchIt({ cache: other, isOffline: true })).toMatchObject({ wasPresent: true, isCertain: true });
  });

  test("may be in a folder that is a link to another place", async () => {
    const elsewhere = makeFolder();
    mkdirSync(cache, { recursive: true });
    symlinkSync(elsewhere, join(cache, FOLDER));
    await fetchIt();
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
  });
});

describe("a snapshot that huggingface_hub has made", () => {
  test("counts, without asking anybody, where each pattern finds something", async () => {
    makeSnapshot(pick("README.md", "config.json", "model.bin"));
    const include = ["README.md", "config.json", "*.bin"];
    expect(await fetchIt({ include })).toMatchObject({
      wasPresent: true,
      isCertain: true,
      files: ["README.md", "config.json", "model.bin"],
    });
    expect(hub.requests).toEqual([]);
  });

  test("is asked for once where a pattern finds nothing: not every model has every file", async () => {
    const { "onnx/int8/model.onnx": _, ...files } = MODEL;
    makeSnapshot(files);
    const include = ["config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*", "README.md"];
    expect(await findModel({ repo: REPO, cache, include })).toMatchObject({ isCertain: false });
    expect(await fetchIt({ include })).toMatchObject({ wasPresent: true, isCertain: true });
    expect(hub.requests.length).toBe(2);
    expect(await fetchIt({ include })).toMatchObject({ wasPresent: true, isCertain: true });
    expect(hub.requests.length).toBe(2);
  });

  test("is taken as it is where nobody can be asked", async () => {
    makeSnapshot(pick("config.json", "model.bin"));
    expect(await fetchIt({ isOffline: true })).toMatchObject({ wasPresent: true, isCertain: false, files: ["config.json", "model.bin"] });
    expect(await fetchIt({ endpoint: `http://127.0.0.1:${freePort()}` })).toMatchObject({ isCertain: false });
    hub.switches.private = { [REPO]: "hf_secret" };
    expect(await fetchIt()).toMatchObject({ isCertain: false });
  });

  test.skipIf(process.platform !== "linux").each(["", ".locks/models--Systran--faster-whisper-small"])(
    "in a cache that is for reading alone is taken as it is: %p",
    async (locked) => {
      makeSnapshot(pick("config.json"));
      mkdirSync(join(cache, locked), { recursive: true });
      chmodSync(join(cache, locked), 0o555);
      const { exit, stdout } = await run([REPO, "--json"], {}, obeyingModes);
      expect([exit, JSON.parse(stdout).isCertain]).toEqual([0, false]);
    },
  );

  test("is completed where the hub has more of it", async () => {
    makeSnapshot(pick("config.json", "model.bin"));
    expect(await fetchIt()).toMatchObject({ wasPresent: false, isCertain: true });
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
    expect(ranges()).toEqual([""]); // model.onnx
  });

  test("that is half received does not count, offline neither", async () => {
    makeSnapshot(pick("config.json"));
    writeFileSync(join(cache, FOLDER, "blobs", `${etagOf(MODEL["model.bin"] ?? "", true)}.incomplete`), "half");
    expect((await fail({ isOffline: true })).kind).toBe("offline");
    await fetchIt();
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
  });

  test("with a link that leads nowhere is mended", async () => {
    makeSnapshot(pick("config.json", "model.bin"));
    rmSync(join(cache, FOLDER, "blobs", etagOf(MODEL["model.bin"] ?? "", true)));
    expect(await findModel({ repo: REPO, cache, include: ["model.bin"] })).toBeUndefined();
    await fetchIt();
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
  });

  test("with a blob of the wrong size is mended", async () => {
    makeSnapshot(MODEL);
    writeFileSync(join(cache, FOLDER, "blobs", etagOf(MODEL["model.bin"] ?? "", true)), "short");
    await fetchIt();
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
  });
});

describe("a connection that breaks", () => {
  test("is taken up where it broke off", async () => {
    Object.assign(hub.switches, { cutAfter: 70_000 });
    await fetchIt({ patience: { ...HASTY, pausesMs: Array(20).fill(1) } });
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
    const asked = ranges().map((range) => Number(/\d+/.exec(range)?.[0] ?? 0));
    expect(asked.filter((from) => from > 0).length).toBeGreaterThanOrEqual(4);
    expect(asked.reduce((most, from) => Math.max(most, from))).toBeGreaterThan(200_000);
  });

  test("is taken up by the next call, of what is on the disk", async () => {
    Object.assign(hub.switches, { stallAfter: 100_000, stalls: 1 });
    const error = await fail({ patience: { ...HASTY, pausesMs: [] } });
    expect(error).toMatchObject({ kind: "network", exit: "failed", hint: "Call again: it goes on from what was received" });
    const [, received] = /; ([\d.]+) kB of 300\.0 kB of "model\.bin" are received$/.exec(error.message) ?? [];
    expect(Number(received)).toBeGreaterThan(0);
    hub.requests.length = 0;
    const progress: number[] = [];
    await fetchIt({ onProgress: (now) => progress.push(now.received) });
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
    expect(ranges()[0]).toMatch(/^bytes=\d{4,6}-$/);
    expect(progress[0]).toBeGreaterThan(Number(received) * 1000 - 100);
  });

  test("is given up when nothing at all comes any more", async () => {
    Object.assign(hub.switches, { cutAfter: 0 });
    expect(await fail()).toMatchObject({ kind: "network" });
    expect(ranges()).toHaveLength(4); // and three more
  });

  test("to a server that knows no ranges begins again, and ends well", async () => {
    Object.assign(hub.switches, { cutAfter: 200_000, cuts: 2, ignoresRange: true });
    await fetchIt();
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
  });

  test("that stalls is given up and taken up", async () => {
    Object.assign(hub.switches, { stallAfter: 120_000, stalls: 1 });
    await fetchIt();
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
    expect(ranges()[1]).toMatch(/^bytes=\d+-$/);
  });

  test("that stalls for ever ends in words", async () => {
    Object.assign(hub.switches, { stallAfter: 0 });
    const error = await fail();
    expect([error.kind, error.message]).toEqual([
      "network",
      `Cannot fetch model "${REPO}": nothing came for 0.3 s; 0 B of 300.0 kB of "model.bin" are received`,
    ]);
  });

  test("leaves nothing of another commit behind", async () => {
    Object.assign(hub.switches, { stallAfter: 100_000, stalls: 1 });
    await fail({ patience: { ...HASTY, pausesMs: [] } });
    expect(listBelow(join(cache, STAGING)).some((path) => path.endsWith(".incomplete"))).toBe(true);
    hub.publish(REPO, { "config.json": "{}" });
    await fetchIt();
    expect(listBelow(join(cache, ".locks"))).toEqual([]);
  });
});

describe("bytes that are wrong", () => {
  test.each(["model.bin", "config.json"])("are thrown away and fetched once more: %s", async (path) => {
    Object.assign(hub.switches, { wrongBytes: [path], wrongTimes: 1 });
    await fetchIt();
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
  });

  test.each(["model.bin", "config.json"])("twice are an error: %s", async (path) => {
    Object.assign(hub.switches, { wrongBytes: [path] });
    const error = await fail();
    expect([error.kind, error.exit]).toEqual(["checksum", "failed"]);
    expect(error.message).toContain(`"${path}" is not what`);
    expect(error.details[0]).toContain(etagOf(MODEL[path] ?? "", isLarge(path)));
    expect(existsSync(join(cache, FOLDER))).toBe(false);
    expect(listBelow(join(cache, STAGING)).filter((name) => name.endsWith(".incomplete"))).toEqual([]);
    hub.switches.wrongBytes = [];
    await fetchIt();
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
  });

  test("on the disk, left by somebody, are found out", async () => {
    Object.assign(hub.switches, { stallAfter: 100_000, stalls: 1 });
    await fail({ patience: { ...HASTY, pausesMs: [] } });
    const partial = join(cache, STAGING, "blobs", `${etagOf(MODEL["model.bin"] ?? "", true)}.incomplete`);
    writeFileSync(partial, noise(50_000, 9));
    await fetchIt();
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
  });

  test("more than there should be are thrown away", async () => {
    const partial = join(cache, STAGING, "blobs", `${etagOf(MODEL["model.bin"] ?? "", true)}.incomplete`);
    mkdirSync(dirname(partial), { recursive: true });
    writeFileSync(partial, noise(400_000, 9));
    await fetchIt();
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
  });
});

describe("without a network", () => {
  test("says what is missing, where it belongs, and how it gets there", async () => {
    const error = await fail({ isOffline: true, include: ["config.json", "*.bin"] });
    expect(error).toMatchObject({
      kind: "offline",
      exit: "missing",
      message: `Cannot fetch model "${REPO}": it is not here, and the hub is not asked (offline)`,
      details: ["Wanted: config.json, *.bin of revision main", `It belongs in ${cache}/${FOLDER}`],
      hint: `Where there is a network, \`hf download ${REPO} --cache-dir models\`; then copy models/${FOLDER} to ${cache}/`,
    });
    expect(hub.requests).toEqual([]);
  });

  test("knows how much it is where an earlier call has begun", async () => {
    Object.assign(hub.switches, { stallAfter: 100_000, stalls: 1 });
    await fail({ patience: { ...HASTY, pausesMs: [] } });
    const { details } = await fail({ isOffline: true, include: ["model.bin"] });
    expect(details[0]).toMatch(/^Wanted: model\.bin of revision main, 300\.0 kB, \d+\.\d kB of it received$/);
  });

  test("that is a hub that cannot be reached", async () => {
    const port = freePort();
    const error = await fail({ endpoint: `http://127.0.0.1:${port}` });
    expect([error.kind, error.message]).toEqual([
      "offline",
      `Cannot fetch model "${REPO}": 127.0.0.1:${port} cannot be reached: no connection to 127.0.0.1:${port} (ECONNREFUSED)`,
    ]);
    expect(error.hint).toContain("hf download");
  });

  test("that is a hub that never answers", async () => {
    const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const error = await fail({
      endpoint: `http://127.0.0.1:${silent.port}`,
      patience: { contactMs: 50, stallMs: 5_000, pausesMs: [1, 1, 1] },
    });
    silent.stop(true);
    expect([error.kind, error.message]).toEqual([
      "offline",
      `Cannot fetch model "${REPO}": 127.0.0.1:${silent.port} cannot be reached: nothing came for 0.05 s`,
    ]);
  });
});

describe("a hub that refuses", () => {
  test("to everybody who has not accepted the terms: a gated model", async () => {
    hub.switches.gated = { [REPO]: "hf_right" };
    const error = await fail();
    expect(error).toMatchObject({
      kind: "denied",
      exit: "missing",
      message: `Cannot fetch model "${REPO}": its authors give it to those alone who accept their terms`,
      hint: `Accept them at ${hub.endpoint}/${REPO}, then set HF_TOKEN`,
    });
    expect(error.details[0]).toContain("answers 401: Access to model");
    const wrong = await fail({ token: "hf_wrong" });
    expect([wrong.kind, wrong.hint]).toEqual(["denied", `Accept them at ${hub.endpoint}/${REPO}, with the account of HF_TOKEN`]);
    expect((await fail({ tokenName: "my.token" })).hint).toEndWith(", then set my.token");
    await fetchIt({ token: "hf_right" });
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
  });

  test("to show a private model, which is as if there were none", async () => {
    hub.switches.private = { [REPO]: "hf_right" };
    for (const token of [undefined, "hf_wrong"]) {
      expect(await fail({ token })).toMatchObject({ kind: "unknown-model", exit: "unknown" });
    }
    await fetchIt({ token: "hf_right" });
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
  });

  test("knows no such model, or no such revision of it", async () => {
    const { host } = new URL(hub.endpoint);
    expect(await fail({ repo: "Systran/no" })).toMatchObject({
      kind: "unknown-model",
      message: `Cannot fetch model "Systran/no": ${host} has no such model`,
      hint: "Check the name; a private one needs HF_TOKEN",
    });
    expect(await fail({ revision: "v9" })).toMatchObject({
      kind: "unknown-model",
      message: `Cannot fetch model "${REPO}": ${host} has it, but not this revision`,
    });
  });

  test("has no file that was asked for", async () => {
    const error = await fail({ include: ["*.gguf", "nope"] });
    expect([error.kind, error.message]).toEqual(["unknown-model", `Cannot fetch model "${REPO}": no file of it matches *.gguf, nope`]);
    expect(error.details[0]).toBe("It has README.md, config.json, model.bin, tokenizer.json, vocabulary.txt, onnx/int8/model.onnx");
  });

  test.each([500, 503, 429])("for a while: %d", async (status) => {
    Object.assign(hub.switches, { status, statusTimes: 2 });
    await fetchIt();
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
  });

  test("a token that is not right", async () => {
    Object.assign(hub.switches, { status: 401, says: "Invalid credentials in Authorization header" });
    expect(await fail({ token: "hf_old" })).toMatchObject({
      kind: "denied",
      message: `Cannot fetch model "${REPO}": ${new URL(hub.endpoint).host} does not give it to this token`,
      hint: "Check HF_TOKEN: it may have run out, or lack the right to read this model",
    });
    Object.assign(hub.switches, { status: 403, says: "not\u001b[2J for you\n" });
    const error = await fail();
    expect([error.kind, error.hint]).toEqual(["denied", "Set HF_TOKEN"]);
    expect(error.details).toEqual([`${new URL(hub.endpoint).host} answers 403: not [2J for you`]);
  });

  test("a link that has run out: the hub gives a new one", async () => {
    Object.assign(hub.switches, { status: 403, statusAt: "cdn", statusTimes: 2 });
    await fetchIt();
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
    expect(hub.requests.filter(({ path }) => path.endsWith("/model.bin"))).toHaveLength(3);
  });

  test("for good", async () => {
    Object.assign(hub.switches, { status: 503 });
    const error = await fail();
    expect(error.kind).toBe("network");
    expect(error.message).toEndWith("answers 503: out of order");
    expect(hub.requests).toHaveLength(4);
  });

  test("and says when to come back", async () => {
    Object.assign(hub.switches, { status: 429, statusTimes: 1, retryAfter: 1 });
    const start = performance.now();
    await fetchIt();
    expect(performance.now() - start).toBeGreaterThanOrEqual(990);
  });

  test("is none: the login page of a network in between", async () => {
    hub.switches.page = "<html>Welcome to our hotel</html>";
    const error = await fail();
    expect([error.kind, error.message]).toEqual([
      "network",
      `Cannot fetch model "${REPO}": ${new URL(hub.endpoint).host} does not answer as a model hub does`,
    ]);
  });
});

describe("the token", () => {
  test("goes to the hub alone", async () => {
    await fetchIt({ token: "hf_secret" });
    const sent = (at: string): Set<string | undefined> =>
      new Set(hub.requests.filter((request) => request.at === at).map(({ authorization }) => authorization));
    expect(sent("hub")).toEqual(new Set(["Bearer hf_secret"]));
    expect(sent("cdn")).toEqual(new Set([undefined]));
  });

  test("is in no message", async () => {
    hub.switches.gated = { [REPO]: "hf_other" };
    for (const error of [await fail({ token: "hf_secret" }), await fail({ token: "hf_secret", repo: "a/b" })]) {
      expect(JSON.stringify([error.message, error.details, error.hint, error.stack])).not.toContain("hf_secret");
    }
  });
});

const openssl = Bun.which("openssl");

describe.skipIf(openssl === null)("over https (needs openssl)", () => {
  let certificate: string;
  let server: Bun.Server<undefined>;
  beforeEach(() => {
    const folder = makeFolder();
    certificate = join(folder, "cert.pem");
    const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-nodes"];
    const made = Bun.spawnSync([
      openssl ?? "",
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      ...subject,
      "-keyout",
      join(folder, "key.pem"),
      "-out",
      certificate,
    ]);
    if (made.exitCode !== 0) throw new Error(`no certificate: ${made.stderr}`);
    server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      tls: { cert: Bun.file(certificate), key: Bun.file(join(folder, "key.pem")) },
      fetch: (request) => Response.redirect(hub.endpoint + new URL(request.url).pathname),
    });
  });
  afterEach(() => server.stop(true));

  async function messageWith(env: Record<string, string>): Promise<string> {
    const child = Bun.spawn([process.execPath, ROUTINE, REPO], {
      env: { HOME: dirname(cache), HF_ENDPOINT: `https://127.0.0.1:${server.port}`, HF_HUB_CACHE: cache, ...env },
      stdout: "pipe",
      stderr: "pipe",
    });
    return (await resultOf(child)).stderr;
  }

  test("a certificate that nobody vouches for is refused", async () => {
    const message = await messageWith({});
    expect(message).toContain(`the certificate of 127.0.0.1:${server.port} is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)`);
    expect(message).toContain("NODE_EXTRA_CA_CERTS");
  });

  test("it does not let itself be led to plain http", async () => {
    expect(await messageWith({ NODE_EXTRA_CA_CERTS: certificate })).toContain(
      `127.0.0.1:${server.port} leads from https to http://${new URL(hub.endpoint).host}`,
    );
    expect(hub.requests).toEqual([]);
  });
});

describe("names from the network", () => {
  const outside: string[] = [
    "../x",
    "/etc/x",
    "a/../../x",
    "a/./b",
    "a//b",
    "",
    "..",
    "a\\..\\b",
    "a\0b",
    "a\u001b[2Jb",
    "config.json/x",
    "config.json",
  ];

  test.each(outside)("cannot be %p", async (path) => {
    hub.switches.renames = { "README.md": path };
    const error = await fail();
    expect(error.kind).toBe("network");
    expect(error.message).toContain("says of it what cannot be");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
    expect(error.message).not.toMatch(/[\u0000-\u001f]/);
    expect(listBelow(dirname(cache))).toEqual([]);
  });

  test.each(["../x", "a/b/c", "x", "-a/b", "a--b/c", "a/b.git", "", "a/..", "a b/c", "https://hub/a/b"])("of a model: %p", async (repo) => {
    if (repo === "x")
      return expect(await fail({ repo })).toMatchObject({ kind: "unknown-model", details: [expect.stringContaining("401")] });
    expect(await fail({ repo })).toMatchObject({
      kind: "unknown-model",
      message: `Cannot fetch model "${repo}": that can be the name of no model`,
    });
    expect(hub.requests).toEqual([]);
  });

  test.each(["../../x", "/x", "a/../b", ""])("of a revision: %p", async (revision) => {
    expect(await fail({ revision })).toMatchObject({ kind: "unknown-model" });
    expect(hub.requests).toEqual([]);
  });

  test("of a hub", async () => {
    for (const endpoint of ["ftp://hub", "hub", "http://user:secret@hub"]) {
      const error = await fail({ endpoint });
      expect([error.kind, error.message]).toEqual(["network", `Cannot fetch model "${REPO}": the address of the hub is none`]);
    }
  });
});

describe("an interrupted call", () => {
  test("ends at once, and the next goes on", async () => {
    hub.switches.bytesPerSecond = 200_000;
    const controller = new AbortController();
    const error = await fail({
      signal: controller.signal,
      onProgress: ({ received }) => {
        if (received > 100_000) controller.abort();
      },
    });
    expect([error.kind, error.exit, error.message]).toEqual(["interrupted", "interrupted", `Cannot fetch model "${REPO}": interrupted`]);
    hub.switches.bytesPerSecond = undefined;
    hub.requests.length = 0;
    await fetchIt();
    expect(ranges()[0]).toMatch(/^bytes=\d+-$/);
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
  });

  test("does not wait for another's lock", async () => {
    hub.switches.stallAfter = 1_000;
    const first = new AbortController();
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    const running = fail({ signal: first.signal, patience: { ...HASTY, stallMs: 60_000 }, onProgress: () => start() });
    await started;
    const { promise: waits, resolve: wait } = Promise.withResolvers<void>();
    const second = new AbortController();
    const waiting = fail({ signal: second.signal, onWait: () => wait() });
    await waits;
    second.abort();
    expect((await waiting).kind).toBe("interrupted");
    first.abort();
    expect((await running).kind).toBe("interrupted");
  });
});

describe("the command", () => {
  test("prints the snapshot, and on stderr how far it is", async () => {
    const { exit, stdout, stderr } = await run([REPO]);
    const snapshot = join(cache, FOLDER, "snapshots", hub.commitOf(REPO));
    expect([exit, stdout]).toEqual([0, `${snapshot}\n`]);
    expect(stderr.split("\n")[0]).toBe(`${REPO}: 0 %, 0 B of 350.1 kB (README.md, 1 of 6)`);
    expect(stderr).toContain(`${REPO}: 100 %, 350.1 kB of 350.1 kB`);
    expect(await run([REPO, "--offline"])).toEqual({ exit: 0, stdout: `${snapshot}\n`, stderr: "" });
  });

  test("speaks JSON", async () => {
    const { exit, stdout, stderr } = await run([REPO, "--json", "--include", "*.json", "--include", "README.md"]);
    expect([exit, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).toMatchObject({ repo: REPO, files: ["README.md", "config.json", "tokenizer.json"], wasPresent: false });
    const failed = await run([REPO, "--json"], { HF_HUB_OFFLINE: "1" });
    expect([failed.exit, failed.stdout]).toEqual([3, ""]);
    expect(JSON.parse(failed.stderr).error).toMatchObject({ exit: "missing", code: 3 });
  });

  test("says of a snapshot that nobody could vouch for", async () => {
    makeSnapshot(pick("config.json"));
    const { exit, stderr } = await run([REPO, "--offline"]);
    expect([exit, stderr]).toEqual([0, `${REPO}: found; whether a file of it is missing, nobody could be asked\n`]);
  });

  test("fetches once for two who ask at once", async () => {
    hub.switches.bytesPerSecond = 200_000;
    const both = await Promise.all([run([REPO]), run([REPO])]);
    expect(both.map(({ exit }) => exit)).toEqual([0, 0]);
    expect(
      both.some(
        ({ stderr }) => stderr === `${REPO}: another process fetches it (${join(cache, ".locks", FOLDER, "harbor.lock")}); waiting\n`,
      ),
    ).toBe(true);
    expect(ranges()).toEqual(["", ""]); // each large file once
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
  });

  test("ends with 130 by Ctrl-C", async () => {
    hub.switches.stallAfter = 1_000;
    const child = Bun.spawn([process.execPath, ROUTINE, REPO], {
      env: { HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: cache, HOME: dirname(cache) },
      stdout: "pipe",
      stderr: "pipe",
    });
    const reader = child.stderr.getReader();
    await reader.read(); // it is at it
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
    await reader.cancel();
  });

  test.skipIf(process.platform !== "linux").each(["", `.locks/${FOLDER}`])("says where it may not write: %p", async (locked) => {
    mkdirSync(join(cache, locked), { recursive: true });
    chmodSync(join(cache, locked), 0o555);
    const { exit, stderr } = await run([REPO], {}, obeyingModes);
    expect([exit, stderr]).toEqual([
      1,
      `harbor: Cannot fetch model "${REPO}": "${cache}/.locks/${FOLDER}" cannot be written: no permission\n  Choose another folder, or mend this one\n`,
    ]);
  });
});

describe.skipIf(process.getuid?.() !== 0 || process.platform !== "linux")("on a small disk of its own (needs root)", () => {
  let disk: string;
  beforeEach(() => {
    disk = makeFolder();
    const { exitCode, stderr } = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk]);
    if (exitCode !== 0) throw new Error(`cannot mount: ${stderr}`);
  });
  afterEach(() => {
    Bun.spawnSync(["umount", "-l", disk]);
  });

  test("says how much space is lacking, before anything comes", async () => {
    const error = await fail({ cache: disk });
    expect([error.kind, error.exit]).toEqual(["disk", "failed"]);
    expect(error.message).toMatch(/: no space: \d+\.\d kB more would have to be free$/);
    expect(error.details).toEqual(["Needed: 350.1 kB", expect.stringMatching(/^Free: \d+\.\d kB in \//)]);
    expect(error.details[1]).toEndWith(` in ${disk}`);
    expect(ranges()).toEqual([]);
    expect((await fetchIt({ cache: disk, include: ["onnx/*"] })).bytes).toBe(50_000);
  });

  test("says so when somebody else takes the space meanwhile, and goes on once there is some", async () => {
    hub.publish(REPO, { "model.bin": noise(150_000) });
    let isTaken = false;
    const error = await fail({
      cache: disk,
      onProgress: ({ received }) => {
        if (received === 0 || isTaken) return;
        isTaken = true;
        Bun.spawnSync(["sh", "-c", `cat /dev/zero > '${disk}/filler'`], { stderr: "ignore" });
      },
    });
    expect(error.kind).toBe("disk");
    expect(error.message).toEndWith("cannot be written: no space is left on the device");
    rmSync(join(disk, "filler"));
    hub.requests.length = 0;
    await fetchIt({ cache: disk });
    expect(ranges()[0]).toMatch(/^bytes=\d+-$/);
    expectSnapshot(disk, hub.commitOf(REPO), { "model.bin": noise(150_000) });
  });

  test("may be the place of the model, with the rest of the cache elsewhere", async () => {
    hub.publish(REPO, { "model.bin": noise(100_000) });
    mkdirSync(cache, { recursive: true });
    symlinkSync(disk, join(cache, FOLDER));
    await fetchIt();
    expectSnapshot(cache, hub.commitOf(REPO), { "model.bin": noise(100_000) });
    expect(statSync(join(disk, "refs/main")).dev).not.toBe(statSync(cache).dev);
  });
});
