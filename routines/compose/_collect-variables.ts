/** The `${…}` that occur in a document, with their defaults: what a configuration consists of. */

import { isMap } from "./_merge-tree.ts";
import { findExpression } from "./interpolate.ts";

export interface Variable {
  /** The first default written. */
  default?: string;
  files: string[];
  /** True where a file ends in an error without it. */
  required: boolean;
}

/** Adds every variable of a tree; the first default written stays. */
export function collectVariables(node: unknown, file: string, variables: Map<string, Variable>): void {
  if (typeof node === "string") {
    if (node.includes("$")) collectFromText(node, file, variables);
  } else if (Array.isArray(node)) {
    for (const item of node) collectVariables(item, file, variables);
  } else if (isMap(node)) {
    for (const key of Object.keys(node)) collectVariables(node[key], file, variables);
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
