/** `x-harbor-scheme` of a service that does not speak plain HTTP: what its URL begins with. It may depend on the service's settings. */
import { interpolate } from "./interpolate.ts";

export function readScheme(service: Readonly<Record<string, unknown>> | undefined, values: (name: string) => string | undefined): string {
  const written = service?.["x-harbor-scheme"];
  return typeof written === "string" ? interpolate(written, values) : "http";
}
