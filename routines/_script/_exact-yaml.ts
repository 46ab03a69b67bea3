/**
 * The exact reader: npm `yaml` for the syntax, with the meaning of scalars, keys, aliases and merge keys as the Go
 * reader in compose has it. Loaded only for text that the fast reader leaves alone, and to word errors.
 */
import type { Alias, Document, Node, Pair, ParsedNode, Scalar, YAMLMap, YAMLSeq } from "yaml";
import {
  type AnyNode,
  checkNodes,
  isAliasNode,
  isMapNode,
  isScalarNode,
  isSeqNode,
  placeOf,
  readDocuments,
  yamlError,
} from "./_yaml-nodes.ts";
import { RawScalar, resolvePlainScalar } from "./_yaml-scalar.ts";
import type { HarborError } from "./error.ts";

/** Where a tag of interest stood; the path's list positions are numbers written as text. */
export interface TagMark {
  tag: string;
  path: string[];
}

export interface ExactDocument {
  value: unknown;
  marks: TagMark[];
}

export interface ExactOptions {
  /** Nodes with one of these tags are left out of the value. */
  omit?: readonly string[];
  /** Nodes with one of these tags are kept, and noted. */
  mark?: readonly string[];
}

/** More nodes than this come only from aliases of aliases. */
const MAX_NODES = 1_000_000;

/** Every document of a text; throws at the first error, with its place. */
export function parseExactYaml(text: string, file: string, options: ExactOptions = {}): ExactDocument[] {
  return guardDepth(file, () => {
    const documents = readDocuments(text);
    const failed = documents.find((document) => document.errors.length > 0);
    const error = failed?.errors[0];
    if (error !== undefined) throw yamlError(sentence(error.message), placeOf(text, file, error.pos[0]));
    return documents.map((document) => new Converter(text, file, options, document).convert());
  });
}

class Converter {
  private readonly marks: TagMark[] = [];
  private targets: Map<Node, Node> = new Map();
  private readonly active = new Set<Node>();
  /** Omitted nodes: an alias to their parent finds them gone, as in compose. */
  private readonly gone = new Set<Node>();
  private nodes = 0;
  /** Inside a marked node: compose looks for no more tags there. */
  private isOpaque = false;

  constructor(
    private readonly text: string,
    private readonly file: string,
    private readonly options: ExactOptions,
    private readonly document: Document.Parsed<ParsedNode>,
  ) {}

  convert(): ExactDocument {
    this.targets = checkNodes(this.document.contents, this.text, (message, node) => this.fail(message, node));
    const value = this.toValue(this.document.contents, []);
    return { value, marks: this.marks };
  }

  private toValue(node: AnyNode, path: string[]): unknown {
    if (node === null || node === undefined) return null;
    if (++this.nodes > MAX_NODES) throw this.fail("aliases multiply it beyond a million values", node);
    if (isAliasNode(node)) return this.aliasValue(node, path);
    const { tag } = node as Scalar;
    if (tag !== undefined && !this.isOpaque && this.options.mark?.includes(tag)) {
      this.marks.push({ tag, path });
      this.isOpaque = true;
      const value = this.plainValue(node, path);
      this.isOpaque = false;
      return value;
    }
    return this.plainValue(node, path);
  }

  private plainValue(node: Node, path: string[]): unknown {
    if (isMapNode(node)) return this.nested(node, () => this.mapValue(node, path));
    if (isSeqNode(node)) return this.nested(node, () => this.listValue(node, path));
    return this.scalarValue(node as Scalar);
  }

  private aliasValue(node: Alias, path: string[]): unknown {
    return this.toValue(this.targets.get(node), path);
  }

  private nested(node: Node, convert: () => unknown): unknown {
    if (this.active.has(node)) throw this.fail("an anchor contains itself", node);
    this.active.add(node);
    const value = convert();
    this.active.delete(node);
    return value;
  }

  private listValue(node: YAMLSeq, path: string[]): unknown[] {
    const list: unknown[] = [];
    node.items.forEach((item, index) => {
      const next = [...path, String(index)];
      if (!this.isOmitted(item as AnyNode, next)) list.push(this.toValue(item as AnyNode, next));
    });
    return list;
  }

  private mapValue(node: YAMLMap, path: string[]): Record<string, unknown> {
    this.refuseDuplicates(node);
    const map: Record<string, unknown> = {};
    const merges: Pair[] = [];
    for (const pair of node.items) {
      if (isMergeKey(pair.key)) {
        merges.push(pair as Pair);
        continue;
      }
      const key = this.keyText(pair.key as AnyNode, node);
      const next = [...path, key];
      if (!this.isOmitted(pair.value as AnyNode, next)) map[key] = this.toValue(pair.value as AnyNode, next);
    }
    for (const pair of merges) this.mergeInto(map, pair.value as AnyNode, path);
    return map;
  }

  /** Keys already there win, and earlier maps of a list over later ones. */
  private mergeInto(map: Record<string, unknown>, node: AnyNode, path: string[]): void {
    const source = this.dereference(node);
    const parts = isSeqNode(source) ? source.items.map((item) => item as AnyNode) : [node];
    for (const part of parts) {
      const target = this.dereference(part);
      if (!isMapNode(target)) throw this.fail("<< takes a map or a list of maps", (part ?? this.document.contents) as Node);
      const merged = this.toValue(target, path) as Record<string, unknown>;
      for (const key of Object.keys(merged)) if (!Object.hasOwn(map, key)) map[key] = merged[key];
    }
  }

  private dereference(node: AnyNode): AnyNode {
    return node !== null && node !== undefined && isAliasNode(node) ? this.targets.get(node) : node;
  }

  private isOmitted(node: AnyNode, path: string[]): boolean {
    const target = this.dereference(node) as Scalar | null | undefined;
    if (node === null || node === undefined || target?.tag === undefined) return false;
    if (this.isOpaque || !this.options.omit?.includes(target.tag)) return false;
    if (!this.gone.has(node)) this.marks.push({ tag: target.tag, path });
    this.gone.add(node);
    return true;
  }

  private refuseDuplicates(map: YAMLMap): void {
    const seen = new Map<string, Node>();
    for (const pair of map.items) {
      const key = pair.key as Scalar | null;
      if (key === null || typeof key.value !== "string") continue;
      const before = seen.get(key.value);
      if (before !== undefined) {
        const { line } = placeOf(this.text, this.file, before.range?.[0] ?? 0);
        throw this.fail(`the key "${key.value}" is already given in line ${line}`, key);
      }
      seen.set(key.value, key);
    }
  }

  private keyText(node: AnyNode, map: Node): string {
    const key = this.dereference(node) as Scalar | null | undefined;
    const value = key !== null && key !== undefined && isScalarNode(key) ? this.scalarValue(key) : undefined;
    if (typeof value !== "string") {
      const shown = value instanceof RawScalar ? value.text : String(value ?? "null");
      throw this.fail(`the key ${shown} is not text; put it in quotes`, node ?? map);
    }
    if (value === "__proto__") throw this.fail('the key "__proto__" is not allowed', node ?? map);
    return value;
  }

  private scalarValue(node: Scalar): unknown {
    const source = typeof node.value === "string" ? node.value : "";
    const short = node.tag?.startsWith("tag:yaml.org,2002:") ? node.tag.slice("tag:yaml.org,2002:".length) : undefined;
    if (short === "binary") return Buffer.from(source, "base64").toString();
    if (short !== undefined && short !== "str") return new RawScalar(`!!${short} ${JSON.stringify(source)}`, "tagged");
    if (node.tag !== undefined) return source;
    if (node.type === "PLAIN") return resolvePlainScalar(source);
    return node.type?.startsWith("BLOCK") ? this.blockText(node, source) : source;
  }

  /** A block at the end of a file without a final newline has none in Go; JavaScript readers add it. */
  private blockText(node: Scalar, value: string): string {
    const start = node.range?.[0] ?? 0;
    const header = this.text.slice(start, start + 3);
    if (value.trim() === "" && /^[|>][-+]?\d/.test(header)) throw this.fail("write a text of blanks in quotes", node);
    const isCut = (node.range?.[1] ?? 0) >= this.text.length && !this.text.endsWith("\n");
    return isCut && value.endsWith("\n") && !/\n *$/.test(this.text) ? value.slice(0, -1) : value;
  }

  private fail(message: string, node: Node): HarborError {
    return yamlError(message, placeOf(this.text, this.file, node.range?.[0] ?? 0));
  }
}

function isMergeKey(key: unknown): boolean {
  const node = key as Scalar | null;
  return node?.value === "<<" && node.type === "PLAIN" && node.tag === undefined;
}

function guardDepth<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) throw yamlError("it is nested too deep", { file });
    throw error;
  }
}

function sentence(message: string): string {
  const first = message.split("\n")[0] ?? "";
  return first.replace(/ at line \d+, column \d+:?$/, "");
}
