/**
 * TypeScript compose modules (`compose.<handle>.ts`, `compose.x.….ts`): code that has the last word on
 * the merged model. The default export takes the context and returns the compose object.
 */
import { HarborError } from "../_script/error.ts";
import type { Values } from "../config/read-values.ts";
import type { ComposeModel, MergedCompose } from "./merge-compose.ts";
import type { Selection } from "./read-selection.ts";
import type { ResolvedServiceFile } from "./resolve-files.ts";

/** What a module is given. Names are those of the older modules, so that they work as they are. */
export interface ModuleContext {
  compose: ComposeModel;
  /** The service the module is named for: the first part of its name. */
  service: string;
  services: string[];
  natives: string[];
  capabilities: string[];
  /** Where the module stands. */
  dir: string;
  files: string[];
  env: { getValue: (name: string) => string; getJsonValue: (name: string) => unknown };
}

export interface ApplyModulesOptions {
  resolved: readonly ResolvedServiceFile[];
  /** Its model is replaced by what each module returns, in order. */
  merged: MergedCompose;
  selection: Selection;
  values: Values;
}

/** Throws, naming the module, when one cannot be loaded, has no default export, throws or returns no object. */
export async function applyModules({ resolved, merged, selection, values }: ApplyModulesOptions): Promise<void> {
  const modules = resolved.filter(({ included, kind }) => included && kind === "module");
  for (const { path, file } of modules) {
    const files = resolved.filter((it) => it.included).map((it) => it.path);
    const context: ModuleContext = {
      compose: merged.model,
      service: file.parts[0] ?? "",
      services: selection.services === "*" ? Object.keys((merged.model.services ?? {}) as object) : [...selection.services],
      natives: [...selection.natives],
      capabilities: [...selection.capabilities],
      dir: file.directory,
      files,
      env: {
        getValue: (name) => values.get(variableOf(name)) ?? "",
        getJsonValue: (name) => JSON.parse(values.get(variableOf(name)) ?? "null") as unknown,
      },
    };
    const before = new Set(Object.keys((merged.model.services ?? {}) as object));
    merged.model = await runModule(path, context);
    for (const name of Object.keys((merged.model.services ?? {}) as object)) if (!before.has(name)) merged.sources.set(name, [path]);
  }
}

/** `webui.name` → `HARBOR_WEBUI_NAME`, as the older configuration spells its keys. */
function variableOf(name: string): string {
  if (name.startsWith("HARBOR_")) return name;
  return `HARBOR_${name.toUpperCase().replace(/[.-]/g, "_")}`;
}

async function runModule(path: string, context: ModuleContext): Promise<ComposeModel> {
  let result: unknown;
  const giveBack = keepStdoutClean();
  try {
    const loaded = (await import(path)) as { default?: (context: ModuleContext) => unknown };
    if (typeof loaded.default !== "function") throw new TypeError("it has no function as its default export");
    result = await loaded.default(context);
  } catch (error) {
    throw new HarborError(`Cannot apply the compose module: ${(error as Error).message}`, { at: { file: path }, cause: error });
  } finally {
    giveBack();
  }
  if (typeof result !== "object" || result === null || Array.isArray(result)) {
    throw new HarborError("Cannot apply the compose module: it returned no compose object", { at: { file: path } });
  }
  return result as ComposeModel;
}

/** What a module prints is said to a person: on stdout it would break `--json`. */
function keepStdoutClean(): () => void {
  const { console: printer } = globalThis;
  const { log, info, debug, error } = printer;
  Object.assign(printer, { log: error, info: error, debug: error });
  return () => Object.assign(printer, { log, info, debug });
}
