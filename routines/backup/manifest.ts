/**
 * What a backup says of itself, as its first entry; its last is a list of checksums that `sha256sum --check` reads. An archive
 * that ends before that list is no whole one.
 */
import { HarborError } from "../_script/error.ts";

export const MANIFEST = "harbor-backup.json";
export const SUMS = "SHA256SUMS";
export const CONFIG = "config.env";
export const SECRETS = "secrets.env";

export interface BackupManifest {
  format: 1;
  /** ISO 8601. */
  createdAt: string;
  /** Version of the Harbor that wrote it. */
  harbor: string;
  /** Names of the variables in its config.env. */
  config: string[];
  /** And in its secrets.env. */
  secrets: string[];
  /** Of secrets that were in the system's keychain, and are not in it. */
  inKeychain: string[];
  /** Files of `HARBOR_HOME` that are of no single service: aliases.json. */
  home: string[];
  /** Of the user's own. */
  profiles: string[];
  /** Handles that have variables of their own (env/<handle>.env). */
  env: string[];
  /** Folders of services that are the user's own. */
  services: string[];
  /** Folders below data/. */
  data: string[];
  /** Of these, whose they are where that is not their name. */
  owners: Record<string, string>;
}

/** Throws for anything else. */
export function parseManifest(text: string, file: string): BackupManifest {
  const refuse = (why: string): HarborError =>
    new HarborError(`Cannot read "${file}": ${why}`, { hint: "It takes what `harbor backup` wrote" });
  let manifest: Partial<BackupManifest> | null;
  try {
    manifest = JSON.parse(text) as Partial<BackupManifest> | null;
  } catch {
    throw refuse("its manifest is not JSON");
  }
  if (manifest?.format !== 1) throw refuse(`it is of format ${String(manifest?.format)}, and this Harbor knows format 1`);
  // what it lacks of these it has none of: one that is older
  const { config, home, env, services, data, owners, secrets = [], inKeychain = [], profiles = [] } = manifest;
  const isList = (list: unknown): boolean => Array.isArray(list) && list.every((item) => typeof item === "string");
  const lists = [config, secrets, inKeychain, home, profiles, env, services, data];
  if (!lists.every(isList)) throw refuse("its manifest lacks what is in it");
  const whose = typeof owners === "object" && owners !== null ? owners : {};
  return { ...(manifest as BackupManifest), secrets, inKeychain, profiles, owners: whose };
}

/** Of which service a folder below data/ is. */
export function ownerOf({ owners }: BackupManifest, folder: string): string {
  return (Object.hasOwn(owners, folder) ? owners[folder] : undefined) ?? folder;
}

/** A line as `sha256sum` writes it; a name with a newline or a backslash is escaped, as there. */
export function formatSum(digest: string, path: string): string {
  if (!/[\\\n\r]/.test(path)) return `${digest}  ${path}\n`;
  return `\\${digest}  ${path.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r")}\n`;
}

/** Path → digest. */
export function parseSums(text: string): Map<string, string> {
  const sums = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, escaped, digest = "", name = ""] = /^(\\?)([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    if (digest === "") continue;
    const letters: Readonly<Record<string, string>> = { n: "\n", r: "\r", "\\": "\\" };
    sums.set(escaped === "" ? name : name.replace(/\\(.)/g, (_, letter: string) => letters[letter] ?? letter), digest);
  }
  return sums;
}
