/**
 * What npm `yaml` gives, made ready for the exact reader: its nodes told apart, aliases joined to their anchors, and
 * the few spellings refused that the two readers, JavaScript's and Go's, understand differently.
 */
import type { Alias, Document, Node, ParsedNode, Scalar, YAMLMap, YAMLSeq } from "yaml";
import { HarborError, type Place } from "./error.ts";

export type AnyNode = Node | null | undefined;

/** The documents of a text as nodes with their places. */
export function readDocuments(text: string): Document.Parsed<ParsedNode>[] {
  const { parseAllDocuments } = require("yaml") as typeof import("yaml");
  return parseAllDocuments(text, {
    schema: "failsafe",
    uniqueKeys: false,
    logLevel: "silent",
    prettyErrors: false,
  }) as Document.Parsed<ParsedNode>[];
}

/** Line and column, from 1, of an offset. */
export function placeOf(text: string, file: string, offset: number): Place & { line: number; column: number } {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return { file, line, column: offset - before.lastIndexOf("\n") };
}

/** A complaint about a node, at its place. */
export type Fail = (message: string, node: Node) => HarborError;

/** Each alias with the node it stands for: the nearest anchor of its name before it. Refuses what Go would read differently. */
export function checkNodes(root: AnyNode, text: string, fail: Fail): Map<Node, Node> {
  const check: Check = { text, fail, anchors: new Map(), targets: new Map() };
  visitNode(root, false, check);
  return check.targets;
}

interface Check {
  text: string;
  fail: Fail;
  anchors: Map<string, Node>;
  targets: Map<Node, Node>;
}

function visitNode(node: AnyNode, inFlow: boolean, check: Check): void {
  if (node === null || node === undefined) return;
  if (isAliasNode(node)) {
    joinAlias(node, check);
    return;
  }
  const { anchor } = node as Scalar;
  if (anchor !== undefined) check.anchors.set(anchor, node);
  if (isScalarNode(node)) refuseScalar(node, check.text, inFlow, check.fail);
  if (isSeqNode(node)) for (const item of node.items) visitNode(item as AnyNode, node.flow === true, check);
  if (isMapNode(node)) visitPairs(node, check);
}

function visitPairs(map: YAMLMap, check: Check): void {
  const inFlow = map.flow === true;
  for (const pair of map.items) {
    if (inFlow) refuseTightColon(pair.key as AnyNode, check.text, check.fail);
    visitNode(pair.key as AnyNode, inFlow, check);
    visitNode(pair.value as AnyNode, inFlow, check);
  }
}

function joinAlias(node: Alias, { anchors, targets, fail }: Check): void {
  const target = anchors.get(node.source);
  if (target === undefined) throw fail(`alias *${node.source} has no anchor before it`, node);
  targets.set(node, target);
}

/** `{a:}` and `[a:]` are the text "a:" to Go. */
function refuseTightColon(key: AnyNode, text: string, fail: Fail): void {
  if (key === null || key === undefined || (key as Scalar).type !== "PLAIN") return;
  const end = key.range?.[1] ?? 0;
  if (text[end] === ":" && /[,[\]{}]/.test(text[end + 1] ?? ""))
    throw fail(`put a space after the colon of "${String((key as Scalar).value)}"`, key);
}

/** Between brackets Go takes a question mark for the sign of a key, and looks for a space after a tag. */
function refuseInFlow(node: Scalar, written: string, around: string, fail: Fail): void {
  if (node.type === "PLAIN" && (written.includes("?") || written.startsWith(":"))) {
    throw fail(`put ${JSON.stringify(written)} in quotes: it stands between brackets`, node);
  }
  if (node.tag?.startsWith("!") && !/\s/.test(around)) throw fail(`put a space after the tag ${node.tag}`, node);
}

const ESCAPE = /\\(?:u[dD][89a-fA-F][0-9a-fA-F]{2}|[\s\S])/g;

/** A slash needs no escape and halves of surrogate pairs are no characters: Go takes neither. */
function refuseScalar(node: Scalar, text: string, inFlow: boolean, fail: Fail): void {
  const [start = 0, end = 0] = node.range ?? [];
  if (inFlow) refuseInFlow(node, text.slice(start, end), text.slice(start - 1, start + 1), fail);
  if (node.type !== "QUOTE_DOUBLE") return;
  const quoted = text.slice(start, end);
  if (!quoted.includes("\\")) return;
  for (const [found] of quoted.matchAll(ESCAPE)) {
    if (found === "\\/" || found.length > 2) throw fail(`the escape ${found} is not allowed`, node);
  }
}

export function isAliasNode(node: Node): node is Alias {
  return "source" in node && !("value" in node) && !("items" in node);
}

export function isMapNode(node: AnyNode): node is YAMLMap {
  return node?.constructor.name === "YAMLMap";
}

export function isSeqNode(node: AnyNode): node is YAMLSeq {
  return node?.constructor.name === "YAMLSeq";
}

export function isScalarNode(node: Node): node is Scalar {
  return "value" in node;
}

export function yamlError(message: string, at: Place): HarborError {
  return new HarborError(`Cannot read YAML: ${message}`, { at });
}
