/**
 * Installs what was asked for into an environment that works. A package that refuses this Python, the one asked for or
 * one that it depends on, is widened, each once; where the choice is ours and another Python of this host fits, that
 * one is taken instead.
 */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { maskUrls } from "../_script/secret-name.ts";
import { writeFileWhole } from "../_script/write-file.ts";
import { askProgram } from "./_ask-program.ts";
import { diagnose, type Refusal } from "./_diagnose.ts";
import { PythonEnvError, type PythonEnvProblem } from "./_env-error.ts";
import { type EnvRecord, writeRecord } from "./_env-record.ts";
import type { PythonEnvStep, ReadRequest } from "./_env-request.ts";
import { asPipEnvironment, installTool, pipTool, uninstallTool, venvTools } from "./_installer.ts";
import { createEnv, type ProvidedEnv } from "./_provide-env.ts";
import { fromWheel } from "./_requirement.ts";
import { failureOf, runStep, tryStep } from "./_run-step.ts";
import type { ToolEnd } from "./_run-tool.ts";
import { findFitting, requiredBySource } from "./_select-python.ts";
import { toolEnvironment } from "./_tool-environment.ts";
import { INSTALLED, LIST_INSTALLED, METADATA_MARK } from "./_wheel-scripts.ts";
import { scriptFile, type Widened, widenPackage } from "./_widen-package.ts";

/** Failures of resolving, fetching and building: nothing was put into the environment. */
const BEFORE_INSTALL: readonly PythonEnvProblem[] = ["requires-python", "unresolvable", "network", "build"];

/** The record of what is there in the end, written. */
export async function installPackage(request: ReadRequest, provided: ProvidedEnv): Promise<EnvRecord> {
  const widened = new Map<string, Widened>();
  const own = requiredBySource(request);
  const requires = own === undefined ? [] : [own];
  const tried = new Set<string>();
  let env = provided;
  while (true) {
    const end = await tryInstall(request, env, [...widened.values()]);
    if (end.code === 0) {
      await keepOnly(request, env);
      return verify(request, env);
    }
    const diagnosis = diagnose(end.output);
    // what was installed before, if anything was, is so still
    if (BEFORE_INSTALL.includes(diagnosis.kind)) writeRecord(request.folder, env.record);
    const refusal = diagnosis.refusals.find(({ name }) => !widened.has(name));
    if (refusal === undefined) throw failureOf(request, end, `install "${titleOf(request)}"`, diagnosis);
    requires.push(refusal.requires);
    tried.add(env.python.version);
    const fitting = await findFitting(request, env.installer, requires);
    // the installers' reading of a bound may differ from ours
    if (fitting === undefined || tried.has(fitting.version)) {
      request.say("patch", `${diagnosis.reason}, and this is ${env.python.version}`);
      const one = await widen(request, env, refusal);
      widened.set(refusal.name, one);
      env = { ...env, record: notePatched(env.record, one) };
    } else {
      widened.clear();
      env = await createEnv(request, { python: fitting.path, words: `Python ${fitting.version} (${fitting.path}): ${diagnosis.reason}` });
    }
  }
}

function titleOf({ requirement }: ReadRequest): string {
  return maskUrls(requirement.text);
}

function notePatched(record: EnvRecord, { name, from, to }: Widened): EnvRecord {
  return { ...record, patched: [...record.patched.filter((it) => it.name !== name), { name, from, to }] };
}

function tryInstall(request: ReadRequest, { installer, python, record }: ProvidedEnv, widened: readonly Widened[]): Promise<ToolEnd> {
  const { folder, index, env } = request;
  const name = request.requirement.name === undefined ? {} : { name: request.requirement.name };
  writeRecord(folder, { ...record, ...name, step: "installing", asked: request.asked });
  const tool = installTool({
    installer,
    python: python.path,
    requirements: withWheels(request, widened),
    index,
    env,
    hide: (it) => hideIn(request, it),
  });
  request.say("install", `installing ${titleOf(request)}`);
  return tryStep(request, "install", tool);
}

/** A wheel that is named is taken before all that an index has. */
function withWheels({ requirement, extra }: ReadRequest, widened: readonly Widened[]): string[] {
  const asked = [requirement, ...extra];
  const own = asked.map((it) => {
    const instead = widened.find(({ name }) => name === it.name);
    return instead === undefined ? it.text : fromWheel(it, instead.name, instead.wheel);
  });
  const others = widened.filter(({ name }) => asked.every((it) => it.name !== name));
  return [...own, ...others.map((it) => fromWheel({ extras: "", marker: "" }, it.name, it.wheel))];
}

function hideIn({ scratch }: ReadRequest, requirements: readonly string[]): string {
  const file = hiddenFile(scratch);
  writeFileWhole(file, `${requirements.join("\n")}\n`);
  return file;
}

function hiddenFile(scratch: string): string {
  return join(scratch, "requirements.txt");
}

async function widen(request: ReadRequest, env: ProvidedEnv, refusal: Refusal): Promise<Widened> {
  const { requirement, scratch, say, source } = request;
  const isRoot = requirement.name === refusal.name;
  const action = `widen "${refusal.name}"`;
  const pip = await findPip(request, env);
  return widenPackage({
    refusal: isRoot && requirement.specifier !== "" ? { ...refusal, specifier: requirement.specifier } : refusal,
    python: env.python,
    source: isRoot ? source : undefined,
    scratch,
    say,
    tryPip: async (step, words, variables = {}) => {
      const tool = pipTool({ python: pip, words, index: request.index, env: asPipEnvironment(request.env) });
      const end = await tryStep(request, step, { ...tool, variables: { ...tool.variables, ...variables } });
      return end.code === 0 ? undefined : failureOf(request, end, action);
    },
    hide: (requirements) => hideIn(request, requirements),
    runPython: (step, words) => runPython(request, env.python.path, { step, words, action }),
  });
}

/** An interpreter with pip: uv can neither fetch a source nor put pip into an environment without an index. */
async function findPip(request: ReadRequest, { installer, python, record }: ProvidedEnv): Promise<string> {
  if (installer.name === "pip") return python.path;
  const folder = join(request.scratch, "tools");
  const own = join(folder, "bin", "python");
  // the one below the environment: it builds for the same Python
  for (const path of [python.path, record.python?.realPath, own]) {
    if (path !== undefined && (await hasPip(path, request.env))) return path;
  }
  request.say("fetch-source", "making an environment with pip beside it");
  rmSync(folder, { recursive: true, force: true });
  for (const tool of venvTools({ python: python.path, folder, env: request.env })) {
    await runStep(request, "fetch-source", tool, "make an environment with pip");
  }
  return own;
}

const PIP_TIMEOUT_MS = 20_000;

async function hasPip(python: string, env: ReadRequest["env"]): Promise<boolean> {
  const question = { env: toolEnvironment(env), timeoutMs: PIP_TIMEOUT_MS };
  return existsSync(python) && (await askProgram([python, "-m", "pip", "--version"], question)).exit === 0;
}

interface PythonRun {
  step: PythonEnvStep;
  words: readonly string[];
  action: string;
}

function runPython(request: ReadRequest, python: string, { step, words, action }: PythonRun): Promise<string> {
  return runStep(request, step, { argv: [python, "-I", ...words], env: toolEnvironment(request.env) }, action);
}

/** Of packages with one module, the one that is wanted. Where others are there, too, all go first: they share files. */
async function keepOnly(request: ReadRequest, { installer, python }: ProvidedEnv): Promise<void> {
  const { only, index, env, scratch } = request;
  if (only === undefined) return;
  const { requirement, of } = only;
  const { name = "", text } = requirement;
  const script = scriptFile(scratch, "list-installed.py", LIST_INSTALLED);
  const action = `install "${text}" alone`;
  const output = await runPython(request, python.path, { step: "install", words: [script, ...of], action });
  const there = JSON.parse(markedLine(output) ?? "[]") as string[];
  const others = there.filter((it) => it !== name);
  if (others.length === 0 && there.length === 1 && requirement.specifier === "") return;
  request.say("install", `installing ${text}${others.length === 0 ? "" : ` instead of ${others.join(" and ")}`}`);
  if (others.length > 0) await runStep(request, "install", uninstallTool({ installer, python: python.path, env }, there), action);
  const tool = { installer, python: python.path, requirements: [text], index, env, hide: (it: readonly string[]) => hideIn(request, it) };
  await runStep(request, "install", installTool(tool), action);
}

function markedLine(output: string): string | undefined {
  return output
    .split("\n")
    .find((it) => it.startsWith(METADATA_MARK))
    ?.slice(METADATA_MARK.length);
}

/** The tool says that it did it; the package's metadata says what is there. */
async function verify(request: ReadRequest, env: ProvidedEnv): Promise<EnvRecord> {
  const { requirement, folder, scratch } = request;
  const script = scriptFile(scratch, "installed.py", INSTALLED);
  const location = requirement.location === undefined ? "" : asUrl(requirement.location);
  const output = await runPython(request, env.python.path, {
    step: "verify",
    words: [script, requirement.name ?? "", location],
    action: "read what is installed",
  });
  const line = markedLine(output);
  if (line === undefined) {
    throw new PythonEnvError(
      "failed",
      `Cannot install "${titleOf(request)}": ${env.installer.name} ended well, but the package is not there`,
      {
        hint: `Read the whole log: ${request.log}`,
      },
    );
  }
  const found = JSON.parse(line) as { name: string; version: string; metadata: string };
  const name = requirement.name === undefined ? {} : { name: requirement.name };
  const record: EnvRecord = { ...env.record, ...name, step: "installed", asked: request.asked, package: found };
  writeRecord(folder, record);
  rmSync(hiddenFile(scratch), { force: true });
  request.say("verify", `${found.name} ${found.version} is installed`);
  return record;
}

/** As `direct_url.json` (PEP 610) has it: without a login. */
function asUrl(location: string): string {
  if (location.startsWith("/")) return Bun.pathToFileURL(location).href;
  return location.replace(/^[a-z]+\+/, "").replace(/\/\/[^/@]*@/, "//");
}
