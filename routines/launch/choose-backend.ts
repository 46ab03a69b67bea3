/** Which backend a tool is to talk to: the one named, else one that runs, else one that is started for it. */
import { HarborError } from "../_script/error.ts";
import type { ServiceStatus } from "../stack/observe-stack.ts";
import { checkHandle, throwUnknown } from "../workspace/list-handles.ts";
import type { Choose } from "./ask-choice.ts";
import type { Backend } from "./backends.ts";
import { API_NAMES, type Api, type Tool } from "./tool.ts";

export interface ChooseBackendOptions {
  tool: Tool;
  backends: readonly Backend[];
  /** Every handle of the workspace, for who names what is none of these. */
  handles: readonly string[];
  /** `--backend`, or what the configuration says. */
  named: string | undefined;
  services: readonly ServiceStatus[];
  /** Asks a person which to start; undefined where nobody can be asked. */
  choose: Choose | undefined;
}

export interface ChosenBackend {
  backend: Backend;
  api: Api;
  /** As it runs; undefined where it has to be started. */
  service: ServiceStatus | undefined;
  /** The others that would have done, where nobody chose. */
  others: readonly string[];
}

/** What is started where nothing runs and nobody can be asked; av/harbor's own choice. */
const DEFAULT_BACKEND = "llamacpp";

/** Throws `unknown` for a name that no service has, `failed` for a backend that does not speak what the tool does, `missing` where none does. */
export async function chooseBackend(options: ChooseBackendOptions): Promise<ChosenBackend> {
  const { tool, backends, named, services } = options;
  const running = (handle: string): ServiceStatus | undefined => services.find((it) => it.handle === handle && answers(it));
  const chosen = (backend: Backend, others: readonly Backend[] = []): ChosenBackend => ({
    backend,
    api: apiOf(tool, backend) as Api,
    service: running(backend.handle),
    others: others.filter((it) => it !== backend).map((it) => it.handle),
  });
  if (named !== undefined) return chosen(findNamed(named, options));
  const able = backends.filter((it) => apiOf(tool, it) !== undefined);
  const up = able.filter((it) => running(it.handle) !== undefined).sort((a, b) => rankOf(b, running) - rankOf(a, running));
  if (up[0] !== undefined) return chosen(up[0], up);
  const startable = able.filter((it) => it.hasModels);
  const [first] = startable.length > 0 ? startable : able;
  if (first === undefined) throw noBackend(tool);
  const byDefault = startable.find((it) => it.handle === DEFAULT_BACKEND) ?? first;
  if (options.choose === undefined || startable.length < 2) return chosen(byDefault, startable);
  const names = startable.map((it) => `${it.handle}  ${it.name}`);
  const answer = await options.choose(
    `Nothing runs that ${tool.title} can talk to. Which is to be started?`,
    names,
    startable.indexOf(byDefault),
  );
  return chosen(startable[answer] ?? byDefault);
}

/** One that sleeps answers too: the supervisor listens for it. */
function answers({ state, health, urls }: ServiceStatus): boolean {
  return urls.length > 0 && (state === "asleep" || (state === "running" && health !== "unhealthy"));
}

/** A model server before a gateway or a stand-in, a native one before a container. */
function rankOf({ handle, hasModels }: Backend, running: (handle: string) => ServiceStatus | undefined): number {
  return (hasModels ? 2 : 0) + (running(handle)?.runtime === "native" ? 1 : 0);
}

/** What both speak, the tool's best first. */
function apiOf(tool: Tool, backend: Backend): Api | undefined {
  return tool.speaks.find((api) => backend.apis.includes(api));
}

function findNamed(named: string, { tool, backends, handles }: ChooseBackendOptions): Backend {
  checkHandle(named);
  const backend = backends.find((it) => it.handle === named);
  const able = backends.filter((it) => apiOf(tool, it) !== undefined).map((it) => it.handle);
  if (backend === undefined) {
    if (!handles.includes(named)) throwUnknown(named, handles);
    throw new HarborError(`Cannot use "${named}" as a backend: it provides no API of a model server`, { hint: suggest(able) });
  }
  if (apiOf(tool, backend) !== undefined) return backend;
  throw new HarborError(
    `Cannot point ${tool.title} at "${named}": it speaks ${apiNames(tool.speaks)}, and ${backend.name} speaks ${apiNames(backend.apis)}`,
    { hint: suggest(able) },
  );
}

function noBackend(tool: Tool): HarborError {
  return new HarborError(`Cannot launch ${tool.title}: it speaks ${apiNames(tool.speaks)}, which no service of the workspace provides`, {
    exit: "missing",
    hint: "Run `harbor ls --tag backend` to see the backends; `provides` in their definitions says what they speak",
  });
}

export function apiNames(apis: readonly Api[]): string {
  return apis.map((api) => API_NAMES[api]).join(", ");
}

function suggest(able: readonly string[]): string {
  return able.length === 0 ? "No service of the workspace provides it" : `These do: ${able.join(", ")}`;
}
