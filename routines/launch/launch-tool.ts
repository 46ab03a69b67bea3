/** One launch: a backend is chosen, and started where it does not run, then a model; the tool is pointed at both, and run in our place. */
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { endWith } from "../_script/script.ts";
import { interpolate } from "../compose/interpolate.ts";
import { openSecrets } from "../config/read-secrets.ts";
import { readValues, type Values } from "../config/read-values.ts";
import type { CurrentStack } from "../stack/current-stack.ts";
import { observeStack } from "../stack/observe-stack.ts";
import { stateOf } from "../stack/read-stack.ts";
import { note, warn } from "../stack/say.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { listHandles } from "../workspace/list-handles.ts";
import { askerOf, type Choose } from "./ask-choice.ts";
import { listBackends } from "./backends.ts";
import { bypassProxy } from "./bypass-proxy.ts";
import { checkApi } from "./check-api.ts";
import { type ChosenBackend, chooseBackend } from "./choose-backend.ts";
import { chooseModel } from "./choose-model.ts";
import { listModels, type Model } from "./list-models.ts";
import { type Launch, makeLaunch } from "./make-launch.ts";
import { renderScript, withoutKey } from "./render-launch.ts";
import { ASSUMED_CONTEXT, type Tool } from "./tool.ts";
import { findProgram, notInstalled } from "./tools.ts";

/** The options of `harbor launch` that a launch is made of. */
export interface LaunchArgs {
  backend: string | undefined;
  model: string | undefined;
  print: boolean;
  config: boolean;
  "show-secrets": boolean;
  workspace: string | undefined;
  json: boolean;
}

/** All that a launch is made of. */
export interface Scene {
  tool: Tool;
  args: LaunchArgs;
  stack: CurrentStack;
  workspace: Workspace;
}

interface Choices extends Scene {
  values: Values;
  /** Undefined where nobody can be asked, and where nothing is to be run. */
  choose: Choose | undefined;
}

/** The backend, and what it is reached at; started now unless nothing is to run. */
interface Reached extends ChosenBackend {
  url: string;
  key: string;
  wasStarted: boolean;
}

async function reachBackend({ tool, args, stack, workspace, values, choose }: Choices): Promise<Reached> {
  const { home, project, record } = stack;
  const env = process.env;
  const { services } = await observeStack({ home, env, project, needsEngine: false });
  const chosen = await chooseBackend({
    tool,
    backends: listBackends(workspace),
    handles: listHandles(workspace),
    named: args.backend ?? (values.get("HARBOR_LAUNCH_BACKEND") || undefined),
    services,
    choose,
  });
  const { handle, apiKey = "" } = chosen.backend;
  if (chosen.others.length > 0) note(`${handle} it is; --backend chooses another: ${chosen.others.join(", ")}`);
  const { startBackend, planBackend } = await import("./start-backend.ts");
  const options = { handle, directory: args.workspace, workspace, home, env, record };
  const started = chosen.service ?? (isPrinted(args) ? undefined : await startBackend(options));
  const url = started?.urls[0] ?? (isPrinted(args) ? await planBackend(options) : undefined);
  if (url === undefined) throw new HarborError(`Cannot point ${tool.title} at "${handle}": it publishes no port on this host`);
  Object.assign(process.env, bypassProxy(url, process.env)); // our own questions go the tool's way
  const wasStarted = chosen.service === undefined && started !== undefined;
  if (apiKey.includes("$")) await openSecrets(home);
  // read again: its first start may have made the key
  const key = interpolate(apiKey, apiKey.includes("$") ? readValues({ workspace, env }).get : values.get);
  return { ...chosen, url: url.replace(/\/+$/, ""), key, wasStarted };
}

/** In place of a model that nobody has named, while its backend does not run. */
const UNKNOWN_MODEL = "<model>";

async function pickModel({ args, values, choose }: Choices, { backend, service, wasStarted, url, key, api }: Reached): Promise<Model> {
  const { handle } = backend;
  const configured = values.get("HARBOR_LAUNCH_MODEL") || undefined;
  if (service === undefined && !wasStarted) return { id: args.model ?? configured ?? UNKNOWN_MODEL, contextLength: undefined };
  const [models] = await Promise.all([listModels({ handle, url, key }), checkApi({ handle, api, url, key })]);
  const chosen = await chooseModel({ handle, models, named: args.model, configured, choose });
  if (chosen.others.length > 0) note(`model ${chosen.model.id}; --model chooses another: ${chosen.others.join(", ")}`);
  return chosen.model;
}

function isPrinted(args: LaunchArgs): boolean {
  return args.print || args.config;
}

/** Runs it, or prints what would be run. Throws `missing`, `unknown` or `failed`, each with the next step. */
export async function launchTool(scene: Scene, words: readonly string[]): Promise<void> {
  const { tool, args, stack, workspace } = scene;
  const program = findProgram(tool, process.env.PATH ?? "");
  if (program === null && !isPrinted(args)) throw notInstalled(tool);
  const values = readValues({ workspace, env: process.env });
  const choices = { ...scene, values, choose: isPrinted(args) ? undefined : askerOf() };
  const reached = await reachBackend(choices);
  const { backend, api, url, key } = reached;
  const model = await pickModel(choices, reached);
  const stateDirectory = stateOf(stack.home).directory;
  const target = { api, url, model: model.id, contextLength: model.contextLength };
  const launch = makeLaunch({ tool, program: program ?? tool.program, target, key, stateDirectory, words, environment: process.env });
  if (isPrinted(args)) return print(scene, { launch, reached, model, isInstalled: program !== null });
  note(`${tool.title} with ${model.id} of ${backend.handle} (${url})`);
  warnOfContext(model, tool);
  const { runTool } = await import("./run-tool.ts");
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
