/** The `ready` and `live` blocks of a contract, `${…}` as written, with what is left out filled in. */
import type { Fields } from "./_contract-fields.ts";
import { LIVE, READY } from "./_defaults.ts";
import { readProgram } from "./_read-command-line.ts";
import { isCount, isDuration, isPath, isPattern, isSpan, isStatuses } from "./_rules.ts";
import type { LiveSpec, ProbeQuestion, ReadySpec } from "./_types.ts";
import type { Written } from "./_written.ts";

const KINDS = ["http", "tcp", "exec", "log", "notify"] as const;
const QUESTION = [...KINDS, "status", "body", "probe_timeout"];
/** Kinds that ask the process at its port. */
const AT_PORT: readonly string[] = ["http", "tcp"];

/** `hasPort` tells whether there is a port to ask. */
export function readReady(fields: Fields | undefined, hasPort: boolean): Written<ReadySpec> {
  fields?.allow([...QUESTION, "timeout", "start_interval", "interval", "start_period", "successes", "failures"]);
  return {
    ...readQuestion(fields, hasPort),
    timeout: fields?.checked("timeout", isSpan) ?? READY.timeout,
    start_interval: fields?.checked("start_interval", isSpan) ?? READY.start_interval,
    interval: fields?.checked("interval", isSpan) ?? READY.interval,
    start_period: fields?.checked("start_period", isDuration) ?? READY.start_period,
    successes: fields?.checked("successes", isCount) ?? String(READY.successes),
    failures: fields?.checked("failures", isCount) ?? String(READY.failures),
  };
}

/** Without the block nothing is asked. */
export function readLive(fields: Fields | undefined, hasPort: boolean): Written<LiveSpec> | undefined {
  if (fields === undefined) return undefined;
  fields.allow([...QUESTION, "interval", "start_period", "failures"]);
  if (!hasPort && !KINDS.some((kind) => fields.has(kind))) {
    fields.problem(undefined, `without a "port" it must say what to ask: ${KINDS.filter((kind) => !AT_PORT.includes(kind)).join(", ")}`);
  }
  return {
    ...readQuestion(fields, hasPort),
    interval: fields.checked("interval", isSpan) ?? LIVE.interval,
    start_period: fields.checked("start_period", isDuration) ?? LIVE.start_period,
    // a line that says that it is stuck is an answer already, no sign that may pass
    failures: fields.checked("failures", isCount) ?? (fields.has("log") ? "1" : String(LIVE.failures)),
  };
}

function readQuestion(fields: Fields | undefined, hasPort: boolean): Written<ProbeQuestion> {
  const question: Written<ProbeQuestion> = { probe_timeout: fields?.checked("probe_timeout", isSpan) ?? READY.probe_timeout };
  if (fields === undefined) return question;
  const kind = readKind(fields);
  if (kind !== undefined && AT_PORT.includes(kind) && !hasPort) {
    fields.problem(kind, `"${kind}" needs a "port": there is nothing to connect to`);
  }
  for (const key of ["status", "body"]) {
    if (fields.has(key) && kind !== "http") fields.problem(key, `"${key}" is about the answer to "http", which is not asked`);
  }
  const found = {
    http: fields.checked("http", isPath),
    status: fields.checked("status", isStatuses),
    body: fields.checked("body", isPattern),
    exec: readProgram(fields, "exec"),
    log: fields.checked("log", isPattern),
  };
  for (const [key, value] of Object.entries(found)) if (value !== undefined) Object.assign(question, { [key]: value });
  return kind === "notify" ? { ...question, notify: true } : question;
}

/** The one kind that is asked for. */
function readKind(fields: Fields): (typeof KINDS)[number] | undefined {
  const isAsked = (kind: string): boolean => (kind === "tcp" || kind === "notify" ? fields.flag(kind) : fields.has(kind));
  const [kind, ...others] = KINDS.filter(isAsked);
  for (const other of others) fields.problem(other, `"${other}" and "${kind}" exclude each other`);
  return kind;
}
