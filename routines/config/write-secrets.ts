/** Changes secrets where they are kept, one command at a time, and whole; and moves them between the file and the keychain. */
import { rmSync } from "node:fs";
import { HarborError } from "../_script/error.ts";
import { withLock } from "../_script/lock.ts";
import { sweepLeftovers } from "../_script/sweep-leftovers.ts";
import { writeFileWhole } from "../_script/write-file.ts";
import { parseEnv } from "./parse-env.ts";
import { KEYCHAIN, keychainFile, keychainNames, noteOpened, openSecrets, readSecrets, secretsFile } from "./read-secrets.ts";
import { applyChanges, type Changes, checkEntry, followLink, readFileOrNothing } from "./rewrite-env-file.ts";

export const STORES = ["file", "keychain"] as const;
export type Store = (typeof STORES)[number];

/** Where new secrets of a home go. */
export function storeOf(home: string): Store {
  return keychainNames(home) === undefined ? "file" : "keychain";
}

/** For a person: the file's path, or what the keychain is called. */
export function wordStore(home: string): string {
  return storeOf(home) === "file" ? secretsFile(home) : "the system's keychain";
}

export interface ChangeSecretsOptions {
  home: string;
  /** A function is given all that there are, as nobody else can change them meanwhile. */
  changes: Changes | ((values: ReadonlyMap<string, string>) => Changes);
}

/**
 * Gives the names that have another value now. Throws `usage` for what is no name or can be no value, `missing` where the keychain
 * cannot be had; nothing is changed then.
 */
export function changeSecrets({ home, changes: given }: ChangeSecretsOptions): Promise<string[]> {
  return withSecrets(home, async () => {
    noteOpened(home, undefined); // another command may have changed it since
    await openSecrets(home);
    const before = new Map(
      readSecrets(home)
        .toReversed()
        .flatMap(({ values }) => [...values]),
    );
    const changes = typeof given === "function" ? given(before) : given;
    for (const [name, value] of changes) checkEntry(name, value);
    const changed = [...changes].filter(([name, value]) => before.get(name) !== value).map(([name]) => name);
    if (changed.length > 0) await (storeOf(home) === "file" ? changeFile(home, changes) : changeKeychain(home, before, changes));
    return changed;
  });
}

function changeFile(home: string, changes: Changes): void {
  const file = secretsFile(home);
  writeOrRemove(file, applyChanges(readFileOrNothing(file), changes, file));
}

async function changeKeychain(home: string, before: ReadonlyMap<string, string>, changes: Changes): Promise<void> {
  const after = new Map(before);
  for (const [name, value] of changes) {
    if (value === undefined) after.delete(name);
    else after.set(name, value);
  }
  await fillKeychain(home, after);
}

/** First the keychain, then the names of what is in it, then away with the file: whoever is killed in between has lost nothing. */
async function fillKeychain(home: string, values: ReadonlyMap<string, string>): Promise<void> {
  const { storeSecrets } = await import("./_keychain.ts");
  await storeSecrets(home, values);
  writeNames(home, [...values.keys()]);
  noteOpened(home, values);
  removeFile(secretsFile(home));
}

function writeNames(home: string, names: readonly string[]): void {
  const head = "# Secrets of Harbor that are in the system's keychain; `harbor secrets store file` brings them back.\n";
  writeFileWhole(
    keychainFile(home),
    `${head}${names
      .toSorted()
      .map((name) => `${name}\n`)
      .join("")}`,
  );
}

/** How many there are. `forgets` gives up those of a keychain that cannot be had. */
export function moveSecrets({ home, to, forgets }: { home: string; to: Store; forgets: boolean }): Promise<number> {
  return withSecrets(home, async () => {
    if (!forgets) await openSecrets(home);
    const sources = readSecrets(home).filter(({ origin }) => !forgets || origin !== KEYCHAIN);
    const values = new Map(sources.toReversed().flatMap(({ values: them }) => [...them]));
    if (to === "keychain") await toKeychain(home, values);
    else await toFile(home, values, forgets);
    return values.size;
  });
}

/** What cannot be read back is not taken out of the file. */
async function toKeychain(home: string, values: ReadonlyMap<string, string>): Promise<void> {
  const { fetchSecrets, storeSecrets } = await import("./_keychain.ts");
  await storeSecrets(home, values);
  const kept = await fetchSecrets(home, [...values.keys()]);
  const wrong = [...values].find(([name, value]) => kept.get(name) !== value);
  if (wrong !== undefined) throw new HarborError(`Cannot move the secrets: the keychain gives another ${wrong[0]} than it was given`);
  await fillKeychain(home, values);
}

async function toFile(home: string, values: ReadonlyMap<string, string>, forgets: boolean): Promise<void> {
  const file = secretsFile(home);
  const before = parseEnv(readFileOrNothing(file), { file });
  const more = [...values].filter(([name, value]) => before.get(name) !== value);
  writeOrRemove(file, applyChanges(readFileOrNothing(file), new Map(more), file));
  if (keychainNames(home) === undefined) return;
  if (forgets) rmSync(keychainFile(home), { force: true });
  else await emptyKeychain(home);
  noteOpened(home, undefined);
}

/**
 * Takes away what the keychain has of a home, and the names of it. Throws `missing` where the keychain cannot be had, or has not
 * what it should: another session's has it then, and the names say so until it is gone from there.
 */
export function removeKeychain(home: string): Promise<void> {
  return withSecrets(home, async () => {
    if (keychainNames(home) === undefined) return;
    noteOpened(home, undefined);
    await openSecrets(home);
    await emptyKeychain(home);
    noteOpened(home, undefined);
  });
}

/** Of whoever is killed on the way the list stays, without names: the next one knows that there may be something in the keychain yet. */
async function emptyKeychain(home: string): Promise<void> {
  const { storeSecrets } = await import("./_keychain.ts");
  writeNames(home, []);
  await storeSecrets(home, new Map());
  rmSync(keychainFile(home), { force: true });
}

function writeOrRemove(file: string, text: string): void {
  if (text === "") removeFile(file);
  else writeFileWhole(followLink(file), text);
}

/** Of a link, what it leads to: the secrets are there. */
function removeFile(file: string): void {
  rmSync(followLink(file), { force: true });
  rmSync(file, { force: true });
}

function withSecrets<T>(home: string, work: () => Promise<T>): Promise<T> {
  const file = secretsFile(home);
  const run = (): Promise<T> => {
    sweepLeftovers(file);
    return work();
  };
  return withLock(`${file}.lock`, run, { purpose: "harbor secrets" });
}
