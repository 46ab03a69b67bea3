/** POST /access-control, GET /access-control, DELETE /access-control/<from>: with the conductor's own token. */
import { type AccessRule, MAX_RULES, OPERATIONS } from "../core/access-rules.ts";
import { ConductorError } from "../core/conductor-error.ts";
import type { Call, Routes } from "./call.ts";
import { invalid, readFields, readRequiredText, readTexts } from "./fields.ts";

export const NAME = { pattern: /^[A-Za-z0-9*][\w.*-]{0,127}$/, words: "a component's name or id, with * for any part of one" };
const OPERATION = { pattern: new RegExp(`^(?:\\*|${OPERATIONS.join("|")})$`), words: `* or one of ${OPERATIONS.join(", ")}` };
export const TARGETS = 100;

export const routes: Routes = {
  "/access-control": { GET: { handle: list, access: "operator" }, POST: { handle: put, access: "operator" } },
  "/access-control/:from": { DELETE: { handle: remove, access: "operator" } },
};

function list({ conductor }: Call): Response {
  const rules = conductor.access.list().map(describe);
  return Response.json({ default: rules.length === 0 ? "allow" : "deny", rules });
}

async function put(call: Call): Promise<Response> {
  const fields = await readFields(call);
  const rule: AccessRule = {
    from: readRequiredText(fields, "from", NAME),
    to: readTexts(fields, "to", NAME, TARGETS),
    operations: readTexts(fields, "allowed_operations", OPERATION, OPERATIONS.length),
  };
  if (fields.to === undefined) throw invalid("to", 'is missing: it must be a list of components, ["*"] for all, [] for none');
  const known = call.conductor.access.list();
  if (known.length >= MAX_RULES && !known.some(({ from }) => from === rule.from))
    throw invalid("from", `is one more than ${MAX_RULES} rules`);
  call.note(describe(rule));
  await call.conductor.access.put(rule);
  return Response.json({ status: "configured", ...describe(rule) }, { status: 201 });
}

async function remove({ conductor, params }: Call): Promise<Response> {
  const from = params.from ?? "";
  if (!(await conductor.access.remove(from))) {
    throw new ConductorError("unknown_rule", `There is no rule for "${from}"`, {
      details: { known: conductor.access.list().map((rule) => rule.from) },
    });
  }
  return Response.json({ status: "deleted", from });
}

function describe({ from, to, operations }: AccessRule): Readonly<Record<string, unknown>> {
  return { from, to, allowed_operations: operations };
}
