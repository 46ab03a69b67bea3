#!/usr/bin/env bun
/**
 * `harbor launch`: a coding tool of this host, pointed at a backend of the stack, which is started when it does not run.
 * The user's own configuration of the tool is not touched.
 *
 *   bun routines/launch.ts --backend ollama claude
 */
import { type ArgSpecs, type ArgValues, defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { formatPlace, HarborError } from "./_script/error.ts";
import { parseCommandArgs } from "./_script/parse-args.ts";
import { endWith, runScript } from "./_script/script.ts";
import { table } from "./_script/table.ts";
import { interpolate } from "./compose/interpolate.ts";
import { readValues, type Values } from "./config/read-values.ts";
import { askerOf, type Choose } from "./launch/ask-choice.ts";
import { type Backend, listBackends } from "./launch/backends.ts";
import { bypassProxy } from "./launch/bypass-proxy.ts";
import { checkApi } from "./launch/check-api.ts";
import { type ChosenBackend, chooseBackend } from "./launch/choose-backend.ts";
import { chooseModel } from "./launch/choose-model.ts";
import { listModels, type Model } from "./launch/list-models.ts";
import { type Launch, makeLaunch } from "./launch/make-launch.ts";
import { renderScript, withoutKey } from "./launch/render-launch.ts";
import { runTool } from "./launch/run-tool.ts";
import { planBackend, startBackend } from "./launch/start-backend.ts";
import { ASSUMED_CONTEXT, type Tool } from "./launch/tool.ts";
import { findProgram, findTool, notInstalled, TOOLS } from "./launch/tools.ts";
import { type CurrentStack, currentStack } from "./stack/current-stack.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { observeStack } from "./stack/observe-stack.ts";
import { stateOf } from "./stack/read-stack.ts";
import { note, warn } from "./stack/say.ts";
import type { Workspace } from "./workspace/find-workspace.ts";
import { listHandles } from "./workspace/list-handles.ts";

/** Its own, which stand before the tool. */
const ownArgs = {
  backend: { type: "string", description: "The service to talk to; else one that runs, else one that is started", valueHint: "H" },
  model: { type: "string", alias: "m", description: "The model; else HARBOR_LAUNCH_MODEL, else what the backend has", valueHint: "M" },
  print: { type: "boolean", description: "Print what the tool would be given, as a shell script, and run nothing" },
  config: { type: "boolean", description: "The same as --print" },
  "show-secrets": { type: "boolean", description: "Print the backend's key as well" },
  workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" },
  ...jsonArg,
} as const satisfies ArgSpecs;

type OwnArgs = ArgValues<typeof ownArgs>;

interface Line {
  args: OwnArgs;
  tool: string | undefined;
  /** For the tool, every one of them as it was typed. */
  words: readonly string[];
}

/** Up to the tool the words are ours; after it none is. */
function readLine(line: readonly string[]): Line {
  let at = 0;
  while (line[at]?.startsWith("-") && line[at] !== "--") at += takesNext(line[at] ?? "") ? 2 : 1;
  const own = line.slice(0, at).filter((word) => word !== "--debug");
  const { args } = parseCommandArgs(own, ownArgs, "harbor launch");
  const [tool, ...words] = line.slice(line[at] === "--" ? at + 1 : at);
  return { args, tool, words };
}

function takesNext(word: string): boolean {
  const spec = word.startsWith("--") ? Object.entries(ownArgs).find(([key]) => word === `--${key}`)?.[1] : undefined;
  return spec?.type === "string" || word === "-m";
}

interface ListedTool {
  name: string;
  title: string;
  /** Null where it is not installed. */
  program: string | null;
  install: string;
  speaks: readonly string[];
  /** Services of the workspace that speak it. */
  backends: string[];
  docs: string;
}

function listTools(backends: readonly Backend[]): ListedTool[] {
  return TOOLS.map((tool) => ({
    name: tool.name,
    title: tool.title,
    program: findProgram(tool, process.env.PATH ?? ""),
    install: tool.install,
    speaks: tool.speaks,
    backends: backends.filter(({ apis }) => tool.speaks.some((api) => apis.includes(api))).map(({ handle }) => handle),
    docs: tool.docs,
  }));
}

function renderTools(tools: readonly ListedTool[]): string {
  const rows = tools.map((it) => [it.name, it.title, it.speaks.join(" "), it.backends.join(" ") || "-", it.program ?? `no: ${it.install}`]);
  return table([["TOOL", "NAME", "SPEAKS", "BACKENDS", "INSTALLED"], ...rows]).join("\n");
}

/** One folder that cannot be read must not hide the others. */
function warnOfBroken(error: HarborError): void {
  warn([error.at === undefined ? error.message : `${formatPlace(error.at)}: ${error.message}`]);
}

/** All that a launch is made of. */
interface Scene {
  tool: Tool;
  args: OwnArgs;
  stack: CurrentStack;
  workspace: Workspace;
  values: Values;
  choose: Choose | undefined;
}

/** The backend, and what it is reached at; started now unless nothing is to run. */
interface Reached extends ChosenBackend {
  url: string;
  key: string;
  wasStarted: boolean;
}

async function reachBackend({ tool, args, stack, workspace, values, choose }: Scene): Promise<Reached> {
  const { home, project, record } = stack;
  const env = process.env;
  const { services } = await observeStack({ home, env, project, needsEngine: false });
  const chosen = await chooseBackend({
    tool,
    backends: listBackends(workspace, warnOfBroken),
    handles: listHandles(workspace),
    named: args.backend ?? (values.get("HARBOR_LAUNCH_BACKEND") || undefined),
    services,
    choose: isPrinted(args) ? undefined : choose,
  });
  const { handle, apiKey = "" } = chosen.backend;
  if (chosen.others.length > 0) note(`${handle} it is; --backend chooses another: ${chosen.others.join(", ")}`);
  const options = { handle, directory: args.workspace, workspace, home, env, record };
  const started = chosen.service ?? (isPrinted(args) ? undefined : await startBackend(options));
  const url = started?.urls[0] ?? (isPrinted(args) ? await planBackend(options) : undefined);
  if (url === undefined) throw new HarborError(`Cannot point ${tool.title} at "${handle}": it publishes no port on this host`);
  Object.assign(process.env, bypassProxy(url, process.env)); // our own questions go the tool's way
  const wasStarted = chosen.service === undefined && started !== undefined;
  return { ...chosen, url: url.replace(/\/+$/, ""), key: interpolate(apiKey, values.get), wasStarted };
}

/** In place of a model that nobody has named, while its backend does not run. */
const UNKNOWN_MODEL = "<model>";

async function pickModel({ args, values, choose }: Scene, { backend, service, wasStarted, url, key, api }: Reached): Promise<Model> {
  const { handle } = backend;
  const configured = values.get("HARBOR_LAUNCH_MODEL") || undefined;
  if (service === undefined && !wasStarted) return { id: args.model ?? configured ?? UNKNOWN_MODEL, contextLength: undefined };
  const [models] = await Promise.all([listModels({ handle, url, key }), checkApi({ handle, api, url, key })]);
  const chosen = await chooseModel({ handle, models, named: args.model, configured, choose: isPrinted(args) ? undefined : choose });
  if (chosen.others.length > 0) note(`model ${chosen.model.id}; --model chooses another: ${chosen.others.join(", ")}`);
  return chosen.model;
}

function isPrinted(args: OwnArgs): boolean {
  return args.print || args.config;
}

async function launchTool(scene: Scene, words: readonly string[]): Promise<void> {
  const { tool, args, stack } = scene;
  const program = findProgram(tool, process.env.PATH ?? "");
  if (program === null && !isPrinted(args)) throw notInstalled(tool);
  const reached = await reachBackend(scene);
  const { backend, api, url, key } = reached;
  const model = await pickModel(scene, reached);
  const stateDirectory = stateOf(stack.home).directory;
  const target = { api, url, model: model.id, contextLength: model.contextLength };
  const launch = makeLaunch({ tool, program: program ?? tool.program, target, key, stateDirectory, words, environment: process.env });
  if (isPrinted(args)) return print(scene, { launch, reached, model, isInstalled: program !== null });
  note(`${tool.title} with ${model.id} of ${backend.handle} (${url})`);
  warnOfContext(model, tool);
  const code = await runTool({ launch, stateDirectory, environment: process.env });
  if (reached.wasStarted) note(`${backend.handle} goes on running; harbor down ${backend.handle} stops it`);
  endWith(code);
}

function warnOfContext({ id, contextLength }: Model, tool: Tool): void {
  if (contextLength === undefined || contextLength >= ASSUMED_CONTEXT) return;
  warn([`The context of ${id} is ${contextLength} tokens; ${tool.title} may need more for its own instructions alone`]);
}

interface Printed {
  launch: Launch;
  reached: Reached;
  model: Model;
  isInstalled: boolean;
}

function print({ tool, args }: Scene, { launch, reached, model, isInstalled }: Printed): void {
  const { backend, api, url, service } = reached;
  const shown = args["show-secrets"] ? launch : withoutKey(launch, reached.key);
  const isRunning = service !== undefined;
  const result = { ...shown, isInstalled, backend: backend.handle, isRunning, api, url, model: model.id };
  const comments = [
    `${tool.title} with ${model.id} of ${backend.handle} (${url})`,
    ...(isInstalled ? [] : [`Not installed: ${tool.install}`]),
    ...(isRunning
      ? []
      : [`Not running: harbor launch would start ${backend.handle}${model.id === UNKNOWN_MODEL ? " and ask it for its models" : ""}`]),
  ];
  emit(result, { json: args.json, render: () => renderScript(shown, comments) });
}

export const command = defineCommand({
  meta: {
    name: "launch",
    description: "Run a coding tool of this host with a model of the stack",
    examples: [
      "harbor launch                                 The tools, which are installed, and what they speak",
      "harbor launch claude                          With what runs; started where nothing does",
      "harbor launch --backend ollama codex",
      "harbor launch -m qwen3:8b aider --message hi  Words after the tool are the tool's",
      "harbor launch --print opencode                What it would be given; nothing is run",
    ],
  },
  args: {
    ...ownArgs,
    tool: {
      type: "positional",
      description: `One of ${TOOLS.map(({ name }) => name).join(", ")}; options of Harbor's own stand before it`,
    },
    words: { type: "positional", description: "All that follows goes to the tool, options too", multiple: true },
  },
  passThrough: true,
  async run({ rest }) {
    const { args, tool: name, words } = readLine(rest);
    const stack = currentStack(process.env);
    const { workspace } = findStackWorkspace({ home: stack.home, record: stack.record, directory: args.workspace });
    if (name === undefined) {
      refuseAlone(args);
      return emit(listTools(listBackends(workspace, warnOfBroken)), { json: args.json, render: renderTools });
    }
    const tool = findTool(name);
    if (args.json && !isPrinted(args)) {
      throw new HarborError('Cannot run "launch" with --json: what is printed is the tool\'s', {
        exit: "usage",
        hint: "With --print it is Harbor's",
      });
    }
    await launchTool({ tool, args, stack, workspace, values: readValues({ workspace, env: process.env }), choose: askerOf() }, words);
  },
});

/** Options that mean something to a launch alone. */
function refuseAlone(args: OwnArgs): void {
  const given = (["backend", "model", "print", "config", "show-secrets"] as const).find(
    (key) => args[key] !== undefined && args[key] !== false,
  );
  if (given === undefined) return;
  throw new HarborError(`Cannot run "launch": --${given} is for a tool, and none is named`, {
    exit: "usage",
    hint: "Run `harbor launch` to see the tools",
  });
}

if (import.meta.main) await runScript(command);
