/**
 * The models in a folder of Ollama's, without Ollama (its packages `manifest` and `types/model`):
 *
 *   manifests/<host>/<namespace>/<model>/<tag>      a list of blobs: config, layers
 *   manifests-v2/<host>/…                           of newer versions; may be a list of such lists, each a blob of its own
 *   blobs/sha256-<hex>                              the contents, which models may share
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readGgufHeader } from "./_gguf-header.ts";
import { readSmallJson, readSmallText } from "./_read-head.ts";
import { type ModelDetails, type StoredFile, type StoredModel, storedFile, totalOf } from "./_stored-model.ts";

const ROOTS = ["manifests", "manifests-v2"];
/** The registry's own names, which Ollama leaves out of a model's. */
const PUBLIC_HOSTS = ["registry.ollama.ai", "ollama.com"];
const MODEL_LAYER = "application/vnd.ollama.image.model";

interface Layer {
  digest: string;
  mediaType: string;
}

/** By name; empty where there is no such folder. Throws as the file system does where it cannot be read. */
export function scanOllama(folder: string): StoredModel[] {
  const manifests = new Map<string, string[]>();
  for (const root of ROOTS) {
    for (const path of listBelow(join(folder, root))) {
      const name = nameOf(path.split("/"));
      if (name !== undefined) manifests.set(name, [...(manifests.get(name) ?? []), join(folder, root, path)]);
    }
  }
  return [...manifests].map(([name, paths]) => readModel(name, paths, join(folder, "blobs")));
}

function listBelow(root: string): string[] {
  try {
    return readdirSync(root, { recursive: true, encoding: "utf8" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** As `ollama list` shows it; undefined for a path that is none of a manifest. */
function nameOf([host, namespace, model, tag, ...more]: readonly string[]): string | undefined {
  if (host === undefined || namespace === undefined || model === undefined || tag === undefined || more.length > 0) return undefined;
  const isPublic = PUBLIC_HOSTS.includes(host.toLowerCase());
  const prefix = [...(isPublic ? [] : [host]), ...(isPublic && namespace === "library" ? [] : [namespace])];
  return `${[...prefix, model].join("/")}:${tag}`;
}

function readModel(name: string, manifests: string[], blobs: string): StoredModel {
  const layers = manifests.flatMap((path) => readLayers(path, blobs));
  const files = new Map<string, StoredFile>();
  let isComplete = layers.length > 0;
  for (const { digest } of layers) {
    const file = storedFile(blobPath(blobs, digest));
    if (file === undefined) isComplete = false;
    else files.set(file.key, file);
  }
  const model = layers.find(({ mediaType }) => mediaType === MODEL_LAYER);
  const path = model === undefined ? manifests[0] : blobPath(blobs, model.digest);
  const all = [...files.values()];
  return { name, path, files: all, bytes: totalOf(all), leads: manifests, isComplete, details: readDetails(layers, blobs, path) };
}

/** All that a manifest names, down to the manifests that it lists; and itself, where it is a blob as well. */
function readLayers(path: string, blobs: string): Layer[] {
  const text = readSmallText(path) ?? "";
  const own: Layer = { digest: `sha256:${new Bun.CryptoHasher("sha256").update(text).digest("hex")}`, mediaType: "" };
  const isBlob = storedFile(blobPath(blobs, own.digest)) !== undefined;
  const document = parse(text);
  const children = asLayers(document.manifests);
  const nested = children.flatMap(({ digest }) => named(readSmallJson(blobPath(blobs, digest)) ?? {}));
  return [...named(document), ...children, ...nested, ...(isBlob ? [own] : [])];
}

function parse(text: string): Record<string, unknown> {
  try {
    return (JSON.parse(text) ?? {}) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function named({ config, layers }: Record<string, unknown>): Layer[] {
  return asLayers([...(Array.isArray(layers) ? layers : []), { ...(config as object | undefined), mediaType: "config" }]);
}

function asLayers(list: unknown): Layer[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown) => {
    const { digest, mediaType } = (entry ?? {}) as { digest?: unknown; mediaType?: unknown };
    const isDigest = typeof digest === "string" && /^sha256[:-][0-9a-f]{64}$/i.test(digest);
    return isDigest ? [{ digest: digest.toLowerCase(), mediaType: String(mediaType ?? "") }] : [];
  });
}

function blobPath(blobs: string, digest: string): string {
  return join(blobs, digest.replace(":", "-"));
}

function readDetails(layers: readonly Layer[], blobs: string, path: string | undefined): ModelDetails {
  const config = layers.find(({ mediaType }) => mediaType === "config");
  const said = config === undefined ? {} : (readSmallJson(blobPath(blobs, config.digest)) ?? {});
  const header = path === undefined ? undefined : readGgufHeader(path);
  return {
    format: asText(said.model_format) ?? header?.format,
    quantisation: asText(said.file_type) ?? header?.quantisation,
    architecture: asText(said.model_family) ?? header?.architecture,
    parameters: asText(said.model_type) ?? header?.parameters,
    contextLength: header?.contextLength,
  };
}

function asText(value: unknown): string | undefined {
  return typeof value === "string" && /^[\w. +-]{1,60}$/.test(value) && value !== "unknown" ? value : undefined;
}
