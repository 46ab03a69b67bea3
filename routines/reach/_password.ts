/** The password by which a service is reached from elsewhere: the user's own, the one of before, or a new one. */
import { randomInt } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { HarborError } from "../_script/error.ts";
import { writeFileWhole } from "../_script/write-file.ts";

export interface ChoosePasswordOptions {
  home: string;
  handle: string;
  /** The user's own. */
  given?: string | undefined;
  /** Whether one that is kept is not used any more. */
  isNew: boolean;
}

export interface ChosenPassword {
  password: string;
  /** Whether nobody can know it yet. */
  isFresh: boolean;
}

/** Kept for the next time; nobody but the owner of `HARBOR_HOME` can read it. */
export function passwordFile(home: string, handle: string): string {
  return join(home, "reach", `${handle}.password`);
}

/** Throws `usage` for one that is too short, or that a header cannot have. */
export function choosePassword({ home, handle, given, isNew }: ChoosePasswordOptions): ChosenPassword {
  if (given !== undefined) {
    checkPassword(given);
    writeFileWhole(passwordFile(home, handle), `${given}\n`);
    return { password: given, isFresh: false };
  }
  const kept = isNew ? undefined : readPassword(home, handle);
  if (kept !== undefined) return { password: kept, isFresh: false };
  const password = generate();
  writeFileWhole(passwordFile(home, handle), `${password}\n`);
  return { password, isFresh: true };
}

/** Of one that nobody has been told. */
export function forgetPassword(home: string, handle: string): void {
  rmSync(passwordFile(home, handle), { force: true });
}

export function readPassword(home: string, handle: string): string | undefined {
  try {
    return readFileSync(passwordFile(home, handle), "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Whoever can connect can try as often as they like. */
const SHORTEST = 12;

function checkPassword(password: string): void {
  const why =
    password.length < SHORTEST
      ? `it has fewer than ${SHORTEST} characters`
      : /[^\x21-\x7e]/.test(password)
        ? "it has spaces, or characters that a header cannot have"
        : undefined;
  if (why !== undefined) throw new HarborError(`Cannot use this password: ${why}`, { exit: "usage", hint: "Give none, and one is made" });
}

/** Without what is easily taken for another when it is typed on a phone. 100 bits. */
const LETTERS = "abcdefghijkmnpqrstuvwxyz23456789";

function generate(): string {
  const group = (): string => Array.from({ length: 4 }, () => LETTERS[randomInt(LETTERS.length)]).join("");
  return Array.from({ length: 5 }, group).join("-");
}

/** It stands in a header, and before a colon there. */
export function checkUser(user: string): void {
  if (/^[A-Za-z0-9._-]+$/.test(user)) return;
  throw new HarborError(`Cannot use "${user}" as a user: it may have letters, digits and . _ - alone`, { exit: "usage" });
}
