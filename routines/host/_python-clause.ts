/**
 * One clause of what a project asks of Python (">=3.12", "~=3.12.1", "^3.12") → the versions that it lets in,
 * and the clause that lets in one more. The operators of PEP 440, and those that Poetry adds to them.
 */
import { compare, explain } from "@renovatebot/pep440";

/** The Python that is to be let in. */
export interface Target {
  major: number;
  minor: number;
  /** Left out where only the minor was named. */
  micro: number | undefined;
  /** The release that stands for it. */
  version: string;
}

/** PEP 440 alone, or what Poetry reads: "^3.12", "~3.12", "3.12.*", a bare "3.12", "*". */
export type Syntax = "pep440" | "poetry";

interface Bound {
  version: string;
  isIncluded: boolean;
}

export interface Clause {
  text: string;
  /** Empty for Poetry's bare version. */
  operator: string;
  /** Between operator and version. */
  gap: string;
  low: Bound | undefined;
  high: Bound | undefined;
}

/** No minor of Python had more than 25 releases. */
const NEWEST_MICRO = 50;

const TARGET = /^(3)\.(\d{1,3})(?:\.(\d{1,3})(?:(?:a|b|rc)\d+)?)?\+?$/;

/**
 * A minor by itself means its newest release, which is what one gets who asks for "3.11". A pre-release ("3.14.0rc1")
 * counts as its release: pip and uv compare a bound with that.
 */
export function parseTarget(python: string): Target | undefined {
  const found = TARGET.exec(python);
  if (found === null) return undefined;
  const [major, minor] = [Number(found[1]), Number(found[2])];
  const micro = found[3] === undefined ? undefined : Number(found[3]);
  return { major, minor, micro, version: `${major}.${minor}.${micro ?? NEWEST_MICRO}` };
}

const CLAUSE = /^(===|~=|==|!=|<=|>=|<|>|\^|~|=)?(\s*)([^\s^~=!<>,|*]+?)((?:\.\*)*)$/;
const POETRY_ONLY = new Set(["^", "~", "=", ""]);
const WITH_WILDCARD = new Set(["==", "!=", "=", "", ">=", "<"]);

/** Undefined where it is none. ">=3.8.*" is none in PEP 440 either, but uv and Poetry read it as it was meant. */
export function parseClause(text: string, syntax: Syntax): Clause | undefined {
  if (syntax === "poetry" && /^v?[xX*](\.[xX*])*$/.test(text)) return { text, operator: "", gap: "", low: undefined, high: undefined };
  const found = CLAUSE.exec(text);
  if (found === null) return undefined;
  const [, operator = "", gap = "", version = "", wildcard = ""] = found;
  if (syntax === "pep440" && POETRY_ONLY.has(operator)) return undefined;
  const parsed = explain(version);
  if (parsed === null || parsed.epoch !== 0 || parsed.local !== null) return undefined;
  const isPrefix = wildcard !== "";
  if (isPrefix && (!WITH_WILDCARD.has(operator) || parsed.base_version !== parsed.public)) return undefined;
  if (operator === "~=" && parsed.release.length < 2) return undefined;
  return { text, operator, gap, ...rangeOf(operator, version, isPrefix) };
}

/** What is between the bounds is let in; by "!=" it is what is kept out. */
function rangeOf(operator: string, version: string, isPrefix: boolean): Pick<Clause, "low" | "high"> {
  const own = (isIncluded: boolean): Bound => ({ version, isIncluded });
  if (operator === ">=" || operator === ">") return { low: own(operator === ">="), high: undefined };
  if (operator === "<=" || operator === "<") return { low: undefined, high: own(operator === "<=") };
  const end = endOf(operator, version, isPrefix);
  return { low: own(true), high: end === undefined ? own(true) : { version: end, isIncluded: false } };
}

/** The first version behind a series; undefined where the version stands for itself alone. */
function endOf(operator: string, version: string, isPrefix: boolean): string | undefined {
  const release = explain(version)?.release ?? [];
  if (operator === "~=") return after(release.slice(0, -1));
  if (operator === "^") return after(release.slice(0, 1));
  if (operator === "~") return after(release.slice(0, 2));
  return isPrefix ? after(release) : undefined;
}

function after(release: readonly number[]): string {
  return release.map((part, index) => (index === release.length - 1 ? part + 1 : part)).join(".");
}

/** Whether the target may be used. */
export function letsIn(clause: Clause, { version }: Target): boolean {
  const isWithin = !isBelow(clause.low, version) && !isAbove(clause.high, version);
  if (clause.operator === "===") return isWithin && clause.low?.version === version; // compared as text
  return clause.operator === "!=" ? !isWithin : isWithin;
}

export function isBelow(low: Bound | undefined, version: string): boolean {
  if (low === undefined) return false;
  const order = compare(version, low.version);
  return low.isIncluded ? order < 0 : order <= 0;
}

function isAbove(high: Bound | undefined, version: string): boolean {
  if (high === undefined) return false;
  const order = compare(version, high.version);
  return high.isIncluded ? order > 0 : order >= 0;
}

/**
 * The clause, or the two with `comma` between them, that let in the target and as little else as can be said
 * with bounds; undefined where only leaving it out does that.
 */
export function widenClause(clause: Clause, target: Target, comma: string): string | undefined {
  if (letsIn(clause, target)) return clause.text;
  if (clause.operator === "!=") return undefined;
  const low = isBelow(clause.low, target.version) ? lowerTo(target, clause.low) : clause.low;
  const high = isAbove(clause.high, target.version) ? raiseTo(target, clause.high) : clause.high;
  const floor = low === undefined ? undefined : `${low.isIncluded ? ">=" : ">"}${clause.gap}${low.version}`;
  const ceiling = high === undefined ? undefined : `${high.isIncluded ? "<=" : "<"}${clause.gap}${high.version}`;
  if (low !== undefined && keepsShape(clause, low, high)) return `${clause.operator}${clause.gap}${low.version}`;
  if (low === clause.low && high === clause.high) return `==${clause.gap}${low?.version}`; // of "===3.11", which is not "3.11.0"
  return [floor, ceiling].filter((part) => part !== undefined).join(comma);
}

/** "~=3.11" ends where "~=3.12" does, so that it says the rest as well; "~3.11" does not end where "~3.12" does. */
function keepsShape({ operator, high: old }: Clause, low: Bound, high: Bound | undefined): boolean {
  return ["~=", "^", "~"].includes(operator) && high === old && endOf(operator, low.version, false) === high?.version;
}

/** As exact as the bound was: ">=3.12" goes down to a minor, ">=3.12.1" to a release. */
function lowerTo({ major, minor, micro }: Target, old: Bound | undefined): Bound {
  const isExact = (explain(old?.version)?.release.length ?? 0) > 2;
  return { version: isExact ? `${major}.${minor}.${micro ?? 0}` : `${major}.${minor}`, isIncluded: true };
}

/** To the end of the minor; to just behind the release where the old bound was about releases as well ("<3.11.5"). */
function raiseTo({ major, minor, micro }: Target, old: Bound | undefined): Bound {
  const bound = explain(old?.version);
  const isIncluded = old?.isIncluded === true;
  const size = bound?.release.length ?? 0;
  const isExact = size > 2 && (isIncluded || bound?.release[2] !== 0);
  if (isExact && micro !== undefined) return { version: `${major}.${minor}.${isIncluded ? micro : micro + 1}`, isIncluded };
  const end = `${major}.${minor + 1}`;
  if (isIncluded) return { version: end, isIncluded: false };
  const suffix = bound?.is_prerelease ? (old?.version ?? "").replace(/^v?\d+(?:\.\d+)*/i, "") : ""; // of "<3.13.0a0"
  return { version: `${end}${".0".repeat(Math.max(0, size - 2))}${suffix}`, isIncluded: false };
}
