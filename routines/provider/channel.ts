/** What a provider tells `docker compose`: one JSON object a line on stdout, and nothing else there. */
import { writeAll } from "../_script/emit.ts";
import type { Progress } from "../stack/progress.ts";

/** `setenv` reaches the services that depend on it, under the name of the service: `URL` of `llm` is `LLM_URL`. */
export type MessageType = "info" | "debug" | "error" | "setenv";

export type Tell = (type: MessageType, message: string) => void;

export function tellCompose(type: MessageType, message: string): void {
  writeAll(1, `${JSON.stringify({ type, message })}\n`);
}

/** What is said of the service itself is said as compose shows it: behind its name. */
export function progressOf(handle: string, tell: Tell): Progress {
  return {
    isQuiet: true,
    say: (subject, what) => tell("info", subject === handle || subject === "harbor" ? what : `${subject}: ${what}`),
    warn: (text) => tell("info", text),
  };
}
