/** Something that nothing uses any more, and how it is removed. */

export const KINDS = ["containers", "networks", "images", "logs", "state", "environments"] as const;
export type Kind = (typeof KINDS)[number];

export interface Leftover {
  kind: Kind;
  /** What a person knows it by: a name, or a path. */
  name: string;
  /** Why nothing uses it. */
  why: string;
  /** What is won at most; null where nobody says. */
  bytes: number | null;
  /** Gone already is fine. */
  remove: () => Promise<void> | void;
}
