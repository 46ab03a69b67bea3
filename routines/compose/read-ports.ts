/**
 * The ports that a service of the model publishes on the host, short and long syntax, after
 * interpolation. Rule: https://github.com/compose-spec/compose-spec/blob/main/05-services.md#ports
 */
import { HarborError } from "../_script/error.ts";
import { interpolate } from "./interpolate.ts";

export interface PublishedPort {
  /** Empty: every address of the host. */
  address: string;
  published: number;
  target: number;
  protocol: string;
}

type Lookup = (name: string) => string | undefined;

/** One entry a port; a range gives one for each; a port that the engine chooses is left out. Throws for what is no port. */
export function readPorts(service: Record<string, unknown>, values: Lookup): PublishedPort[] {
  if (!Array.isArray(service.ports)) return [];
  return service.ports.flatMap((entry: unknown) =>
    isMap(entry) ? longPort(entry, values) : shortPort(interpolate(String(entry), values)),
  );
}

/** The first container port named in `ports`, published or not. */
export function firstTarget(service: Record<string, unknown>, values: Lookup): number | undefined {
  const entry: unknown = Array.isArray(service.ports) ? service.ports[0] : undefined;
  if (entry === undefined) return undefined;
  const text = isMap(entry) ? String(entry.target ?? "") : (interpolate(String(entry), values).split("/")[0]?.split(":").pop() ?? "");
  const port = Number.parseInt(interpolate(text, values), 10);
  return Number.isNaN(port) ? undefined : port;
}

function longPort(entry: Record<string, unknown>, values: Lookup): PublishedPort[] {
  const text = (key: string): string => interpolate(String(entry[key] ?? ""), values);
  return expand(text("host_ip"), text("published"), text("target"), text("protocol") || "tcp");
}

/** `[[address:]published:]target[/protocol]`; an IPv6 address stands in brackets or has more colons. */
function shortPort(text: string): PublishedPort[] {
  const [mapping = "", protocol = "tcp"] = text.split("/");
  const parts = mapping.split(":");
  const target = parts.pop() ?? "";
  const published = parts.pop() ?? "";
  return expand(parts.join(":").replace(/^\[|\]$/g, ""), published, target, protocol);
}

function expand(address: string, published: string, target: string, protocol: string): PublishedPort[] {
  const isChosen = published === "" || published === "0" || (published.includes("-") && !target.includes("-"));
  if (isChosen) return [];
  const [firstPublished, lastPublished] = range(published, `${published}:${target}`);
  const [first] = range(target, `${published}:${target}`);
  const ports: PublishedPort[] = [];
  for (let port = firstPublished; port <= lastPublished; port++) {
    ports.push({ address, published: port, target: first + port - firstPublished, protocol });
  }
  return ports;
}

/** One port, or two that a dash joins. */
function range(text: string, mapping: string): [number, number] {
  const [first = "", last = first] = text.split("-");
  for (const port of [first, last]) {
    if (/^\d{1,5}$/.test(port) && Number(port) <= 65_535) continue;
    throw new HarborError(`Cannot publish port "${mapping}": "${port}" is no port from 0 to 65535`);
  }
  return [Number(first), Number(last)];
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
