/**
 * The thread that has the database: an fsync of a busy disk takes as long as it takes, and only this thread waits for it. First message in:
 * an Opening; out: Opened. From then on a list of Calls in, all of them one transaction, and a Committed out when it is on disk.
 */
import type { Database } from "bun:sqlite";
import { openDatabase } from "./sqlite-database.ts";
import { type Call, type Limits, makeOperations, type Operations } from "./sqlite-operations.ts";
import { SqliteQueue } from "./sqlite-queue.ts";
import { StoreError } from "./store.ts";

declare const self: Worker;

export interface Opening {
  file: string;
  limits: Limits;
}

/** A StoreError as it passes between threads. */
export interface Failure {
  message: string;
  code: StoreError["code"];
  hint: string | undefined;
  receivers: readonly string[];
}

export type Opened = { failure?: Failure };

export type Outcome = { value: unknown } | { failure: Failure };

/** In the order of the calls. Where the whole transaction failed, each has the same failure. */
export type Committed = { outcomes: Outcome[] };

let close: (() => void) | undefined;
let run: ((calls: readonly Call[]) => Outcome[]) | undefined;

self.onmessage = ({ data }: MessageEvent<Opening | readonly Call[] | "close">): void => {
  if (data === "close") {
    close?.();
    postMessage({ outcomes: [] } satisfies Committed);
  } else if (run !== undefined) {
    postMessage({ outcomes: run(data as readonly Call[]) } satisfies Committed);
  } else {
    postMessage(open(data as Opening));
  }
};

function open({ file, limits }: Opening): Opened {
  try {
    const database = openDatabase(file);
    const queue = new SqliteQueue(database, limits);
    const operations = makeOperations(database, limits, queue);
    run = (calls) => commitAll({ database, operations, queue, file }, calls);
    close = () => database.close();
    return {};
  } catch (error) {
    return { failure: toFailure(error, file) };
  }
}

interface Place {
  readonly database: Database;
  readonly operations: Operations;
  readonly queue: SqliteQueue;
  readonly file: string;
}

/** One that fails is taken back alone; where the commit fails, all are. */
function commitAll(place: Place, calls: readonly Call[]): Outcome[] {
  const { database, queue, file } = place;
  const mark = queue.mark();
  try {
    database.run("BEGIN IMMEDIATE");
    const outcomes = calls.map((call) => runOne(place, call));
    database.run("COMMIT");
    return outcomes;
  } catch (error) {
    if (database.inTransaction) database.run("ROLLBACK");
    queue.rolledBack(mark);
    const failure = toFailure(error, file);
    return calls.map(() => ({ failure }));
  }
}

function runOne({ database, operations, queue, file }: Place, { name, args }: Call): Outcome {
  const mark = queue.mark();
  database.run("SAVEPOINT one");
  try {
    const operation = operations[name] as (...args: unknown[]) => unknown;
    const value = operation(...args);
    database.run("RELEASE one");
    return { value };
  } catch (error) {
    // some errors (a full disk) end the whole transaction by themselves
    if (!database.inTransaction) throw error;
    queue.rolledBack(mark);
    database.run("ROLLBACK TO one");
    database.run("RELEASE one");
    return { failure: toFailure(error, file) };
  }
}

function toFailure(error: unknown, file: string): Failure {
  if (error instanceof StoreError) return { message: error.message, code: error.code, hint: error.hint, receivers: error.receivers };
  const { message, code } = error as Error & { code?: string };
  const hint = code === "SQLITE_FULL" ? "Free some space on that disk" : "Look at the disk and at the file's mode";
  return { message: `Cannot write "${file}": ${message}`, code: "unavailable", hint, receivers: [] };
}
