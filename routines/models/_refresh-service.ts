/** After a model has come or gone: the running service is told to look, where it can be told. */
import { askService } from "./_ask-service.ts";
import type { RunningService } from "./_running-services.ts";
import type { Store } from "./read-stores.ts";

const ASK_MS = 5_000;

/** What to add for a person: what has to be done where it could not be told. */
export async function refreshService(
  stores: readonly Store[],
  running: ReadonlyMap<string, RunningService>,
  { store: name }: { store: string },
): Promise<string> {
  const { service, refresh } = stores.find((store) => store.name === name) ?? {};
  const answering = running.get(service ?? "");
  // whoever sleeps looks when it wakes
  if (answering === undefined || answering.isAsleep || refresh === undefined) return "";
  try {
    const response = await askService(`${answering.url}${refresh}`, { signal: AbortSignal.timeout(ASK_MS) });
    return response.ok ? "" : `; \`harbor restart ${service}\` shows it to ${service}`;
  } catch {
    return ""; // it does not run
  }
}
