/**
 * The result on stdout, and nothing else there. `fs.writeSync` rather than `process.stdout.write`:
 * 6 ms less, and a large result is whole in a pipe however the process ends.
 */
import { writeSync } from "node:fs";
import { HarborError } from "./error.ts";

const STDERR = 2;

/** Writes all of `text` to a file descriptor, waiting for a slow reader where the pipe is full. */
export function writeAll(fd: number, text: string): void {
  isWritten(fd, text);
}

/** A line of a result that goes on; false where nobody reads it any more, and it may end. */
export function emitLine(text: string): boolean {
  return isWritten(1, `${text}\n`);
}

function isWritten(fd: number, text: string): boolean {
  let rest = new TextEncoder().encode(text); // a Buffer takes 1 ms to set up
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EAGAIN") {
        Bun.sleepSync(1);
        continue;
      }
      // the reader (`| head`) has what it wanted; and what is only said to a person is no reason to fail what was asked for
      if (code === "EPIPE" || fd === STDERR) return false;
      if (code === "ENOSPC") throw new HarborError("Cannot write the result: no space is left on the device");
      throw error;
    }
  }
  return true;
}

/** One line (or block) of the result; a final newline is added where there is none. */
export function emitText(text: string): void {
  if (text !== "") writeAll(1, text.endsWith("\n") ? text : `${text}\n`);
}

export interface EmitOptions<T> {
  json?: boolean | undefined;
  /** How a person reads it. */
  render: (result: T) => string;
}

/** Prints a typed result: exactly as JSON with `--json`, else as `render` words it. */
export function emit<T>(result: T, options: EmitOptions<T>): void {
  emitText(options.json ? JSON.stringify(result, null, 2) : options.render(result));
}
