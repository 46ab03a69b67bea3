/** A service's log folder for tests, written to as its process would. */
import { appendFileSync, closeSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatCheckpoint, formatEntry, type LogStream } from "../../../routines/native/_log-format.ts";
import { openSpools } from "../../../routines/native/_spools.ts";
import { LogKeeper, type LogKeeperOptions } from "../../../routines/native/keep-log.ts";
import type { LogViewOptions } from "../../../routines/native/read-log.ts";
import { readLog } from "../../../routines/native/read-log.ts";
import { makeFolder } from "../../_workspace.ts";

export const LIMITS = { max_size: "10MB", max_files: 3, max_age: "7d" };

export class LogFolder {
  private run = 0;

  constructor(readonly path = join(makeFolder(), "sample")) {}

  /** Spools for another start. */
  start(): this {
    const { run, out, err } = openSpools(this.path);
    this.run = run;
    closeSync(out);
    closeSync(err);
    return this;
  }

  /** As the process of the latest start. */
  say(text: string | Uint8Array, stream: LogStream = "out"): this {
    appendFileSync(join(this.path, "spool", `${this.run}.${stream}`), text);
    return this;
  }

  /** A process that writes here. */
  spawn(argv: string[]): Bun.Subprocess {
    const { out, err } = openSpools(this.path);
    try {
      return Bun.spawn(argv, { stdin: "ignore", stdout: out, stderr: err });
    } finally {
      closeSync(out);
      closeSync(err);
    }
  }

  keeper(more: Partial<LogKeeperOptions> = {}): LogKeeper {
    return new LogKeeper({ folder: this.path, limits: LIMITS, ...more });
  }

  /** A keeper takes over what there is, and goes. */
  async keep(more: Partial<LogKeeperOptions> = {}): Promise<this> {
    const keeper = this.keeper(more);
    await keeper.drain();
    await keeper.close();
    return this;
  }

  log(): string {
    return readFileSync(join(this.path, "log"), "utf8");
  }

  /** The lines of all log files as they stand there: a reader would pass over what is in them twice. */
  written(stream: LogStream): string[] {
    const names = readdirSync(this.path).filter((name) => /^log(\.\d+(\.gz)?)?$/.test(name));
    const numberOf = (name: string): number => Number(name.split(".")[1] ?? Number.POSITIVE_INFINITY);
    const texts = names
      .filter((name) => !names.includes(`${name}.gz`)) // killed before it removed the plain one
      .toSorted((a, b) => numberOf(a) - numberOf(b))
      .map((name) => ({ isPacked: name.endsWith(".gz"), bytes: readFileSync(join(this.path, name)) }))
      .map(({ isPacked, bytes }) => Buffer.from(isPacked ? Bun.gunzipSync(bytes) : bytes).toString());
    const lines = texts.join("").split("\n");
    return lines.flatMap((line) => (line.slice(25, 28) === stream ? line.slice(line.indexOf(" ", 29) + 1) : []));
  }

  /** What a reader sees. */
  async read(options: Partial<LogViewOptions> = {}): Promise<string[]> {
    return (await Array.fromAsync(readLog({ folder: this.path, ...options }))).map((entry) => entry.text);
  }

  /** A log file as a keeper leaves it: `[time, text]` each, all of stdout's first start. */
  writeLog(name: string, number: number, lines: readonly (readonly [string, string])[], from = 0): void {
    mkdirSync(this.path, { recursive: true });
    const positions = (offset: number) => ({ out: { run: 1, offset }, err: { run: 0, offset: 0 } });
    let text = formatCheckpoint({ time: lines[0]?.[0] ?? "", number, positions: positions(from) });
    let offset = from;
    for (const [time, line] of lines) {
      offset += line.length + 1;
      text += formatEntry({ kind: "line", time, stream: "out", text: line, position: { run: 1, offset } });
    }
    writeFileSync(join(this.path, name), name.endsWith(".gz") ? Bun.gzipSync(Buffer.from(text)) : text);
  }
}

/** `count` lines, numbered, of about `bytes` each. */
export function numbered(count: number, bytes = 20, from = 0): string {
  return Array.from({ length: count }, (_, index) => `${from + index} `.padEnd(bytes - 1, "x"))
    .join("\n")
    .concat(count === 0 ? "" : "\n");
}

/** The numbers that such lines begin with. */
export function numbersOf(lines: readonly string[]): number[] {
  return lines.map((line) => Number.parseInt(line, 10));
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/** Where one does not follow the other: none where nothing is missing, doubled or moved. */
export function gapsIn(numbers: readonly number[]): string[] {
  return numbers.flatMap((number, index) =>
    index === 0 || number === (numbers[index - 1] ?? 0) + 1 ? [] : `${numbers[index - 1]}, ${number}`,
  );
}
