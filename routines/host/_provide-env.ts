/** A request → an environment that works and can take the package: the one that is there where it will do, else a new one. */
import { PythonEnvError } from "./_env-error.ts";
import { type EnvRecord, pythonIn, readRecord, realPathOf, realPythonOf, startAnew, writeRecord } from "./_env-record.ts";
import type { ReadRequest } from "./_env-request.ts";
import { chooseInstaller, createTools, type Installer, PIP } from "./_installer.ts";
import { probePython } from "./_probe-python.ts";
import { runStep } from "./_run-step.ts";
import { type SelectedPython, selectPython } from "./_select-python.ts";
import { isWanted, parseWanted } from "./_wanted-python.ts";

/** One that works, whatever is installed in it. */
export interface ProvidedEnv {
  record: EnvRecord;
  installer: Installer;
  python: { path: string; version: string };
}

/** A whole one, for the same package, of a Python that fits and is still there. */
export async function keepEnv(request: ReadRequest): Promise<ProvidedEnv | undefined> {
  const { folder, env, requirement } = request;
  const record = readRecord(folder);
  // a package of which half is there looks installed to an installer
  if (record === undefined || record.step === "creating" || record.step === "installing" || record.python === undefined) return undefined;
  // it stays with what made it: uv puts no pip into it, and a uv that was passed over then is not trusted now
  const installer: Installer = record.installer === "pip" ? PIP : chooseInstaller(env);
  if (installer.name !== record.installer) return undefined;
  if (record.package !== undefined && record.name !== requirement.name) return undefined;
  const path = pythonIn(folder);
  const facts = await probePython(path, env);
  if (typeof facts === "string" || minorOf(facts.version) !== minorOf(record.python.version)) return undefined;
  if (!isStillWanted(request, facts.version)) return undefined;
  const python = { realPath: realPythonOf(folder) ?? "", version: facts.version };
  return { record: { ...record, python }, installer, python: { path, version: facts.version } };
}

function isStillWanted({ folder, python, env }: ReadRequest, version: string): boolean {
  const wanted = parseWanted(python, env);
  if (wanted === "any" || "specifier" in wanted) return isWanted(version, wanted);
  return realPathOf(wanted.path) === realPythonOf(folder);
}

function minorOf(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}

/** Whatever is in the folder goes. */
export async function createEnv(request: ReadRequest, chosen?: SelectedPython): Promise<ProvidedEnv> {
  const installer = chooseInstaller(request.env);
  if (chosen === undefined) request.say("find-python", "looking for a Python");
  const selected = chosen ?? (await selectPython(request, installer));
  request.say("find-python", selected.words);
  try {
    return await createWith(request, installer, selected);
  } catch (error) {
    // a uv that is broken, or too old to know our words, is none
    if (installer.name === "pip" || !(error instanceof PythonEnvError) || error.kind !== "failed") throw error;
    request.say("create", `${error.message}; going on with venv and pip`);
    return createWith(request, PIP, await selectPython(request, PIP));
  }
}

async function createWith(request: ReadRequest, installer: Installer, { python }: SelectedPython): Promise<ProvidedEnv> {
  const { folder, scratch, env, index, asked, requirement } = request;
  const name = requirement.name === undefined ? {} : { name: requirement.name };
  const record: EnvRecord = { format: 1, step: "creating", asked, installer: installer.name, patched: [], ...name };
  startAnew(folder, scratch, record);
  request.say("create", `making the environment with ${installer.name === "uv" ? "uv" : "venv"}`);
  const action = `make a Python environment in "${folder}"`;
  for (const tool of createTools({ installer, python, folder, isOffline: index.isOffline === true, env })) {
    await runStep(request, "create", tool, action);
  }
  const path = pythonIn(folder);
  const facts = await probePython(path, env);
  if (typeof facts === "string") {
    throw new PythonEnvError("failed", `Cannot ${action}: its interpreter cannot be used: ${facts}`, {
      hint: `Read the whole log: ${request.log}`,
    });
  }
  const made: EnvRecord = { ...record, step: "created", python: { realPath: realPythonOf(folder) ?? "", version: facts.version } };
  writeRecord(folder, made);
  return { record: made, installer, python: { path, version: facts.version } };
}
