/**
 * Who did what, as lines of JSON in files of this conductor's own, whatever its store is: what is refused while Redis is away is worth knowing,
 * and a Redis that others write to is no witness. Written a moment later, by nobody who waits for it; bounded in size.
 */
import { appendFile, mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { nextNumber, readId, writeId } from "../store/message-id.ts";

/** `operator`: what is done with the conductor's own token, who leaves, and what is refused. `changes`: also whatever components change. */
export const AUDIT_LEVELS = ["operator", "changes", "off"] as const;
export type AuditLevel = (typeof AUDIT_LEVELS)[number];

export interface AuditEntry {
  /** "<ms>-<n>", growing. */
  readonly id: string;
  readonly time: string;
  /** A component's id, `operator`, or null where no good token was sent. */
  readonly who: string | null;
  /** The address. */
  readonly from: string;
  /** As in "PUT /state/scan/mode": never what was sent. */
  readonly action: string;
  readonly status: number;
  /** Of a refusal. */
  readonly code?: string;
  readonly about?: Readonly<Record<string, unknown>>;
  /** Refusals before this one that were too many to be written down. */
  readonly left_out?: number;
}

export interface AuditOptions {
  readonly folder: string;
  readonly complain: (problem: string) => void;
  /** Of one file. */
  readonly maxBytes?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export interface AuditQuery {
  readonly limit: number;
  /** Those after this id, the oldest of them first; else the newest. */
  readonly since?: string | undefined;
}

const FILE = "audit";
const FILE_BYTES = 10 * 1_048_576;
/** Files besides the one that is written to. */
const KEPT = 4;
const WRITE_MS = 100;
/** Lines that wait while the disk takes none. */
const WAITING = 10_000;

export class AuditLog {
  readonly #options: AuditOptions;
  readonly #maxBytes: number;
  readonly #now: () => number;
  #last = 0;
  #size: number;
  #waiting: string[] = [];
  #dropped = 0;
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();
  #complained = "";

  /** Makes the folder and the file where they are missing, for this user alone. Rejects where that cannot be. */
  static async open(options: AuditOptions): Promise<AuditLog> {
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    const file = join(options.folder, `${FILE}.jsonl`);
    const handle = await open(file, "a+", 0o600);
    try {
      await handle.chmod(0o600);
      const { size } = await handle.stat();
      const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, Math.max(size - 1, 0));
      // a line that a crash cut off must not take the next one with it
      const isCut = size > 0 && buffer[0] !== 0x0a;
      if (isCut) await handle.write("\n");
      return new AuditLog(options, size + Number(isCut));
    } finally {
      await handle.close();
    }
  }

  private constructor(options: AuditOptions, size: number) {
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? FILE_BYTES;
    this.#now = options.now ?? Date.now;
    this.#size = size;
  }

  record(entry: Omit<AuditEntry, "id" | "time">): void {
    if (this.#waiting.length >= WAITING) {
      this.#dropped++;
      return;
    }
    const now = this.#now();
    this.#last = nextNumber(this.#last, now);
    const line: AuditEntry = { id: writeId(this.#last), time: new Date(now).toISOString(), ...entry };
    this.#waiting.push(`${JSON.stringify(line)}\n`);
    this.#timer ??= setTimeout(() => void this.flush(), WRITE_MS);
  }

  /** When all that was recorded is in the file, or it is known that it cannot be. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async read({ limit, since }: AuditQuery): Promise<AuditEntry[]> {
    await this.flush();
    const after = since === undefined ? undefined : readId(since);
    let found: AuditEntry[] = [];
    for (let number = 0; number <= KEPT; number++) {
      const text = await readFile(this.#fileOf(number), "utf8").catch(() => "");
      const entries = text.split("\n").flatMap(parse);
      const wanted = after === undefined ? entries : entries.filter(({ id }) => (readId(id) ?? 0) > after);
      found = [...wanted, ...found];
      // the files before it are older
      if (text === "" || (after === undefined ? found.length >= limit : wanted.length < entries.length)) break;
    }
    return after === undefined ? found.slice(-limit) : found.slice(0, limit);
  }

  async #write(): Promise<void> {
    const lines = this.#waiting;
    if (lines.length === 0) return;
    this.#waiting = [];
    const text = lines.join("");
    try {
      if (this.#size > 0 && this.#size + Buffer.byteLength(text) > this.#maxBytes) await this.#rotate();
      await appendFile(this.#fileOf(0), text, { mode: 0o600 });
      this.#size += Buffer.byteLength(text);
      if (this.#dropped > 0) this.#complain(`${this.#dropped} entries of the audit were not written: the disk took none`);
      this.#dropped = 0;
      this.#complained = "";
    } catch (error) {
      this.#complain(`the audit is not written: ${(error as Error).message}`);
      this.#waiting = [...lines, ...this.#waiting].slice(0, WAITING);
    }
  }

  async #rotate(): Promise<void> {
    for (let number = KEPT; number > 0; number--) {
      await rename(this.#fileOf(number - 1), this.#fileOf(number)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
      });
    }
    this.#size = 0;
  }

  #complain(problem: string): void {
    if (problem !== this.#complained) this.#options.complain(problem);
    this.#complained = problem;
  }

  #fileOf(number: number): string {
    return join(this.#options.folder, number === 0 ? `${FILE}.jsonl` : `${FILE}.${number}.jsonl`);
  }
}

/** What a crash has cut off is left out. */
function parse(line: string): AuditEntry[] {
  try {
    return line === "" ? [] : [JSON.parse(line) as AuditEntry];
  } catch {
    return [];
  }
}
