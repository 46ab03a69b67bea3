/** The service folders as the tests see them: parsed files, with the defaults of their `${…}` at hand. */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { BUILT_IN_CAPABILITIES } from "../../routines/host/capabilities.ts";

export const ROOT = resolve(import.meta.dir, "../../services");

export type Mapping = Record<string, unknown>;

export interface CatalogueFile {
  name: string;
  path: string;
  /** The services and capabilities of its name. */
  parts: string[];
  text: string;
  services: Record<string, Mapping>;
  document: Mapping;
}

export interface Folder {
  handle: string;
  definition: CatalogueFile;
  capabilities: CatalogueFile[];
  crosses: CatalogueFile[];
  contract: CatalogueFile | undefined;
  /** All of the above. */
  files: CatalogueFile[];
}

/** Every folder of the built-in catalogue. */
export function readCatalogue(): Folder[] {
  const entries = readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return entries.map((entry) => readFolder(entry.name)).sort((a, b) => (a.handle < b.handle ? -1 : 1));
}

function readFolder(handle: string): Folder {
  const names = readdirSync(join(ROOT, handle)).filter((name) => /^compose\..*\.yml$|_native\.yml$/.test(name));
  const files = names.sort().map((name) => readFile(handle, name));
  const definition = files.find((file) => file.name === `compose.${handle}.yml`);
  if (definition === undefined) throw new Error(`services/${handle} has no compose.${handle}.yml`);
  return {
    handle,
    definition,
    capabilities: files.filter((file) => file !== definition && file.name.startsWith(`compose.${handle}.`)),
    crosses: files.filter((file) => file.name.startsWith("compose.x.")),
    contract: files.find((file) => file.name === `${handle}_native.yml`),
    files,
  };
}

function readFile(handle: string, name: string): CatalogueFile {
  const path = join(ROOT, handle, name);
  const text = readFileSync(path, "utf8");
  const document = parse(text) as Mapping;
  const parts = name.replace(/^compose\.(x\.)?|(_native)?\.yml$/g, "").split(".");
  return { name, path, parts, text, document, services: (document.services ?? {}) as Record<string, Mapping> };
}

/** Whether a part of a file name is a capability. */
export function isCapability(part: string): boolean {
  return BUILT_IN_CAPABILITIES.some((known) => known === part);
}

/** `my-service` as it stands in the names of its variables. */
export function variablePrefix(handle: string): string {
  return `HARBOR_${handle.toUpperCase().replaceAll("-", "_")}_`;
}

/** The text with each `${NAME:-default}` as its default, `$$` as `$`. */
export function withDefaults(text: string): string {
  return text.replace(/\$\$|\$\{([A-Z0-9_]+)(?::-([^{}]*))?\}/g, (all, name, fallback) => (all === "$$" ? "$" : (fallback ?? `<${name}>`)));
}

/** Names of the variables that compose would fill in. */
export function variablesOf(text: string): string[] {
  const names = text.replaceAll("$$", "").matchAll(/\$\{?([A-Z][A-Z0-9_]*)/g);
  return [...new Set([...names].map((match) => match[1] ?? ""))];
}

/** An environment in either spelling. */
export function environmentOf(service: Mapping): Record<string, string> {
  const { environment = {} } = service;
  const pairs = Array.isArray(environment)
    ? environment.map((item) => String(item).split(/=(.*)/s).slice(0, 2))
    : Object.entries(environment as Mapping);
  return Object.fromEntries(pairs.map(([name, value]) => [String(name), withDefaults(String(value ?? ""))]));
}
