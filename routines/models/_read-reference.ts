/** What a person means by a model's name: one of Ollama's, a repository of the hub or a file of it, or a file anywhere. */
import { HarborError } from "../_script/error.ts";
import { isInnerPath, isRepoName } from "./_names.ts";

export type Reference =
  /** `llama3.2`, `llama3.2:1b`, `hf.co/org/name:Q4_K_M`, `registry.example/team/name:tag`. */
  | { kind: "ollama"; name: string }
  /** `org/name`, `org/name:Q4_K_M`, a page of the hub. */
  | { kind: "hub"; repo: string; revision?: string; tag?: string; path?: string }
  | { kind: "url"; url: URL; file: string };

/** Hosts of the hub itself, in the spellings that programs take. */
const HUB_HOSTS = ["huggingface.co", "hf.co", "www.huggingface.co"];
export const FILE_ENDINGS = /\.(gguf|safetensors)$/i;

/** `endpoint` is where the hub is; its pages count as the hub's own. Throws `usage` for what is none of them. */
export function readReference(text: string, endpoint: string): Reference {
  if (/^https?:\/\//i.test(text)) return readUrl(text, endpoint);
  if (/[\s\\\p{Cc}]/u.test(text) || text.startsWith("-") || text.includes("..")) throw unreadable(text);
  const [, name = text, tag] = /^(.+):([^:/]+)$/.exec(text) ?? [];
  const parts = name.split("/");
  if (parts.length === 1 || parts.length === 3) {
    if (/^[\w.-]+(?::\d+)?(?:\/[\w.-]+){0,2}$/.test(name)) return { kind: "ollama", name: text };
  } else if (parts.length === 2 && isRepoName(name)) {
    return { kind: "hub", repo: name, ...(tag === undefined ? {} : { tag }) };
  }
  throw unreadable(text);
}

/** The same model where a store of the hub is meant all the same: `hf.co/org/name` is Ollama's spelling of it. */
export function asHubReference(reference: Reference): Reference {
  if (reference.kind !== "ollama") return reference;
  const [, repo, tag] = /^(?:hf\.co|huggingface\.co)\/([\w.-]+\/[\w.-]+)(?::([\w.-]+))?$/.exec(reference.name) ?? [];
  if (repo === undefined) return reference;
  return { kind: "hub", repo, ...(tag === undefined || tag === "latest" ? {} : { tag }) };
}

/** As Ollama names it, where Ollama is meant: a name of two parts is one of its own registry's. */
export function asOllamaName(text: string, reference: Reference): string {
  if (reference.kind !== "hub" || !/^https?:/.test(text)) return text;
  return `hf.co/${reference.repo}${reference.tag === undefined ? "" : `:${reference.tag}`}`;
}

function readUrl(text: string, endpoint: string): Reference {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "") throw unreadable(text);
  const [, library] = url.hostname === "ollama.com" ? (/^\/(?:library\/)?([\w.:/-]+)$/.exec(url.pathname) ?? []) : [];
  if (library !== undefined) return { kind: "ollama", name: library };
  const base = URL.parse(endpoint);
  const isHub = HUB_HOSTS.includes(url.hostname) || (base !== null && url.host === base.host);
  const found = isHub ? readPage(decodeURIComponent(url.pathname).replace(/^\/|\/$/g, "")) : undefined;
  if (found !== undefined) return found;
  const file = decodeURIComponent(url.pathname.slice(url.pathname.lastIndexOf("/") + 1));
  if (!FILE_ENDINGS.test(file) || !isInnerPath(file)) {
    throw new HarborError(`Cannot fetch "${text}": it leads neither to a .gguf or .safetensors file nor to a model of the hub`, {
      exit: "usage",
      hint: "A file's address ends in its name; a model's is https://huggingface.co/org/name",
    });
  }
  return { kind: "url", url, file };
}

/** `org/name`, `org/name/tree/main`, `org/name/resolve/main/file.gguf`, `…/blob/…`. */
function readPage(path: string): Reference | undefined {
  const [org, name, word, revision, ...rest] = path.split("/");
  const repo = `${org}/${name}`;
  if (org === undefined || name === undefined || !isRepoName(repo)) return undefined;
  if (word === undefined) return { kind: "hub", repo };
  const isFile = (word === "resolve" || word === "blob") && rest.length > 0;
  if ((word !== "tree" && !isFile) || revision === undefined) return undefined;
  const at = revision === "main" ? {} : { revision };
  return isFile ? { kind: "hub", repo, ...at, path: rest.join("/") } : { kind: "hub", repo, ...at };
}

function unreadable(text: string): HarborError {
  return new HarborError(`Cannot fetch model "${text}": that can be the name of no model`, {
    exit: "usage",
    hint: "Write it like llama3.2:1b (Ollama's), org/name or org/name:Q4_K_M (the hub's), or the URL of a .gguf or .safetensors file",
  });
}
