/**
 * What a project asks of Python, as one string → the string that lets in one Python more. Order, spaces and
 * whatever lets it in already stay as they are.
 */
import { type Clause, isBelow, letsIn, parseClause, type Syntax, type Target, widenClause } from "./_python-clause.ts";

/** Says why a text is not understood; the caller knows where it stands. */
export type Refuse = (cause: string) => never;

/** A list of clauses, all of which must hold (PEP 440, "Version specifiers"): ">=3.12, <3.13". */
export function widenSpecifier(text: string, target: Target, refuse: Refuse): string {
  const clauses = [...text.matchAll(/[^\s,](?:[^,]*[^\s,])?/g)].map((match) =>
    placeClause(match[0], match.index, { syntax: "pep440", refuse }),
  );
  return widenClauses(text, clauses, target) ?? ANY_PYTHON;
}

/** An empty specifier would be legal, but Poetry does not read it. */
const ANY_PYTHON = ">=3";

/** Poetry's: alternatives between "||", each a list between commas or spaces. */
export function widenConstraint(text: string, target: Target, refuse: Refuse): string {
  const alternatives = splitAlternatives(text).map((it) => ({ ...it, clauses: readPoetryClauses(it.text, refuse) }));
  if (alternatives.some(({ clauses }) => clauses.every((clause) => letsIn(clause, target)))) return text;
  const [only] = alternatives;
  if (alternatives.length === 1 && only !== undefined) return widenClauses(text, only.clauses, target) ?? "*";
  return addAlternative(text, alternatives, target);
}

interface PlacedClause extends Clause {
  start: number;
  end: number;
}

function placeClause(text: string, start: number, { syntax, refuse }: { syntax: Syntax; refuse: Refuse }): PlacedClause {
  const clause = parseClause(text, syntax);
  if (clause !== undefined) return { ...clause, start, end: start + text.length };
  return refuse(`${JSON.stringify(text)} is no ${syntax === "pep440" ? "version specifier (PEP 440)" : "version constraint of Poetry"}`);
}

/** Undefined where no clause is left. */
function widenClauses(text: string, clauses: readonly PlacedClause[], target: Target): string | undefined {
  if (clauses.length === 0) return text;
  const comma = /,\s*/.exec(text)?.[0] ?? ",";
  const kept = clauses.flatMap((clause, index) => {
    const next = widenClause(clause, target, comma);
    return next === undefined ? [] : [{ next, before: text.slice(clauses[index - 1]?.end ?? 0, clause.start) }];
  });
  if (kept.length === 0) return undefined;
  const body = kept.map(({ next, before }, index) => (index === 0 ? next : `${before}${next}`)).join("");
  return `${text.slice(0, clauses[0]?.start)}${body}${text.slice(clauses.at(-1)?.end)}`;
}

interface Alternative {
  text: string;
  start: number;
  clauses: readonly PlacedClause[];
}

function splitAlternatives(text: string): { text: string; start: number }[] {
  let start = 0;
  return text.split(/(\s*\|\|?\s*)/).flatMap((part, index) => {
    const place = { text: part, start };
    start += part.length;
    return index % 2 === 0 ? [place] : [];
  });
}

function readPoetryClauses(text: string, refuse: Refuse): PlacedClause[] {
  const found = [...text.matchAll(/(?:[~^<>=!]+\s*)?[^\s,~^<>=!]+/g)];
  const isWhole = text.replace(/(?:[~^<>=!]+\s*)?[^\s,~^<>=!]+/g, "").replace(/[\s,]/g, "") === "";
  if (found.length === 0 || !isWhole) refuse(`${JSON.stringify(text)} is no version constraint of Poetry`);
  return found.map((match) => placeClause(match[0], match.index, { syntax: "poetry", refuse }));
}

/** One more beside them, in their order, says least: to widen one of them may let in what stands between. */
function addAlternative(text: string, alternatives: readonly Alternative[], target: Target): string {
  const separator = /\s*\|\|?\s*/.exec(text)?.[0] ?? " || ";
  const minor = `${target.major}.${target.minor}`;
  const added = alternatives.every(({ text: it }) => /\.\*\s*$/.test(it)) ? `${minor}.*` : `~${minor}`;
  const next = alternatives.find(({ clauses }) => clauses.some((clause) => isBelow(clause.low, target.version)));
  if (next === undefined) return `${text.trimEnd()}${separator}${added}${text.slice(text.trimEnd().length)}`;
  const at = next.start + (next.clauses[0]?.start ?? 0);
  return `${text.slice(0, at)}${added}${separator}${text.slice(at)}`;
}
