/** Who may do what with whom. Without any rule everything; with one, only what a rule allows. The operator always may. */
import type { Documents } from "../store/store.ts";
import { ConductorError } from "./conductor-error.ts";
import { matchesType } from "./match-type.ts";
import type { Component } from "./registry.ts";

/** Who is meant: one that has left has no more than this. */
export type Named = Pick<Component, "id" | "name">;

export const OPERATIONS = [
  ...["discover", "route", "send", "receive", "request", "broadcast", "publish", "subscribe"],
  ...["state-read", "state-write", "observe"],
] as const;
export type Operation = (typeof OPERATIONS)[number];

export interface AccessRule {
  /** A name, an id, or a glob of them. */
  readonly from: string;
  readonly to: readonly string[];
  readonly operations: readonly string[];
}

export const MAX_RULES = 1_000;
const KIND = "access";
/** Of how many it is remembered which rules are about them. */
const REMEMBERED = 10_000;

export class AccessRules {
  readonly #documents: Documents;
  readonly #onChange: () => void;
  readonly #rules = new Map<string, AccessRule>();
  /** By id: one asks about all others at once, and most rules are about somebody else. */
  readonly #applying = new Map<string, readonly AccessRule[]>();

  /** `onChange`: what was allowed before may not be any more. */
  constructor(documents: Documents, onChange: () => void) {
    this.#documents = documents;
    this.#onChange = onChange;
  }

  async load(): Promise<void> {
    for (const { id, value } of await this.#documents.list<AccessRule>(KIND)) this.#rules.set(id, value);
  }

  list(): AccessRule[] {
    return [...this.#rules.values()];
  }

  /** In place of the one of the same `from`. Kept before it counts. */
  async put(rule: AccessRule): Promise<void> {
    await this.#documents.put(KIND, rule.from, rule);
    this.#rules.set(rule.from, rule);
    this.#changed();
  }

  async remove(from: string): Promise<boolean> {
    const isGone = await this.#documents.delete(KIND, from);
    const wasThere = this.#rules.delete(from);
    if (wasThere) this.#changed();
    return wasThere || isGone;
  }

  /** False: everybody may do everything. */
  get hasRules(): boolean {
    return this.#rules.size > 0;
  }

  /** `to`: undefined where an operation is with nobody in particular. */
  may(from: Named, operation: string, to?: Named): boolean {
    if (this.#rules.size === 0 || from.id === to?.id) return true;
    return this.#rulesFor(from).some((rule) => {
      if (!rule.operations.includes("*") && !rule.operations.includes(operation)) return false;
      return to === undefined || names(rule.to, to);
    });
  }

  #rulesFor(from: Named): readonly AccessRule[] {
    const known = this.#applying.get(from.id);
    if (known !== undefined) return known;
    const found = this.list().filter((rule) => names([rule.from], from));
    if (this.#applying.size >= REMEMBERED) this.#applying.clear();
    this.#applying.set(from.id, found);
    return found;
  }

  #changed(): void {
    this.#applying.clear();
    this.#onChange();
  }

  /** Throws `access_denied`. */
  require(from: Named, operation: string, to?: Named): void {
    if (this.may(from, operation, to)) return;
    const what = to === undefined ? operation : `${operation} to ${to.id}`;
    throw new ConductorError("access_denied", `No rule allows ${from.id} to ${what}`, {
      hint: "POST /access-control with the conductor's own token adds one",
      details: { from: from.id, operation, ...(to === undefined ? {} : { to: to.id }) },
    });
  }
}

function names(globs: readonly string[], { id, name }: Named): boolean {
  return globs.length > 0 && (matchesType(globs, id) || matchesType(globs, name));
}
