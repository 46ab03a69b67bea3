/**
 * Alerts of the conductor's own, for components that are not well: which one is raised for whom. Kept, so that a restart of the conductor
 * raises none again, and what was raised before is over when the component is well.
 */
import type { Documents } from "../store/store.ts";
import type { State } from "./health.ts";
import type { LateDocuments } from "./late-documents.ts";

/** What an alert is raised for, and called: `component-degraded`, `component-offline`. */
export type Bad = Extract<State, "degraded" | "offline">;

const KIND = "alert-raised";

export class RaisedAlerts {
  readonly #late: LateDocuments;
  readonly #raised = new Map<string, Bad>();

  constructor(late: LateDocuments) {
    this.#late = late;
  }

  /** Of those who are still known. */
  async load(documents: Documents, isKnown: (componentId: string) => boolean): Promise<void> {
    for (const { id, value } of await documents.list<{ state: Bad }>(KIND)) {
      if (isKnown(id)) this.#raised.set(id, value.state);
      else this.#late.delete(KIND, id);
    }
  }

  of(componentId: string): Bad | undefined {
    return this.#raised.get(componentId);
  }

  /** One at most for each. */
  set(componentId: string, state: Bad | undefined): void {
    if (state === undefined) {
      this.#raised.delete(componentId);
      this.#late.delete(KIND, componentId);
    } else {
      this.#raised.set(componentId, state);
      this.#late.put(KIND, componentId, { state });
    }
  }
}
