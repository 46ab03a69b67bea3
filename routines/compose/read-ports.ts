/**
 * The ports that a service of the model publishes on the host, short and long syntax, after
 * interpolation. Rule: https://github.com/compose-spec/compose-spec/blob/main/05-services.md#ports
 */
import { HarborError } from "../_script/error.ts";
import { RawScalar, rawToNumber } from "../_script/yaml.ts";
import { isMap } from "./_merge-tree.ts";
import { type PortBinding, parsePorts } from "./_parse-ports.ts";
import { interpolate } from "./interpolate.ts";

export interface PublishedPort {
  /** Empty: every address of the host. */
  address: string;
  published: number;
  target: number;
  protocol: string;
}

/** How this host reaches what is published on an address: the host part of a URL. */
export function hostOf(address: string): string {
  if (address === "" || address === "0.0.0.0" || address === "::") return "127.0.0.1";
  return address.includes(":") ? `[${address}]` : address;
}

type Lookup = (name: string) => string | undefined;

/** One entry a port; a range gives one for each; a port that the engine chooses is left out. Throws for what is no port. */
export function readPorts(service: Record<string, unknown>, values: Lookup): PublishedPort[] {
  if (!Array.isArray(service.ports)) return [];
  return service.ports.flatMap((entry: unknown) => {
    const { text, bindings } = bindingsOf(entry, values);
    if (bindings === undefined) throw refuse(text);
    return bindings.filter(({ published }) => isFixed(published)).map(asPublished);
  });
}

/** The first container port named in `ports`, published or not. */
export function firstTarget(service: Record<string, unknown>, values: Lookup): number | undefined {
  const entry: unknown = Array.isArray(service.ports) ? service.ports[0] : undefined;
  return entry === undefined ? undefined : bindingsOf(entry, values).bindings?.[0]?.target;
}

interface Bindings {
  /** The entry as a person reads it. */
  text: string;
  /** In the order of their numbers; undefined for what is no port. */
  bindings: PortBinding[] | undefined;
}

function bindingsOf(entry: unknown, values: Lookup): Bindings {
  if (!isMap(entry)) {
    const text = textOf(entry, values);
    return { text, bindings: parsePorts(text)?.sort((a, b) => a.target - b.target) };
  }
  const text = `${textOf(entry.published, values)}:${textOf(entry.target, values)}/${textOf(entry.protocol, values)}`.replace(/\/$/, "");
  // an address stands for itself there: an IPv6 one without brackets
  const hostIp = textOf(entry.host_ip, values);
  return { text, bindings: parsePorts(text)?.map((binding) => ({ ...binding, hostIp })) };
}

/** A scalar as compose reads it: 0x50 is 80. */
function textOf(value: unknown, values: Lookup): string {
  if (value instanceof RawScalar && value.kind === "int") return String(rawToNumber(value.text));
  return interpolate(String(value ?? ""), values);
}

/** Neither the engine's choice nor one from a range. */
function isFixed(published: string): boolean {
  return published !== "" && published !== "0" && !published.includes("-");
}

function asPublished({ hostIp, published, target, protocol }: PortBinding): PublishedPort {
  return { address: hostIp, published: Number(published), target, protocol };
}

function refuse(text: string): HarborError {
  return new HarborError(`Cannot publish port "${text}": it is no [[address:]published:]target[/protocol] with ports from 0 to 65535`, {
    hint: "An IPv6 address stands in brackets; of two ranges both are equally long; protocols are tcp, udp and sctp",
  });
}
