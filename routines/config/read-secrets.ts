/**
 * The secrets of the configuration that are kept apart from `config.env`: in `$HARBOR_HOME/secrets.env`, for its owner's eyes
 * alone, or in the system's keychain. Of those in a keychain `$HARBOR_HOME/secrets.keychain` has the names, so that what only reads
 * need not ask for them; they count as `********` until `openSecrets` has fetched them.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HarborError } from "../_script/error.ts";
import { MASK } from "../_script/secret-name.ts";
import { parseEnv } from "./parse-env.ts";

/** Where a value comes from that is in the system's keychain. */
export const KEYCHAIN = "keychain";

export interface SecretSource {
  /** The file's path, or `keychain`. */
  origin: string;
  values: ReadonlyMap<string, string>;
}

/** Home → what this process has fetched from the keychain. */
const opened = new Map<string, ReadonlyMap<string, string>>();

export function secretsFile(home: string): string {
  return join(home, "secrets.env");
}

/** The names of what is in the keychain; where it is there, new secrets go into the keychain as well. */
export function keychainFile(home: string): string {
  return join(home, "secrets.keychain");
}

/** By rank; both while they are moved from one to the other. Throws with the line where the file cannot be read. */
export function readSecrets(home: string): SecretSource[] {
  const file = secretsFile(home);
  const text = readOrNothing(file);
  const names = keychainNames(home);
  return [
    ...(text === undefined ? [] : [{ origin: file, values: parseEnv(text, { file }) }]),
    ...(names === undefined ? [] : [{ origin: KEYCHAIN, values: opened.get(home) ?? new Map(names.map((name) => [name, MASK])) }]),
  ];
}

/** Undefined where no keychain is in use. */
export function keychainNames(home: string): string[] | undefined {
  const lines = readOrNothing(keychainFile(home))?.split("\n");
  return lines?.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
}

/** Fetches what is in the keychain, once; from then on `readValues` has it. Throws `missing` where it cannot be had. */
export async function openSecrets(home: string): Promise<void> {
  const names = keychainNames(home);
  if (names === undefined || names.length === 0 || opened.has(home)) return;
  const { fetchSecrets } = await import("./_keychain.ts");
  opened.set(home, await fetchSecrets(home, names));
}

/** What was written just now. */
export function noteOpened(home: string, values: ReadonlyMap<string, string> | undefined): void {
  if (values === undefined) opened.delete(home);
  else opened.set(home, values);
}

function readOrNothing(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new HarborError(`Cannot read "${file}": ${code}`, { cause: error });
  }
}
