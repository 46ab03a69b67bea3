/**
 * An OpenAI-compatible server without a model: reads its environment, listens, and ends on SIGTERM or Ctrl-C.
 * It imports nothing from outside of this folder, which is all that its container is given.
 *
 *   MOCK_OPENAI_PORT=8080 bun main.ts
 */

import { startServer } from "./server.ts";
import { readSettings } from "./settings.ts";

/** Open streams may end by themselves for this long. */
const DRAIN_MS = 1_000;

function main(): void {
  const settings = readSettings(process.env);
  const server = startServer(settings);
  process.stdout.write(`mock-openai (no model, made-up answers) listens on http://${settings.host}:${server.port}/v1\n`);
  const stop = async (): Promise<void> => {
    const timer = setTimeout(() => server.stop(true), DRAIN_MS);
    await (server.pendingRequests === 0 ? server.stop(true) : server.stop());
    clearTimeout(timer);
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

try {
  main();
} catch (error) {
  process.stderr.write(`mock-openai: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
