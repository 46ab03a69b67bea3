/** The variables compose would see: the process environment, then `.env` of the project directory. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Values } from "./interpolate.ts";

/** A look-up over both; the process environment wins. */
export function readEnvironment(projectDirectory: string): Values {
  const fromProcess: Values = (name) => process.env[name];
  const file = join(projectDirectory, ".env");
  const text = readIfThere(file);
  if (text === undefined) return fromProcess;
  const { parseEnv }: typeof import("../config/parse-env.ts") = require("../config/parse-env.ts");
  const fromFile = parseEnv(text, { file, lookup: fromProcess });
  return (name) => process.env[name] ?? fromFile.get(name);
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "EISDIR") return undefined;
    throw error;
  }
}
