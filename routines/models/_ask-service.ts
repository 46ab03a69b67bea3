/** Requests to services of this stack, past whatever proxy the environment names. */
import { exceptFromProxy } from "../_script/except-from-proxy.ts";

/** As `fetch`; a redirect is an error, for no service has one there. */
export function askService(url: string, init: RequestInit): Promise<Response> {
  exceptFromProxy(new URL(url).hostname);
  return fetch(url, { ...init, redirect: "error" });
}
