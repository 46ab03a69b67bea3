/**
 * Conditions of alerts: `errors_per_minute > 5 and (cpu_percent > 90 or not up == 1)`. Comparisons, and/or/not, arithmetic,
 * names of metrics, numbers with units; nothing that could do anything. A mistake is told with its position.
 *
 *   or  := and ("or" and)*            and := not ("and" not)*         not := "not" not | comparison
 *   comparison := sum (("<" | "<=" | ">" | ">=" | "==" | "!=") sum)?
 *   sum := product (("+" | "-") product)*    product := factor (("*" | "/") factor)*
 *   factor := "-" factor | number unit? | name | '"' name '"' | "(" or ")"
 *
 * A metric that nobody reports, and what is divided by zero, is unknown; so is what depends on it. `false and unknown` is
 * false, `true or unknown` is true.
 */

type Comparison = "<" | "<=" | ">" | ">=" | "==" | "!=";
type Arithmetic = "+" | "-" | "*" | "/";

export type Expression =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "metric"; readonly name: string }
  | { readonly kind: "negative"; readonly of: Expression }
  | { readonly kind: "arithmetic"; readonly operator: Arithmetic; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "comparison"; readonly operator: Comparison; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "not"; readonly of: Expression }
  | { readonly kind: "and" | "or"; readonly left: Expression; readonly right: Expression };

/** `position`: characters before the mistake. */
export class ExpressionError extends Error {
  readonly position: number;

  constructor(message: string, position: number) {
    super(message);
    this.position = position;
  }
}

export const MAX_LENGTH = 1_000;
const MAX_DEPTH = 50;
/** Times in seconds, sizes in bytes. */
const UNITS: Readonly<Record<string, number>> = {
  ...{ ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400 },
  ...{ B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824, TiB: 1_099_511_627_776 },
};
const COMPARISONS: readonly string[] = ["<", "<=", ">", ">=", "==", "!="];
const WORDS: readonly string[] = ["and", "or", "not"];

/** A condition, which is true or false. Throws an ExpressionError. */
export function parseCondition(text: string): Expression {
  if (text.length > MAX_LENGTH) throw new ExpressionError(`is longer than ${MAX_LENGTH} characters`, MAX_LENGTH);
  return new Parser(text).parse();
}

/** Undefined: unknown. */
export function holds(condition: Expression, read: (metric: string) => number | undefined): boolean | undefined {
  switch (condition.kind) {
    case "not": {
      const value = holds(condition.of, read);
      return value === undefined ? undefined : !value;
    }
    case "and":
    case "or":
      return combine(condition.kind, holds(condition.left, read), () => holds(condition.right, read));
    case "comparison":
      return compare(condition.operator, calculate(condition.left, read), calculate(condition.right, read));
    default:
      return undefined;
  }
}

/** The metrics that it asks for, each once. */
export function metricsIn(expression: Expression): string[] {
  const names = new Set<string>();
  const visit = (each: Expression): void => {
    if (each.kind === "metric") names.add(each.name);
    if ("of" in each) visit(each.of);
    if ("left" in each) {
      visit(each.left);
      visit(each.right);
    }
  };
  visit(expression);
  return [...names];
}

function combine(kind: "and" | "or", left: boolean | undefined, getRight: () => boolean | undefined): boolean | undefined {
  // what settles it whatever the other side is
  const settled = kind === "or";
  if (left === settled) return settled;
  const right = getRight();
  if (right === settled) return settled;
  return left === undefined || right === undefined ? undefined : !settled;
}

function compare(operator: Comparison, left: number | undefined, right: number | undefined): boolean | undefined {
  if (left === undefined || right === undefined) return undefined;
  switch (operator) {
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
    case "==":
      return left === right;
    case "!=":
      return left !== right;
  }
}

function calculate(expression: Expression, read: (metric: string) => number | undefined): number | undefined {
  switch (expression.kind) {
    case "number":
      return expression.value;
    case "metric":
      return known(read(expression.name));
    case "negative": {
      const value = calculate(expression.of, read);
      return value === undefined ? undefined : -value;
    }
    case "arithmetic": {
      const [left, right] = [calculate(expression.left, read), calculate(expression.right, read)];
      return left === undefined || right === undefined ? undefined : known(reckon(expression.operator, left, right));
    }
    default:
      return undefined;
  }
}

function reckon(operator: Arithmetic, left: number, right: number): number {
  switch (operator) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return left / right;
  }
}

function known(value: number | undefined): number | undefined {
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

interface Token {
  readonly kind: "number" | "name" | "word" | "sign" | "end";
  readonly text: string;
  readonly value: number;
  readonly at: number;
}

/** Whether an expression is true or false, or a number. */
function isCondition({ kind }: Expression): boolean {
  return kind === "comparison" || kind === "not" || kind === "and" || kind === "or";
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  parse(): Expression {
    const first = this.#peek();
    const expression = this.#or();
    const rest = this.#peek();
    if (rest.kind !== "end") throw new ExpressionError(this.#surprise(rest), rest.at);
    if (!isCondition(expression)) throw new ExpressionError("is a number: compare it with something, as in cpu_percent > 90", first.at);
    return expression;
  }

  #or(): Expression {
    return this.#deeper(() => this.#joined("or", () => this.#joined("and", () => this.#not())));
  }

  #joined(kind: "and" | "or", parse: () => Expression): Expression {
    const at = this.#peek().at;
    let left = parse();
    while (this.#take("word", kind)) {
      const rightAt = this.#peek().at;
      const right = parse();
      mustBeCondition(left, at, kind);
      mustBeCondition(right, rightAt, kind);
      left = { kind, left, right };
    }
    return left;
  }

  #not(): Expression {
    if (!this.#take("word", "not")) return this.#comparison();
    const { at } = this.#peek();
    const of = this.#deeper(() => this.#not());
    mustBeCondition(of, at, "not");
    return { kind: "not", of };
  }

  #comparison(): Expression {
    const leftAt = this.#peek().at;
    const left = this.#sum();
    const sign = this.#peek();
    if (sign.kind !== "sign" || !COMPARISONS.includes(sign.text)) return left;
    this.#next++;
    const rightAt = this.#peek().at;
    const right = this.#sum();
    mustBeNumber(left, leftAt, sign.text);
    mustBeNumber(right, rightAt, sign.text);
    const more = this.#peek();
    if (more.kind === "sign" && COMPARISONS.includes(more.text)) {
      throw new ExpressionError("compares what is compared already: write a < b and b < c", more.at);
    }
    return { kind: "comparison", operator: sign.text as Comparison, left, right };
  }

  #sum(): Expression {
    return this.#reckoned(["+", "-"], () => this.#reckoned(["*", "/"], () => this.#factor()));
  }

  #reckoned(operators: readonly Arithmetic[], parse: () => Expression): Expression {
    const at = this.#peek().at;
    let left = parse();
    while (true) {
      const operator = operators.find((each) => this.#take("sign", each));
      if (operator === undefined) return left;
      const rightAt = this.#peek().at;
      const right = parse();
      mustBeNumber(left, at, operator);
      mustBeNumber(right, rightAt, operator);
      left = { kind: "arithmetic", operator, left, right };
    }
  }

  #factor(): Expression {
    const token = this.#peek();
    this.#next++;
    if (token.kind === "number") return { kind: "number", value: token.value };
    if (token.kind === "name") return { kind: "metric", name: token.text };
    if (token.kind === "sign" && token.text === "-") {
      const { at } = this.#peek();
      const of = this.#deeper(() => this.#factor());
      mustBeNumber(of, at, "-");
      return { kind: "negative", of };
    }
    if (token.kind === "sign" && token.text === "(") {
      const inner = this.#or();
      const end = this.#peek();
      if (!this.#take("sign", ")")) throw new ExpressionError(`needs a ")" for the "(" at ${token.at + 1}`, end.at);
      return inner;
    }
    throw new ExpressionError(this.#surprise(token, "a metric, a number or ("), token.at);
  }

  #deeper(parse: () => Expression): Expression {
    if (++this.#depth > MAX_DEPTH) throw new ExpressionError(`is nested more than ${MAX_DEPTH} deep`, this.#peek().at);
    const expression = parse();
    this.#depth--;
    return expression;
  }

  #peek(): Token {
    return this.#tokens[Math.min(this.#next, this.#tokens.length - 1)] as Token;
  }

  #take(kind: Token["kind"], text: string): boolean {
    const token = this.#peek();
    if (token.kind !== kind || token.text !== text) return false;
    this.#next++;
    return true;
  }

  #surprise({ kind, text }: Token, wanted = "and, or, or the end"): string {
    return kind === "end" ? `ends where ${wanted} should be` : `has "${text}" where ${wanted} should be`;
  }
}

function mustBeCondition(expression: Expression, at: number, operator: string): void {
  if (!isCondition(expression)) throw new ExpressionError(`"${operator}" needs a comparison here, not a number`, at);
}

function mustBeNumber(expression: Expression, at: number, operator: string): void {
  if (isCondition(expression)) throw new ExpressionError(`"${operator}" needs a number here, not a comparison`, at);
}

const SPACE = /\s+/y;
const NUMBER = /(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)([A-Za-z_%]\w*)?/y;
const NAME = /[A-Za-z_][\w.:]*/y;
const QUOTED = /"([^"]{1,128})"/y;
const SIGN = /<=|>=|==|!=|[-+*/<>()]/y;

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    at += match(SPACE, text, at)?.[0].length ?? 0;
    if (at >= text.length) break;
    const { token, length } = readToken(text, at);
    tokens.push(token);
    at += length;
  }
  return [...tokens, { kind: "end", text: "", value: 0, at: text.length }];
}

function readToken(text: string, at: number): { token: Token; length: number } {
  const number = match(NUMBER, text, at);
  if (number !== null) return { token: { kind: "number", text: number[0], value: readNumber(number, at), at }, length: number[0].length };
  const name = match(NAME, text, at)?.[0];
  if (name !== undefined) {
    const kind = WORDS.includes(name) ? "word" : "name";
    return { token: { kind, text: name, value: 0, at }, length: name.length };
  }
  const quoted = match(QUOTED, text, at);
  if (quoted !== null) return { token: { kind: "name", text: quoted[1] ?? "", value: 0, at }, length: quoted[0].length };
  const sign = match(SIGN, text, at)?.[0];
  if (sign !== undefined) return { token: { kind: "sign", text: sign, value: 0, at }, length: sign.length };
  throw new ExpressionError(strange(text, at), at);
}

/** What people write who know other languages. */
function strange(text: string, at: number): string {
  const two = text.slice(at, at + 2);
  if (two === "&&") return 'has "&&": write and';
  if (two === "||") return 'has "||": write or';
  const one = String.fromCodePoint(text.codePointAt(at) ?? 0);
  if (one === "!") return 'has "!": write not';
  if (one === "=") return 'has "=": write ==';
  if (one === '"') return 'has a " without another';
  return `has "${one}", which means nothing here`;
}

function readNumber([, digits = "", unit]: RegExpExecArray, at: number): number {
  const factor = unit === undefined ? 1 : Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
  if (factor !== undefined) {
    const value = Number(digits) * factor;
    if (Number.isFinite(value)) return value;
    throw new ExpressionError("is too large a number", at);
  }
  const hint =
    unit?.startsWith("%") === true ? "write 90 for a metric in percent, 0.9 for a share" : `units are ${Object.keys(UNITS).join(", ")}`;
  throw new ExpressionError(`has the unknown unit "${unit}": ${hint}`, at + digits.length);
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
