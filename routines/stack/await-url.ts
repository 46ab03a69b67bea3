/** Waits until a service of the stack can be looked at, and says where. */
import { HarborError } from "../_script/error.ts";
import { openUrlVariable } from "../config/name-variable.ts";
import { type Env, readValues, type Values } from "../config/read-values.ts";
import { checkHandle, listHandles, throwUnknown } from "../workspace/list-handles.ts";
import { chooseMain } from "./choose-main.ts";
import { currentStack } from "./current-stack.ts";
import { findStackWorkspace } from "./find-stack-workspace.ts";
import { observeStack, type ServiceStatus } from "./observe-stack.ts";

export interface AwaitUrlOptions {
  env: Env;
  /** The main one when left out. */
  handle: string | undefined;
  timeoutMs: number;
  signal: AbortSignal;
  /** Told once where it has to wait. */
  onWait: (handle: string) => void;
}

export interface AwaitedUrl {
  handle: string;
  url: string;
  health: string;
}

const POLL_MS = 250;
/** On its way to be ready, as containers and natives say it. */
const ON_ITS_WAY: readonly string[] = ["created", "restarting", "pending", "starting", "backing-off"];

/** Throws `unknown` for no service, `failed` for one that does not run or has no URL, `timeout`, `interrupted`. */
export async function awaitUrl(options: AwaitUrlOptions): Promise<AwaitedUrl> {
  const { env, timeoutMs, signal } = options;
  const { home, project, record } = currentStack(env);
  const { workspace } = findStackWorkspace({ home, record });
  const values = readValues({ workspace, env });
  if (options.handle !== undefined) checkHandle(options.handle);
  const deadline = performance.now() + timeoutMs;
  let { handle } = options;
  for (let isFirst = true; ; isFirst = false) {
    const { services } = await observeStack({ home, env, project, needsEngine: record?.hasContainers ?? false, signal });
    handle ??= chooseMain({ services, workspace, values });
    const service = services.find((it) => it.handle === handle);
    if (service === undefined) return refuse(handle, listHandles(workspace));
    if (!isOnItsWay(service)) return asUrl(service, values);
    if (isFirst) options.onWait(handle);
    if (signal.aborted) throw new HarborError(`Cannot open "${handle}": interrupted`, { exit: "interrupted" });
    if (performance.now() > deadline)
      throw new HarborError(`Cannot open "${handle}": it is not ready yet`, { exit: "timeout", hint: `harbor logs ${handle}` });
    await Bun.sleep(POLL_MS);
  }
}

function isOnItsWay({ state, health }: ServiceStatus): boolean {
  return ON_ITS_WAY.includes(state) || (state === "running" && health === "starting");
}

function refuse(handle: string, handles: readonly string[]): never {
  if (!handles.includes(handle)) throwUnknown(handle, handles);
  throw new HarborError(`Cannot open "${handle}": it is not up`, { exit: "unknown", hint: `Start it: harbor up ${handle}` });
}

/** One that sleeps is started by whoever connects. */
function asUrl({ handle, state, health, urls }: ServiceStatus, values: Values): AwaitedUrl {
  if (state !== "running" && state !== "asleep") {
    throw new HarborError(`Cannot open "${handle}": it is ${state}`, { hint: `harbor ps ${handle} and harbor logs ${handle} say more` });
  }
  const own = values.get(openUrlVariable(handle));
  if (!own) {
    const [url] = urls;
    if (url === undefined) throw new HarborError(`Cannot open "${handle}": it publishes no port`);
    return { handle, url, health };
  }
  return { handle, url: readOpenUrl(handle, own, urls[0]), health };
}

/** A whole URL, or a path below the service's own. Throws for what is none that a browser should be handed. */
function readOpenUrl(handle: string, text: string, base: string | undefined): string {
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url.href;
  throw new HarborError(`Cannot open "${handle}": ${handle}.open_url is "${text}", which is no http or https URL`, {
    hint: `harbor config set ${handle}.open_url http://…, or a path such as /chat`,
  });
}
