/**
 * A plan's model → one that needs no Harbor: values filled in, Harbor's labels out, secrets left as
 * `${NAME}` for whoever runs it to set.
 */
import { isSecretName } from "../_script/secret-name.ts";
import type { Values } from "../config/read-values.ts";
import { type Expression, escapeDollars, findExpression, interpolate, mapStrings } from "./interpolate.ts";
import type { ComposeModel } from "./merge-compose.ts";

export interface EjectModelOptions extends Pick<FillTextOptions, "values" | "resolve" | "isSecret"> {
  model: ComposeModel;
}

export interface EjectedModel {
  model: ComposeModel;
  /** Names of the secrets that were left open. */
  secrets: string[];
}

export interface FillTextOptions {
  values: Values;
  /** Fill secrets in as well. */
  resolve: boolean;
  /** Whether a key of the configuration is a secret; by its name when left out. */
  isSecret?: ((name: string) => boolean) | undefined;
  /** Told the name of each that is left open. */
  onSecret?: (name: string) => void;
}

/** A text with its variables filled in, but for secrets. */
export function fillText(text: string, options: FillTextOptions): string {
  let result = "";
  let from = 0;
  for (let found = findExpression(text, 0); found !== undefined; found = findExpression(text, from)) {
    result += text.slice(from, found.start) + fillExpression(text.slice(found.start, found.end), found, options);
    from = found.end;
  }
  return result + text.slice(from);
}

function fillExpression(whole: string, found: Expression, options: FillTextOptions): string {
  const { values, resolve, onSecret, isSecret = isSecretName } = options;
  if (found.operator === "$") return whole;
  if (!resolve && isSecret(found.name)) {
    onSecret?.(found.name);
    // in braces, for what comes to stand behind it may go on like a name
    return whole.startsWith("${") ? whole : `\${${found.name}}`;
  }
  // a value's own `$` must survive the next interpolation
  const filled = escapeDollars(interpolate(whole, values.get));
  // the word may name secrets itself
  return found.word.includes("$") && takesWord(found, values) ? fillText(found.word, options) : filled;
}

/** Whether the expression comes to its word, as the default of `A:-word` where A is missing. */
function takesWord({ name, operator }: Expression, values: Values): boolean {
  const value = values.get(name);
  const isMissing = value === undefined || (operator.startsWith(":") && value === "");
  return operator.endsWith("+") ? !isMissing : isMissing;
}

/** Pure; the given model stays as it is. */
export function ejectModel({ model, ...options }: EjectModelOptions): EjectedModel {
  const secrets = new Set<string>();
  const fill = (text: string): string => fillText(text, { ...options, onSecret: (name) => secrets.add(name) });
  const filled = mapStrings(model, fill) as ComposeModel;
  for (const service of Object.values((filled.services ?? {}) as Record<string, Record<string, unknown>>)) dropOwnLabels(service);
  return { model: filled, secrets: [...secrets].sort() };
}

function dropOwnLabels(service: Record<string, unknown>): void {
  const isOwn = (name: string): boolean => name.startsWith("harbor.handle") || name.startsWith("harbor.runtime");
  const { labels } = service;
  if (Array.isArray(labels)) service.labels = labels.filter((label) => !isOwn(String(label)));
  else service.labels = Object.fromEntries(Object.entries((labels ?? {}) as object).filter(([name]) => !isOwn(name)));
  if (Object.keys(service.labels as object).length === 0) delete service.labels;
}
