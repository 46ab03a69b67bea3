/** What `harbor up` says at its end: what runs where, at which URL, and what to do next. */
import { table } from "../_script/table.ts";
import type { MadePlan } from "../compose/make-plan.ts";
import type { ServiceStatus } from "./observe-stack.ts";

/** `isDefault`: nothing was named, so a newcomer may want to know what there is to name. */
export function renderReport(services: readonly ServiceStatus[], made: MadePlan, isDefault: boolean): string {
  const rows = services.map((it) => [it.handle, it.runtime, it.health || it.state, it.urls.join(" ") || "-"]);
  const lines = table(rows);
  if (isDefault) lines.push("", ...nextSteps(services, made));
  return lines.join("\n");
}

function nextSteps(services: readonly ServiceStatus[], made: MadePlan): string[] {
  const url = services.find((it) => it.urls[0] !== undefined && made.plan.natives.some((native) => native.handle === it.handle))?.urls[0];
  const ask = `curl ${url}/v1/chat/completions -H 'content-type: application/json' -d '{"model":"mock","messages":[{"role":"user","content":"Hello"}]}'`;
  return [
    ...(url === undefined ? [] : ["Ask it something:", `  ${ask}`, ""]),
    "Next, a real model and a chat page:",
    "  harbor up -x ollama webui",
    "",
    "`harbor ls` lists the services there are, `harbor down` stops everything.",
  ];
}
