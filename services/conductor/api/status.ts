/** GET /health: whether the conductor itself is well; nothing about anyone else, since no token is asked for. */
import type { Call, Routes } from "./call.ts";

export const routes: Routes = { "/health": { GET: { handle: health, access: "open" } } };

/** 200 as long as it answers: without its store it still knows who is alive, and says what it lacks. */
async function health({ conductor }: Call): Promise<Response> {
  const store = await conductor.store.status();
  return Response.json({ status: store.ok ? "ok" : "degraded", service: "conductor", store });
}
