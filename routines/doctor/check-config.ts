/** The configuration's files: whether they can be read, and whether what they set means anything. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { formatPlace, HarborError } from "../_script/error.ts";
import { nearest } from "../_script/nearest.ts";
import { listKeys } from "../config/list-keys.ts";
import { handleOf } from "../config/name-variable.ts";
import { parseEnv } from "../config/parse-env.ts";
import { checkRuntime, runtimeVariable } from "../config/runtime-preference.ts";
import { configFile } from "../config/write-values.ts";
import { readKind } from "../engine/detect-engine-kind.ts";
import { listHandles } from "../workspace/list-handles.ts";
import type { Check } from "./check.ts";
import type { DoctorContext } from "./context.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface ConfigFacts {
  file: string;
  /** What it sets; undefined where there is no such file, an error where it cannot be read. */
  values: ReadonlyMap<string, string> | HarborError | undefined;
  /** Every key that a file names. */
  known: readonly string[];
  handles: readonly string[];
}

export function judgeConfig({ file, values, known, handles }: ConfigFacts): Finding[] {
  if (values === undefined) return [ok(`nothing is set: there is no ${file}`)];
  if (values instanceof HarborError) {
    const what = values.at === undefined ? values.message : `${formatPlace(values.at)}: ${values.message}`;
    return [failed({ what, why: "No command that needs the configuration runs", fix: values.hint ?? `Mend that line of ${file}` })];
  }
  const found = [...values].flatMap(([name, value]) => judgeValue(name, value, handles) ?? judgeName(name, known) ?? []);
  return found.length > 0 ? found : [ok(`${values.size} value${values.size === 1 ? "" : "s"} set in ${file}`)];
}

/** Of what Harbor itself reads. */
function judgeValue(name: string, value: string, handles: readonly string[]): Finding | undefined {
  try {
    if (name === "HARBOR_ENGINE_KIND") readKind(value);
    const handle = handleOf(name, handles);
    if (value !== "" && (name === runtimeVariable() || (handle !== undefined && name === runtimeVariable(handle)))) {
      checkRuntime(value, `runtime "${value}"`, name === runtimeVariable() ? undefined : handle);
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof HarborError)) throw error;
    return failed({ what: `${name} is "${value}": ${error.message}`, why: "`harbor up` refuses it", fix: `harbor config unset ${name}` });
  }
}

function judgeName(name: string, known: readonly string[]): Finding | undefined {
  if (!name.startsWith("HARBOR_") || known.includes(name)) return undefined;
  const guess = nearest(name, known);
  return warning({
    what: `${name} is set, and no file names it${guess === undefined ? "" : `; did you mean ${guess}?`}`,
    why: "It has no effect",
    fix: `harbor config unset ${name}`,
  });
}

function read(file: string): ConfigFacts["values"] {
  if (!existsSync(file)) return undefined;
  try {
    return parseEnv(readFileSync(file, "utf8"), { file });
  } catch (error) {
    if (error instanceof HarborError) return error;
    return new HarborError(`Cannot read "${file}": ${(error as Error).message}`, { hint: `Make it yours: chown, chmod u+r ${file}` });
  }
}

/** Files of variables of one service each. */
export function listOverrides(home: string): string[] {
  try {
    return readdirSync(join(home, "env"))
      .filter((name) => name.endsWith(".env"))
      .map((name) => join(home, "env", name));
  } catch {
    return []; // there are none
  }
}

/** Of these every name is the service's own. */
function checkOverride(file: string): Finding[] {
  const values = read(file);
  return values instanceof HarborError ? judgeConfig({ file, values, known: [], handles: [] }) : [];
}

/** What there is to choose from, where the workspace can be read. */
function knownOf(context: DoctorContext): Pick<ConfigFacts, "known" | "handles"> {
  const workspace = context.workspace();
  const handles = listHandles(workspace);
  return { handles, known: [...listKeys({ workspace }).keys()] };
}

export const checkConfig: Check = {
  name: "config",
  group: "state",
  about: "the configuration's files",
  run(context) {
    const { home } = context;
    const file = configFile(home);
    const values = read(file);
    const known = values instanceof Map ? knownOf(context) : { known: [], handles: [] };
    const found = [...judgeConfig({ file, values, ...known }), ...listOverrides(home).flatMap(checkOverride)];
    const troubles = found.filter(({ state }) => state !== "ok");
    return troubles.length > 0 ? troubles : found;
  },
};
