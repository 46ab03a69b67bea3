/**
 * What a person asks of an interpreter (`3.12`, `>=3.10,<3.13`, a path) → which versions that is, and which of
 * two is better. Versions and specifiers are those of PEP 440.
 */
import { isAbsolute, resolve } from "node:path";
import { rcompare, satisfies, validRange } from "@renovatebot/pep440";
import { HarborError } from "../_script/error.ts";
import { homeDirectory } from "../_script/home-directory.ts";

export type WantedPython = { path: string } | { specifier: string } | "any";

/** Throws `usage` for what is neither a version, a specifier nor a path. */
export function parseWanted(wanted: string | undefined, env: Readonly<Record<string, string | undefined>>): WantedPython {
  const text = wanted?.trim() ?? "";
  if (text === "") return "any";
  if (text.startsWith("~/")) return { path: resolve(homeDirectory(env), text.slice(2)) };
  if (text.includes("/")) return { path: isAbsolute(text) ? text : resolve(text) };
  if (/^(python|pypy)[\d.]*$/.test(text)) {
    const found = Bun.which(text, { PATH: env.PATH ?? "" });
    if (found !== null) return { path: found };
  }
  const specifier = toSpecifier(text);
  if (validRange(specifier)) return { specifier };
  throw new HarborError(`Cannot look for Python "${text}": it is neither a version, a specifier nor a path`, {
    exit: "usage",
    hint: 'Write "3.12", ">=3.10,<3.13" or the path of an interpreter',
  });
}

/** `3.12` means any 3.12; `3.12.1` and `>=3.10` mean what they say. */
function toSpecifier(text: string): string {
  if (/^\d+(\.\d+)?$/.test(text)) return `==${text}.*`;
  return /^\d/.test(text) ? `==${text}` : text;
}

/** Whether a version is one of those wanted; a pre-release is, where its own release would be. */
export function isWanted(version: string, wanted: WantedPython): boolean {
  return wanted === "any" || "path" in wanted || satisfies(version, wanted.specifier, { prereleases: true });
}

/** What orders interpreters, the best first: each name in turn, true before false, then the newest version. */
export interface Rank {
  order: readonly boolean[];
  version: string;
}

export function compareRanks(one: Rank, other: Rank): number {
  for (const [at, is] of one.order.entries()) if (is !== other.order[at]) return is ? -1 : 1;
  return rcompare(one.version, other.version);
}

export function isPrerelease(version: string): boolean {
  return /[a-z]/.test(version);
}
