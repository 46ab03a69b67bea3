/** The `${…}` that occur in a document, with their defaults: what a configuration consists of. */

import { HarborError } from "../_script/error.ts";
import { isMap, placeIn } from "./_merge-tree.ts";
import { findExpression } from "./interpolate.ts";

export interface Variable {
  /** The first default written. */
  default?: string;
  files: string[];
  /** True where a file ends in an error without it. */
  required: boolean;
}

/** Adds every variable of a tree; the first default written stays. What is no expression is told with its place. */
export function collectVariables(node: unknown, file: string, variables: Map<string, Variable>, path: (string | number)[] = []): void {
  if (typeof node === "string") {
    if (node.includes("$")) collectOrPlace(node, file, variables, path);
  } else if (Array.isArray(node)) {
    for (const [index, item] of node.entries()) collectVariables(item, file, variables, [...path, index]);
  } else if (isMap(node)) {
    for (const key of Object.keys(node)) collectVariables(node[key], file, variables, [...path, key]);
  }
}

function collectOrPlace(text: string, file: string, variables: Map<string, Variable>, path: readonly (string | number)[]): void {
  try {
    collectFromText(text, file, variables);
  } catch (error) {
    if (!(error instanceof HarborError)) throw error;
    const { message, exit, hint } = error;
    throw new HarborError(message, { exit, cause: error, at: { file, ...placeIn(file, path) }, ...(hint === undefined ? {} : { hint }) });
  }
}

function collectFromText(text: string, file: string, variables: Map<string, Variable>): void {
  let from = 0;
  for (let found = findExpression(text, 0); found !== undefined; found = findExpression(text, from)) {
    from = found.end;
    if (found.operator === "$") continue;
    let variable = variables.get(found.name);
    if (variable === undefined) {
      variable = { files: [], required: false };
      variables.set(found.name, variable);
    }
    if (!variable.files.includes(file)) variable.files.push(file);
    if (found.operator.endsWith("?")) variable.required = true;
    if (found.operator.endsWith("-") && variable.default === undefined) variable.default = found.word;
    if (found.word.includes("$")) collectFromText(found.word, file, variables);
  }
}
