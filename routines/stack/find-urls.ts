/** Where running services are reached, by what is asked: from this host, from the local network, or within the stack. */
import { HarborError } from "../_script/error.ts";
import type { Env } from "../config/read-values.ts";
import { checkHandle, listHandles, throwUnknown } from "../workspace/list-handles.ts";
import { type CurrentStack, currentStack } from "./current-stack.ts";
import { findStackWorkspace } from "./find-stack-workspace.ts";
import { observeStack, type ServiceStatus } from "./observe-stack.ts";
import { howToExpose, type ServiceUrls, serviceUrls } from "./service-urls.ts";

export interface FoundUrl {
  handle: string;
  url: string;
}

export interface FindUrlsOptions {
  env: Env;
  /** Every running service when left out. */
  handle?: string | undefined;
  kind: keyof ServiceUrls;
}

export interface FoundUrls {
  urls: FoundUrl[];
  /** How many services there are, running or not. */
  services: number;
}

/** Throws `unknown` for a handle that no layer has, `failed` for one that does not run or is not reached so. */
export async function findUrls({ env, handle, kind }: FindUrlsOptions): Promise<FoundUrls> {
  const stack = currentStack(env);
  const { home, project, record } = stack;
  if (handle !== undefined) checkHandle(handle);
  const { services, engineError } = await observeStack({ home, env, project, needsEngine: record?.hasContainers ?? false });
  const running = services.filter((it) => isReachable(it) && (handle === undefined || it.handle === handle));
  const lanAddress = kind === "lan" ? await lanAddressOf() : undefined;
  const urls = running.flatMap((it) => urlsOf(it, kind, stack, lanAddress).map((url) => ({ handle: it.handle, url })));
  if (handle !== undefined && urls.length === 0) throw whyNone(handle, running.length > 0, kind, stack, engineError);
  return { urls, services: services.length };
}

/** One that sleeps is started by whoever connects. */
function isReachable({ state }: ServiceStatus): boolean {
  return state === "running" || state === "asleep";
}

async function lanAddressOf(): Promise<string> {
  const { findLanAddress } = await import("../host/find-lan-address.ts");
  const address = await findLanAddress();
  if (address !== undefined) return address;
  throw new HarborError("Cannot find a URL for other machines: this host is in no network", { exit: "missing" });
}

function urlsOf(service: ServiceStatus, kind: keyof ServiceUrls, { record }: CurrentStack, lanAddress: string | undefined): string[] {
  if (kind === "local") return service.urls;
  // what asks for a password goes before what is simply open
  const exposed = kind === "lan" ? (service.reach ?? []).filter(({ way }) => way === "expose").map(({ url }) => url) : [];
  const planned = record?.planned.find((it) => it.handle === service.handle);
  return [...exposed, ...(planned === undefined ? [] : serviceUrls(planned, lanAddress)[kind])];
}

function whyNone(
  handle: string,
  isRunning: boolean,
  kind: keyof ServiceUrls,
  { home, record }: CurrentStack,
  engineError: HarborError | undefined,
): HarborError {
  const planned = record?.planned.find((it) => it.handle === handle);
  if (isRunning && kind === "lan" && planned?.runtime === "connected") {
    return new HarborError(`Cannot print a URL of "${handle}" for other machines: its server is on this host's loopback`, {
      hint: "It is not Harbor's: what it listens on is said where it is started",
    });
  }
  if (isRunning && kind === "lan" && planned !== undefined && planned.urls.length > 0) {
    return new HarborError(`Cannot print a URL of "${handle}" for other machines: it listens on this host alone`, {
      hint: howToExpose(planned),
    });
  }
  if (isRunning) return new HarborError(`Cannot print a URL of "${handle}": it publishes no port`);
  if (planned?.runtime === "connected") {
    return new HarborError(`Cannot print a URL of "${handle}": its server does not answer`, {
      details: planned.urls,
      hint: `Start it there; \`harbor ps ${handle}\` says more`,
    });
  }
  const handles = listHandles(findStackWorkspace({ home, record }).workspace);
  if (!handles.includes(handle)) throwUnknown(handle, handles);
  const details = engineError === undefined || engineError.exit === "missing" ? [] : [engineError.message];
  return new HarborError(`Cannot print a URL of "${handle}": it is not up`, {
    exit: "unknown",
    details,
    hint: `Start it: harbor up ${handle}`,
  });
}
