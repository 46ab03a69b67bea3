/** GET, PUT and DELETE of /state/<key>; GET /state lists a prefix, or watches it. Versions are ETags. */
import { ConductorError } from "../core/conductor-error.ts";
import type { StateChange, StateEntry } from "../store/store.ts";
import { isoTime } from "./answers.ts";
import { type Call, isYes, pathOf, queryOf, type Routes } from "./call.ts";
import { invalid, readFields, readOptionalNumber, readQueryNumber } from "./fields.ts";
import { type EventStream, streamEvents } from "./sse.ts";

const PATH = "/state/";
export const KEY_LENGTH = 512;
export const TTL_S = 31_536_000;
export const LIMIT = { fallback: 100, least: 1, most: 1_000 };
const PAGE = 500;

export const routes: Routes = {
  "/state": { GET: { handle: list } },
  "/state/*": { GET: { handle: read }, PUT: { handle: write }, DELETE: { handle: remove } },
};

async function read(call: Call): Promise<Response> {
  const key = keyOf(call);
  const entry = await call.conductor.store.state.get(key, call.conductor.clock.now());
  if (entry === undefined) throw unknownKey(key);
  const tag = tagOf(entry.version);
  if (call.request.headers.get("if-none-match") === tag) return new Response(null, { status: 304, headers: { etag: tag } });
  return answer(entry);
}

async function write(call: Call): Promise<Response> {
  const key = keyOf(call);
  const fields = await readFields(call);
  if (fields.value === undefined) throw invalid("value", "is missing: it may be any JSON, null as well");
  const ttlS = readOptionalNumber(fields, "ttl_seconds", 0.001, TTL_S);
  const ifVersion = expectedVersion(call);
  const now = call.conductor.clock.now();
  const entry = await call.conductor.store.state.put(key, fields.value, {
    now,
    ...(ifVersion === undefined ? {} : { ifVersion }),
    ...(ttlS === undefined ? {} : { ttlMs: Math.round(ttlS * 1_000) }),
  });
  if (entry === undefined) throw await mismatch(call, key);
  return answer(entry);
}

async function remove(call: Call): Promise<Response> {
  const key = keyOf(call);
  const ifVersion = expectedVersion(call);
  const now = call.conductor.clock.now();
  const isGone = await call.conductor.store.state.delete(key, { now, ...(ifVersion === undefined ? {} : { ifVersion }) });
  if (isGone === undefined) throw await mismatch(call, key);
  if (!isGone) throw unknownKey(key);
  return Response.json({ status: "deleted", key });
}

async function list(call: Call): Promise<Response> {
  const query = queryOf(call);
  const prefix = query.get("prefix") ?? "";
  if (isYes(query.get("watch"))) return streamEvents(call, (stream) => watch(call, prefix, stream));
  const limit = readQueryNumber(query, "limit", LIMIT);
  const after = query.get("after");
  const { store, clock } = call.conductor;
  const entries = await store.state.list(prefix, { limit, now: clock.now(), ...(after === null ? {} : { after }) });
  return Response.json({ entries: entries.map(describe) });
}

/**
 * What is there first, then `synced`, then each change: whoever connects again has everything again, and none is lost between.
 * A change that comes while what is there is being read waits, and is left out where that was newer.
 */
async function watch({ conductor }: Call, prefix: string, stream: EventStream): Promise<void> {
  const { state } = conductor.store;
  const versions = new Map<string, number>();
  let waiting: StateChange[] | undefined = [];
  const tell = ({ key, entry }: StateChange): void => {
    if (entry === null) versions.delete(key);
    else if ((versions.get(key) ?? 0) >= entry.version) return;
    if (stream.waiting() > READER_BYTES) drop(stream);
    else if (entry === null) stream.send("delete", { key });
    else stream.send("put", describe(entry));
  };
  const ended = state.watch(prefix, (change) => (waiting === undefined ? tell(change) : void waiting.push(change)), stream.signal);
  // it is waited for in the end; until then a failure is nobody's who does not handle it
  ended.catch(() => {});
  let after: string | undefined;
  while (!stream.signal.aborted) {
    const page = await state.list(prefix, { limit: PAGE, now: conductor.clock.now(), ...(after === undefined ? {} : { after }) });
    for (const entry of page) {
      versions.set(entry.key, entry.version);
      stream.send("put", describe(entry));
    }
    after = page.at(-1)?.key;
    if (page.length < PAGE) break;
    while (stream.waiting() > READER_BYTES / 2 && !stream.signal.aborted) await Bun.sleep(LOOK_MS);
  }
  stream.send("synced", { prefix, entries: versions.size });
  for (const change of waiting) tell(change);
  waiting = undefined;
  await ended;
}

const READER_BYTES = 1_048_576;
const LOOK_MS = 10;

function drop(stream: EventStream): void {
  stream.send("conductor-dropped", { reason: `more than ${READER_BYTES} bytes were waiting to be read` });
  stream.close();
}

/** As it is written in the path, slashes and all. */
function keyOf({ request }: Call): string {
  const text = pathOf(request).slice(PATH.length);
  let key: string;
  try {
    key = decodeURIComponent(text);
  } catch {
    throw invalid("key", "has a % in it that is part of no character");
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (key === "" || key.length > KEY_LENGTH || /[\u0000-\u001f\u007f]/.test(key)) {
    throw invalid("key", `must have 1 to ${KEY_LENGTH} characters, none of them a control character`);
  }
  return key;
}

/** `If-Match: "3"` is that version, `If-None-Match: *` is none at all. */
function expectedVersion({ request }: Call): number | undefined {
  if (request.headers.get("if-none-match") === "*") return 0;
  const match = request.headers.get("if-match");
  if (match === null) return undefined;
  const [, version] = /^"(\d{1,15})"$/.exec(match.trim()) ?? [];
  if (version === undefined) throw invalid("If-Match", 'must be one version, as in "3", with its quotation marks');
  return Number(version);
}

async function mismatch({ conductor }: Call, key: string): Promise<ConductorError> {
  const entry = await conductor.store.state.get(key, conductor.clock.now());
  const version = entry?.version ?? 0;
  return new ConductorError("version_mismatch", `"${key}" is ${version === 0 ? "not there" : `at version ${version}`}`, {
    hint: "read it again, then write with its ETag",
    details: { key, version },
  });
}

function unknownKey(key: string): ConductorError {
  return new ConductorError("unknown_key", `There is no "${key}"`, { hint: "GET /state?prefix= lists what there is", details: { key } });
}

function answer(entry: StateEntry): Response {
  return Response.json(describe(entry), { headers: { etag: tagOf(entry.version) } });
}

function describe({ key, value, version, updatedAt, expiresAt }: StateEntry): object {
  return { key, value, version, updated_at: isoTime(updatedAt), expires_at: expiresAt === null ? null : isoTime(expiresAt) };
}

function tagOf(version: number): string {
  return `"${version}"`;
}
