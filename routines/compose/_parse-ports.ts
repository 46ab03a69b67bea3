/** The short spelling of ports: `[[ip:]published:]target[/protocol]`, each of the two a number or a range. */

export interface PortBinding {
  hostIp: string;
  /** "" where the engine is to choose; a range where it may choose from one. */
  published: string;
  target: number;
  protocol: string;
}

/** Every port of a text, in compose's order; undefined where compose cannot read it either. */
export function parsePorts(text: string): PortBinding[] | undefined {
  const parts = text.split(":");
  const targets = parts.pop() ?? "";
  const published = parts.pop() ?? "";
  const address = parts.join(":");
  const hostIp = address.replace(/^\[(.*)\]$/, "$1");
  const isBare = hostIp === address;
  if (hostIp !== "" && !isAddress(hostIp, isBare)) return undefined;
  const [range = "", protocol = "", ...more] = targets.split("/");
  if (range === "" || more.length > 0) return undefined;
  const target = parseRange(range);
  const host = published === "" ? undefined : parseRange(published);
  if (target === undefined || (published !== "" && host === undefined)) return undefined;
  const kind = protocol === "" ? "tcp" : protocol.toLowerCase();
  if (!["tcp", "udp", "sctp"].includes(kind)) return undefined;
  return pair(hostIp, kind, target, host);
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

/** IPv6 stands in brackets; `node:net` takes 5 ms to load, so the plain case goes without. */
function isAddress(text: string, isBare: boolean): boolean {
  if (IPV4.test(text)) return !/(?:^|\.)0\d/.test(text);
  return !isBare && (require("node:net") as typeof import("node:net")).isIPv6(text);
}

type Range = readonly [number, number];

function pair(hostIp: string, protocol: string, [first, last]: Range, host: Range | undefined): PortBinding[] | undefined {
  const isSingle = first === last;
  if (host !== undefined && last - first !== host[1] - host[0] && !isSingle) return undefined;
  const bindings: PortBinding[] = [];
  for (let offset = 0; offset <= last - first; offset++) {
    const isChoice = host !== undefined && isSingle && host[0] !== host[1];
    const published = host === undefined ? "" : isChoice ? `${host[0]}-${host[1]}` : String(host[0] + offset);
    bindings.push({ hostIp, published, target: first + offset, protocol });
  }
  // Compose sorts the ports of a range as text: 10000 comes before 9999.
  return bindings.sort((a, b) => (String(a.target) < String(b.target) ? -1 : 1));
}

function parseRange(text: string): Range | undefined {
  const [first = "", last = first, ...more] = text.split("-");
  if (more.length > 0 || !/^\d{1,5}$/.test(first) || !/^\d{1,5}$/.test(last)) return undefined;
  const range = [Number(first), Number(last)] as const;
  return range[1] < range[0] || range[1] > 65535 ? undefined : range;
}
