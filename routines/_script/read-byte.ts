/** One byte of stdin, waited for; nothing beyond it is taken from whoever reads on. */
import { readSync } from "node:fs";

/** False at the end of the input. */
export function readByte(into: Uint8Array): boolean {
  while (true) {
    try {
      return readSync(0, into) > 0;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EOF" || code === "EIO") return false;
      // a shell before us may have left its terminal so that it does not wait
      if (code !== "EAGAIN") throw error;
      Bun.sleepSync(20);
    }
  }
}
