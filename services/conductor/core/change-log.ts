/** The last changes of components' states, for those that ask what is new with every heartbeat. Bounded, numbered from 1. */
import type { State } from "./health.ts";

export interface PeerChange {
  readonly componentId: string;
  readonly component: string;
  readonly from: State | null;
  readonly to: State;
}

const KEPT = 256;

export class ChangeLog {
  readonly #changes: (PeerChange | undefined)[] = new Array(KEPT);
  #last = 0;

  /** The number of the newest. */
  get last(): number {
    return this.#last;
  }

  add(change: PeerChange): void {
    this.#last++;
    this.#changes[this.#last % KEPT] = change;
  }

  /** What came after a number, oldest first; `isCut` where some of it is no longer kept. */
  since(number: number): { changes: PeerChange[]; isCut: boolean } {
    const first = Math.max(number + 1, this.#last - KEPT + 1);
    const changes: PeerChange[] = [];
    for (let each = first; each <= this.#last; each++) {
      const change = this.#changes[each % KEPT];
      if (change !== undefined) changes.push(change);
    }
    return { changes, isCut: first > number + 1 };
  }
}
