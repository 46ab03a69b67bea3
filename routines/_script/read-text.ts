/** A path → the text of the file there; what cannot be read is said in words that a person can act on. */
import { readFileSync } from "node:fs";
import { HarborError } from "./error.ts";

/** `what` names the kind of file in the message. Throws `unknown` where there is none, else `failed`. */
export function readText(path: string, what = ""): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why =
      code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a folder" : code === "EACCES" ? "no permission" : message;
    throw new HarborError(`Cannot read ${what === "" ? "" : `${what} `}"${path}": ${why}`, {
      exit: code === "ENOENT" ? "unknown" : "failed",
      cause,
    });
  }
}
