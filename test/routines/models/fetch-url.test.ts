/** A file from any address, by a server of the test's own: resumed, checked, put where it belongs. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type FetchedUrl, type FetchUrlOptions, fetchUrl } from "../../../routines/models/_fetch-url.ts";
import { ModelError } from "../../../routines/models/_model-error.ts";
import { makeFolder } from "../../_workspace.ts";
import { ggufFile, safetensorsFile } from "../../fixtures/gguf-file.ts";

const FILE = ggufFile({ weights: 400_000 });
const SUM = new Bun.CryptoHasher("sha256").update(FILE).digest("hex");
const HASTY = { contactMs: 4_000, stallMs: 400, pausesMs: [1, 1] };

/** How the server goes wrong. */
interface Switches {
  cutAfter?: number;
  /** So many, then it is busy. */
  answers?: number;
  etag?: string;
  headers?: Record<string, string>;
  ignoresRange?: boolean;
  status?: number;
  body?: Uint8Array;
}

let root: string;
let switches: Switches;
let ranges: string[];
let server: Server;
let origin: string;

beforeEach(async () => {
  root = makeFolder();
  switches = { etag: '"1"' };
  ranges = [];
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { answers, cutAfter, etag, headers = {}, ignoresRange, status, body = FILE } = switches;
  const { range = "" } = request.headers;
  ranges.push(range);
  if (answers !== undefined && ranges.length > answers) return void response.writeHead(503).end("busy");
  if (status !== undefined) return void response.writeHead(status).end("no");
  const from = ignoresRange || range === "" ? 0 : Number(/^bytes=(\d+)-$/.exec(range)?.[1]);
  const part = body.subarray(from);
  response.writeHead(from > 0 ? 206 : 200, {
    "content-length": part.length,
    ...(etag === undefined ? {} : { etag }),
    ...(from > 0 ? { "content-range": `bytes ${from}-${body.length - 1}/${body.length}` } : {}),
    ...headers,
  });
  if (cutAfter === undefined || cutAfter >= part.length) return void response.end(part);
  response.write(part.subarray(0, cutAfter));
  // a client may throw away what it has not read when the connection ends
  await Bun.sleep(20);
  response.socket?.end();
}

function fetchIt(more: Partial<FetchUrlOptions> = {}): Promise<FetchedUrl> {
  const url = new URL("/models/x.gguf?key=1", origin);
  return fetchUrl({ url, file: "x.gguf", root, folder: join(root, "here"), patience: HASTY, ...more });
}

async function fail(more: Partial<FetchUrlOptions> = {}): Promise<ModelError> {
  const error = await fetchIt(more).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ModelError);
  return error as ModelError;
}

test("a file comes whole, to where it belongs, and nothing else is left", async () => {
  const path = join(root, "here/x.gguf");
  expect(await fetchIt()).toEqual({ path, bytes: FILE.length, wasPresent: false, isVerified: false });
  expect(Bun.hash(readFileSync(path))).toBe(Bun.hash(FILE));
  expect(readdirSync(root)).toEqual(["here"]);
  expect(await fetchIt()).toMatchObject({ wasPresent: true, bytes: FILE.length });
  expect(ranges).toEqual([""]);
});

describe("a connection that is cut", () => {
  const busy = { cutAfter: 100_000, answers: 1 };

  test("is gone on from", async () => {
    switches.cutAfter = 150_000;
    expect(await fetchIt()).toMatchObject({ wasPresent: false, bytes: FILE.length });
    expect(ranges).toEqual(["", "bytes=150000-", "bytes=300000-"]);
    expect(Bun.hash(readFileSync(join(root, "here/x.gguf")))).toBe(Bun.hash(FILE));
  });

  test("is gone on from by the next call as well", async () => {
    Object.assign(switches, busy);
    expect(await fail()).toMatchObject({ kind: "network", hint: "Call again: it goes on from what was received" });
    switches = { etag: '"1"' };
    expect(await fetchIt()).toMatchObject({ wasPresent: false, bytes: FILE.length });
    expect(ranges.at(-1)).toBe("bytes=100000-");
    expect(Bun.hash(readFileSync(join(root, "here/x.gguf")))).toBe(Bun.hash(FILE));
    expect(readdirSync(root)).toEqual(["here"]);
  });

  test.each([
    ["the file has changed meanwhile", { etag: '"1"' }, { etag: '"2"' }],
    ["the server knows no ranges", { etag: '"1"' }, { etag: '"1"', ignoresRange: true }],
    ["nothing tells whether it is the same", { etag: undefined }, { etag: undefined }],
  ])("is begun anew where %s", async (_, before, after) => {
    switches = { ...busy, ...before } as Switches;
    await fail();
    const body = ggufFile({ weights: 300_000 });
    switches = { ...after, body } as Switches;
    await fetchIt();
    expect(Bun.hash(readFileSync(join(root, "here/x.gguf")))).toBe(Bun.hash(body));
  });

  test("again and again at the same place is not gone on with for ever", async () => {
    Object.assign(switches, { cutAfter: 100_000, ignoresRange: true });
    expect(await fail()).toMatchObject({ kind: "network" });
  });
});

describe("what came", () => {
  test("is checked by the sum that the user says", async () => {
    expect(await fetchIt({ sha256: SUM })).toMatchObject({ isVerified: true });
    expect(await fail({ sha256: "0".repeat(64) })).toMatchObject({ kind: "checksum" }); // of the one that is there
  });

  test.each([
    ["repr-digest", (sum: string) => `sha-256=:${Buffer.from(sum, "hex").toString("base64")}:`],
    ["digest", (sum: string) => `SHA-256=${Buffer.from(sum, "hex").toString("base64")}`],
    ["x-linked-etag", (sum: string) => `"${sum}"`],
  ])("is checked by the server's %s", async (name, word) => {
    switches.headers = { [name]: word(SUM) };
    expect(await fetchIt()).toMatchObject({ isVerified: true });
    switches.headers = { [name]: word("0".repeat(64)) };
    expect(await fail({ file: "y.gguf", url: new URL("/y.gguf", origin) })).toMatchObject({ kind: "checksum" });
    expect(existsSync(join(root, "here/y.gguf"))).toBe(false);
    expect(existsSync(join(root, ".harbor")) ? readdirSync(join(root, ".harbor")) : []).toEqual([]);
  });

  test("is no page of a network in between", async () => {
    switches.body = new TextEncoder().encode("<!doctype html>Log in");
    expect(await fail()).toMatchObject({ kind: "checksum", why: "what came is no such file" });
    expect(existsSync(join(root, "here/x.gguf"))).toBe(false);
  });

  test("may be safetensors", async () => {
    switches.body = safetensorsFile();
    expect(await fetchIt({ file: "x.safetensors" })).toMatchObject({ bytes: safetensorsFile().length });
  });
});

test.each([
  [404, "unknown-model", "has no such file"],
  [403, "denied", "does not give it to just anybody"],
])("%p of the server is %s, without a word of the hub", async (status, kind, why) => {
  switches.status = status;
  const error = await fail();
  expect(error.kind).toBe(kind as never);
  expect(error.why).toBe(`${new URL(origin).host} ${why}`);
  expect(`${error.hint}`).not.toContain("HF_TOKEN");
});

test("plain http from elsewhere needs a checksum", async () => {
  expect(await fail({ url: new URL("http://models.example/x.gguf") })).toMatchObject({
    kind: "denied",
    hint: "Use https, or say its checksum with --sha256",
  });
  expect(readdirSync(root)).toEqual([]);
});

test("two at once fetch it once", async () => {
  const fetched = await Promise.all([fetchIt(), fetchIt()]);
  expect(fetched.map(({ wasPresent }) => wasPresent).sort()).toEqual([false, true]);
  expect(ranges).toEqual([""]);
});

test("a folder that cannot be written is said to be one", async () => {
  mkdirSync(join(root, "no"));
  writeFileSync(join(root, "no/.harbor"), "a file");
  expect(await fail({ root: join(root, "no"), folder: join(root, "no") })).toMatchObject({ kind: "disk" });
});
