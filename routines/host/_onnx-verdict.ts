/** What the facts of a host alone say of one execution provider. */
export interface Verdict {
  /**
   * `yes`: it should work. `no`: something is missing; a session that opens all the same proves otherwise. `unwise`: it may
   * work, and is taken only when asked for. `barred`: it is never taken, also where a session opens.
   */
  state: "yes" | "no" | "unwise" | "barred";
  /** One line, for people. */
  reason: string;
  /** What pip must install for it, where the plain `onnxruntime` has it not. */
  needs?: string;
  /** Something is broken, which its owner should hear of whether or not they asked for this provider. */
  fault?: string;
}

export function no(reason: string): Verdict {
  return { state: "no", reason };
}
