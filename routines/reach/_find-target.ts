/** A service that runs → where it is reached on this host, for what is put in front of it. */
import { HarborError } from "../_script/error.ts";
import type { Env } from "../config/read-values.ts";
import { currentStack } from "../stack/current-stack.ts";
import { findStackWorkspace } from "../stack/find-stack-workspace.ts";
import { observeStack } from "../stack/observe-stack.ts";
import { checkHandle, listHandles, throwUnknown } from "../workspace/list-handles.ts";

export interface Target {
  host: string;
  port: number;
  url: string;
}

/** Throws `unknown` for what is no service, `failed` for one that does not run, publishes nothing, or speaks no HTTP. */
export async function findTarget(handle: string, env: Env, verb: string): Promise<Target> {
  const { home, project, record } = currentStack(env);
  checkHandle(handle);
  const { services } = await observeStack({ home, env, project, needsEngine: record?.hasContainers ?? false });
  const service = services.find((it) => it.handle === handle);
  const refuse = (why: string, hint: string): HarborError => new HarborError(`Cannot ${verb} "${handle}": ${why}`, { hint });
  if (service === undefined) {
    const handles = listHandles(findStackWorkspace({ home, record }).workspace);
    if (!handles.includes(handle)) throwUnknown(handle, handles);
    throw refuse("it does not run", `Start it: harbor up ${handle}`);
  }
  if (service.runtime === "connected") throw refuse("it is connected: its server is not Harbor's to open", "Open it where it runs");
  const [url] = service.urls;
  if (url === undefined)
    throw refuse(service.state === "running" ? "it publishes no port" : `it is ${service.state}`, `harbor ps ${handle} says more`);
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== "http:")
    throw refuse(
      `it speaks ${protocol.slice(0, -1)}, and a front is for HTTP`,
      `Publish it by itself: harbor config set bind_address <address>`,
    );
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 80), url };
}
