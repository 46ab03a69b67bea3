/** A plan as it may be printed: of what natives are given, the secrets masked. Containers' are names in the model anyway. */
import { MASK } from "../_script/secret-name.ts";
import { secretTest } from "../config/read-declarations.ts";
import { findExpression, mapStrings } from "./interpolate.ts";
import type { MadePlan, Plan } from "./make-plan.ts";

/** Those of the selection's own files as well, by what these declare. */
export function maskPlan({ plan, natives, values, selection }: MadePlan): Plan {
  const isSecret = secretTest(selection.files);
  const secrets = new Set<string>();
  for (const { environment } of natives) {
    for (const { name, value, text } of environment) {
      if (isSecret(name)) secrets.add(value);
      for (const part of namesIn(text)) if (isSecret(part)) secrets.add(values.get(part) ?? "");
    }
  }
  secrets.delete("");
  // the longest first: one may be a part of another
  const found = [...secrets].sort((a, b) => b.length - a.length);
  if (found.length === 0) return plan;
  const mask = (text: string): string => found.reduce((shown, secret) => shown.replaceAll(secret, MASK), text);
  return { ...plan, natives: plan.natives.map((native) => maskNative(native, mask)) };
}

type Native = Plan["natives"][number];

/** What is made of values; its names and folders stay as they are, however short a secret is. */
function maskNative(native: Native, mask: (text: string) => string): Native {
  const { env, argv, preStart, postStop } = native;
  const hooks = { ...(preStart === undefined ? {} : { preStart }), ...(postStop === undefined ? {} : { postStop }) };
  return { ...native, ...(mapStrings({ env, argv, ...hooks }, mask) as Pick<Native, "env" | "argv">) };
}

function* namesIn(text: string): Generator<string> {
  for (let found = findExpression(text, 0); found !== undefined; found = findExpression(text, found.end)) {
    yield found.name;
    yield* namesIn(found.word);
  }
}
