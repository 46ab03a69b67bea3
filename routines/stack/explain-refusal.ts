/** What compose's schema refuses in the merged file → the same, said of the user's file that it comes from. */
import { HarborError } from "../_script/error.ts";
import { placeOf } from "../compose/check-model.ts";
import type { MadePlan } from "../compose/make-plan.ts";

/** `validating FILE: services.web.command must be a list`, `… services.web Additional property x is not allowed`. */
const REFUSED = /validating \S+: (services\.[^\s]+) (.+)$/;
const ADDITIONAL = /^Additional property (\S+) is not allowed/;

/** Any other error as it is. */
export function explainRefusal(error: unknown, { merged }: Pick<MadePlan, "merged">): unknown {
  const match = error instanceof HarborError ? REFUSED.exec(error.message) : null;
  if (match === null) return error;
  const [, key = "", why = ""] = match;
  const path = key.split(".");
  const [, additional] = ADDITIONAL.exec(why) ?? [];
  const place = placeOf(merged.sources.get(path[1] ?? ""), additional === undefined ? path : [...path, additional]);
  const message = `Cannot use "${key}": docker compose says: ${why}`;
  return new HarborError(message, { cause: error, ...place, hint: "The compose specification says what may stand there" });
}
