/**
 * Images that services once used and no file names any more: another tag of an image that a service's files name, or what lost
 * its tag to a newer one. Only what came from a registry, and is in no container of anybody's, is named: it can be had again.
 */
import { readFileSync } from "node:fs";
import { HarborError } from "../_script/error.ts";
import { parseYamlDocuments } from "../_script/yaml.ts";
import { interpolate } from "../compose/interpolate.ts";
import { IMAGE as PROXY } from "../compose/write-proxy.ts";
import type { Values } from "../config/read-values.ts";
import type { Engine } from "../engine/connect-engine.ts";
import { type Image, listImages, listUsedImages, normalizeReference, repositoryOf, shortReference } from "../engine/list-images.ts";
import { removeImage } from "../engine/remove-image.ts";
import { BUILT_IN_CAPABILITIES } from "../host/capabilities.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { listFiles, type ServiceFile } from "../workspace/list-files.ts";
import type { Leftover } from "./leftover.ts";

export interface FindImagesOptions {
  engine: Engine;
  workspace: Workspace;
  values: Values;
}

/** Throws for a file that cannot be read: what it names would count as unused. */
export async function findImages({ engine, workspace, values }: FindImagesOptions): Promise<Leftover[]> {
  const services = readNames(workspace, values, ({ kind }) => kind !== "module" && kind !== "contract");
  // what stands in for a native service is kept; it is a program of general use, whose other tags may be anybody's
  const proxies = readNames(workspace, values, ({ kind }) => kind === "contract");
  const named = new Set([...services, ...proxies, ...namesOf(PROXY, values)]);
  const repositories = new Set([...services].map(repositoryOf));
  const [images, used] = await Promise.all([listImages({ engine }), listUsedImages({ engine })]);
  const unused = images.filter((it) => !used.has(it.id) && it.digests.length > 0);
  return unused.flatMap((it) => leftoversOf(it, { engine, named, repositories })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

interface Known {
  engine: Engine;
  named: ReadonlySet<string>;
  repositories: ReadonlySet<string>;
}

function leftoversOf({ id, tags, digests, bytes }: Image, { engine, named, repositories }: Known): Leftover[] {
  const isOurs = (name: string): boolean => repositories.has(repositoryOf(name));
  const leftover = (name: string, why: string, removed: string): Leftover => ({
    kind: "images",
    name,
    why,
    bytes,
    remove: () => removeImage({ engine, name: removed }),
  });
  // by its digest it is known under any tag
  if (digests.some((it) => named.has(it))) return [];
  if (tags.length === 0) {
    const digest = digests.find(isOurs);
    if (digest === undefined) return [];
    const name = shortReference(digest);
    return [leftover(name.slice(0, name.indexOf("@") + 20), "its tag means a newer image now", id)];
  }
  const unnamed = tags.filter((tag) => isOurs(tag) && !named.has(tag));
  return unnamed.map(shortReference).map((tag) => leftover(tag, "no service's files name this tag", tag));
}

/** All that files of the workspace name, whatever is selected. */
function readNames(workspace: Workspace, values: Values, isMeant: (file: ServiceFile) => boolean): Set<string> {
  const files = listFiles({ workspace, handles: "*", capabilities: new Set(BUILT_IN_CAPABILITIES) }).filter(isMeant);
  return new Set(files.flatMap(({ path }) => imagesIn(path).flatMap((image) => namesOf(image, values))));
}

/** Of one that has both a tag and a digest, the digest counts. */
function namesOf(image: string, values: Values): string[] {
  const name = normalizeReference(interpolate(image, values.get));
  const at = name.indexOf("@");
  return at === -1 ? [name] : [name, `${repositoryOf(name)}${name.slice(at)}`];
}

function imagesIn(path: string): string[] {
  try {
    const documents = parseYamlDocuments(readFileSync(path, "utf8"), path).map(({ value }) => value as { services?: unknown } | null);
    const services = documents.flatMap((it) => Object.values((it?.services ?? {}) as Record<string, { image?: unknown } | null>));
    return services.flatMap((it) => (typeof it?.image === "string" ? [it.image] : []));
  } catch (cause) {
    if (cause instanceof HarborError) throw cause;
    throw new HarborError(`Cannot read "${path}": ${(cause as Error).message}`, { cause });
  }
}
