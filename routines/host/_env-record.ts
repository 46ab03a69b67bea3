/** What is known of an environment: a file in it says what was asked for, how far it came, and which interpreter it stands on. */
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeFileWhole } from "../_script/write-file.ts";
import { PythonEnvError } from "./_env-error.ts";

export interface Patched {
  name: string;
  /** `requires-python` as the package has it. */
  from: string;
  /** As it was installed. */
  to: string;
}

export interface EnvRecord {
  format: 1;
  /** `creating`, `installing`: half of it may lie there, and nobody can tell which half; `created`: it works, nothing was begun. */
  step: "creating" | "created" | "installing" | "installed";
  /** What the environment is for, as far as a change of it calls for another install. */
  asked: string;
  installer: "uv" | "pip";
  /** Of what is installed, as PEP 503 writes it; undefined for a bare path or URL. */
  name?: string;
  python?: { realPath: string; version: string };
  package?: { name: string; version: string; metadata: string };
  patched: Patched[];
}

const NAME = "harbor-env.json";

export function pythonIn(folder: string): string {
  return join(folder, "bin", "python");
}

/** Undefined where there is none, or none that we understand. */
export function readRecord(folder: string): EnvRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(join(folder, NAME), "utf8")) as EnvRecord;
    return record.format === 1 ? record : undefined;
  } catch {
    return undefined;
  }
}

export function writeRecord(folder: string, record: EnvRecord): void {
  writeFileWhole(join(folder, NAME), `${JSON.stringify(record, null, 2)}\n`);
}

/** Where the environment's interpreter leads; undefined where it is gone. */
export function realPythonOf(folder: string): string | undefined {
  return realPathOf(pythonIn(folder));
}

/** Links followed; undefined where there is nothing. */
export function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** Whether all of it is there as it was asked for. Runs nothing. */
export function isReady(folder: string, record: EnvRecord | undefined, asked: string): record is EnvRecord {
  if (record?.step !== "installed" || record.asked !== asked) return false;
  if (record.python === undefined || record.package === undefined) return false;
  return realPythonOf(folder) === record.python.realPath && existsSync(record.package.metadata);
}

/** What lies in the folder is ours, or nothing does. Throws `occupied`. */
export function refuseForeign(folder: string): void {
  if (!existsSync(folder) || existsSync(join(folder, NAME))) return;
  const foreign = readdirSync(folder).find((name) => !name.startsWith(NAME));
  if (foreign === undefined) return;
  throw new PythonEnvError("occupied", `Cannot make a Python environment in "${folder}": it holds something else, such as "${foreign}"`, {
    hint: "Name another folder, or remove this one",
  });
}

/** An empty folder with a record of what it will be. The old one is moved away first: half a removal would look like somebody else's folder. */
export function startAnew(folder: string, scratch: string, record: EnvRecord): void {
  if (existsSync(folder)) {
    const old = join(scratch, `old-${crypto.randomUUID()}`);
    renameSync(folder, old);
    rmSync(old, { recursive: true, force: true });
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeRecord(folder, record);
}
