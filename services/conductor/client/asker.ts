/** Whoever asks the conductor, under its own token: a component, or who runs it all. */
import type { Ask } from "./http.ts";

export interface Asker {
  /** Throws ConductorClientError. */
  ask(ask: Ask): Promise<Response>;
  json<T>(ask: Ask): Promise<T>;
  /** What went wrong and nobody waits for. */
  report(error: unknown): void;
  /** Aborted at its end. */
  readonly signal: AbortSignal;
}
