/** The shape of a check: facts are read of the host and judged by a function that looks at nothing else. */
import type { DoctorContext } from "./context.ts";
import type { Finding } from "./finding.ts";

/** Headings, in the order they are shown. */
export const GROUPS = ["engine", "gpu", "network", "host", "state", "services"] as const;
export type Group = (typeof GROUPS)[number];

export interface Check {
  /** What a person types to have it alone. */
  name: string;
  group: Group;
  /** What it is about, for the list of checks. */
  about: string;
  /** At least one finding. A HarborError that it throws means that it could not be looked at. */
  run(context: DoctorContext): Finding | Finding[] | Promise<Finding | Finding[]>;
}
