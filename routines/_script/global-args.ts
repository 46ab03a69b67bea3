/** Options that every command takes, whatever its own are: read in one place, so that they mean the same everywhere. */
import type { ArgSpecs, ArgValues } from "./command.ts";
import { beQuiet } from "./log.ts";

export const globalArgs = {
  help: { type: "boolean", description: "Show this help", alias: "h" },
  quiet: { type: "boolean", description: "Say nothing but the result, errors and warnings", alias: "q" },
  "no-color": { type: "boolean", description: "Without colours, on a terminal too; so does NO_COLOR" },
  debug: { type: "boolean", description: "Show where an error came from" },
} as const satisfies ArgSpecs;

let debugs = false;

/** From here on, for this call and for what it starts. */
export function applyGlobals(args: Partial<ArgValues<typeof globalArgs>>): void {
  if (args.quiet) beQuiet();
  if (args.debug) debugs = true;
  // programs that we start read it as well
  if (args["no-color"]) process.env.NO_COLOR = "1";
}

/** Whether a stack is to be shown with an unexpected error. */
export function isDebugging(): boolean {
  return debugs;
}

/** The option that a word is, written by itself: `--quiet`, `-q`. */
export function globalOf(word: string): keyof typeof globalArgs | undefined {
  for (const [key, spec] of Object.entries(globalArgs)) {
    if (word === `--${key}` || ("alias" in spec && word === `-${spec.alias}`)) return key as keyof typeof globalArgs;
  }
  return undefined;
}
