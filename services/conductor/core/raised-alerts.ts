/**
 * Alerts of the conductor's own, for components that are not well: which one is raised for whom. Kept, so that a restart of the conductor
 * raises none again, and what was raised before is over when the component is well.
 */
import type { Documents } from "../store/store.ts";
import type { State } from "./health.ts";

/** What an alert is raised for, and called: `component-degraded`, `component-offline`. */
export type Bad = Extract<State, "degraded" | "offline">;

export interface RaisedAlertsOptions {
  readonly documents: Documents;
  /** Work that nobody waits for. */
  readonly quietly: (what: string, work: Promise<unknown>) => void;
}

const KIND = "alert-raised";

export class RaisedAlerts {
  readonly #options: RaisedAlertsOptions;
  readonly #raised = new Map<string, Bad>();

  constructor(options: RaisedAlertsOptions) {
    this.#options = options;
  }

  /** Of those who are still known. */
  async load(isKnown: (componentId: string) => boolean): Promise<void> {
    for (const { id, value } of await this.#options.documents.list<{ state: Bad }>(KIND)) {
      if (isKnown(id)) this.#raised.set(id, value.state);
      else this.#forget(id);
    }
  }

  of(componentId: string): Bad | undefined {
    return this.#raised.get(componentId);
  }

  /** One at most for each. */
  set(componentId: string, state: Bad | undefined): void {
    if (state === undefined) {
      this.#raised.delete(componentId);
      this.#forget(componentId);
      return;
    }
    this.#raised.set(componentId, state);
    const { documents, quietly } = this.#options;
    quietly(`the alert of ${componentId} is not kept`, documents.put(KIND, componentId, { state }));
  }

  #forget(componentId: string): void {
    const { documents, quietly } = this.#options;
    quietly(`the alert of ${componentId} is over, and still on disk`, documents.delete(KIND, componentId));
  }
}
