/** Addresses that no host of the internet has: those of local networks, of this host itself, and those kept for documents and tests. */

/** Private (RFC 1918, RFC 4193), link-local (RFC 3927, RFC 4291), loopback, shared by a provider (RFC 6598), for documents and benchmarks (RFC 5737, RFC 2544). */
const LOCAL_RANGES: readonly string[] = [
  ...["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10"],
  ...["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15"],
  ...["fc00::/7", "fe80::/10", "::1/128"],
];

/** Without a zone (`%eth0`). */
export function isLocalAddress(address: string): boolean {
  const bytes = addressBytes(address);
  return LOCAL_RANGES.some((range) => {
    const { network, mask } = readRange(range);
    return network.length === bytes.length && network.every((byte, index) => byte === ((bytes[index] ?? 0) & (mask[index] ?? 0)));
  });
}

interface Range {
  network: Uint8Array;
  mask: Uint8Array;
}

/** `10.0.0.0/8` */
function readRange(range: string): Range {
  const [address = "", length = "0"] = range.split("/");
  const network = addressBytes(address);
  return { network, mask: network.map((_, index) => 256 - 2 ** (8 - Math.min(8, Math.max(0, Number(length) - index * 8)))) };
}

/** Four of IPv4, sixteen of IPv6. */
export function addressBytes(address: string): Uint8Array {
  if (!address.includes(":")) return Uint8Array.from(address.split(".").map(Number));
  // a URL's parser writes it in one way
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const words = (part: string): number[] => (part === "" ? [] : part.split(":").map((word) => Number.parseInt(word, 16)));
  const [before, after] = [words(head), words(tail ?? "")];
  const all = tail === undefined ? before : [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}
