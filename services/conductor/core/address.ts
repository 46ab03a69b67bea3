/**
 * Where a component may say that it is. The conductor sends requests there (`/route`, health checks), so a component that could
 * name any address could have it fetch what only this host reaches: it is at the address it registers from, or at one that
 * whoever runs the conductor has allowed (`HARBOR_CONDUCTOR_ALLOWED_HOSTS`). Harbor itself, which shows that it is by a token of its
 * own, says where the services are that it runs: by their names in the stack's network, which are no component's to claim.
 */
import { ConductorError } from "./conductor-error.ts";

const LOOPBACK = ["127.0.0.1", "::1", "localhost"];

export interface AddressRules {
  /** Names and addresses; `*.internal` is every name below it. */
  readonly allowedHosts: readonly string[];
  /** Where the conductor itself listens: nobody is at that place, or a request would go round for ever. */
  readonly ownPort: () => number;
  /** Harbor says it: any host is taken. */
  readonly isOfStack?: boolean;
}

/** Without what IPv6 sockets write before an IPv4 address, and without brackets. */
export function plainAddress(address: string): string {
  return address
    .replace(/^\[|\]$/g, "")
    .replace(/^::ffff:(?=\d+\.)/i, "")
    .toLowerCase();
}

/** The host that counts for a component. Throws `bad_address` for one that it may not claim. */
export function checkHost(rules: AddressRules, from: string, host: string | undefined, port: number): string {
  const origin = plainAddress(from);
  const claimed = host === undefined ? origin : plainAddress(host);
  if (rules.isOfStack !== true && !isOwnHost(rules, origin, claimed)) {
    throw new ConductorError("bad_address", `A component that registers from ${origin} may not be at "${claimed}"`, {
      hint: `leave out "host", or have the conductor allow it: harbor config set conductor.allowed_hosts ${claimed}`,
      details: { field: "host" },
    });
  }
  if (LOOPBACK.includes(claimed) && port === rules.ownPort()) {
    throw new ConductorError("bad_address", `Port ${port} is the conductor's own`, { details: { field: "port" } });
  }
  return claimed;
}

/** A path on the component's port, or a URL elsewhere on its host, `tcp://` where a connection has to do; whichever says it in a shorter way. Throws `bad_address`. */
export function checkHealthUrl(rules: AddressRules, from: string, host: string, port: number, text: string): string {
  const url = URL.parse(text, `http://${inUrl(host)}:${port}/`);
  const fail = (why: string, hint: string): never => {
    throw new ConductorError("bad_address", `"health_check_url" ${why}: "${text}"`, { hint, details: { field: "health_check_url" } });
  };
  if (url === null || !["http:", "https:", "tcp:"].includes(url.protocol)) {
    return fail("is no http or tcp URL, nor a path", 'as in "/health"');
  }
  if (url.protocol === "tcp:" && (url.port === "" || !["", "/"].includes(url.pathname + url.search))) {
    return fail("is no address of a port", `as in "tcp://${inUrl(host)}:${port}"`);
  }
  if (url.username !== "" || url.password !== "") return fail("has a password in it", "health checks ask without one");
  const named = plainAddress(url.hostname);
  const isOwn = named === host || (LOOPBACK.includes(named) && LOOPBACK.includes(host)) || isOwnHost(rules, plainAddress(from), named);
  if (!isOwn) return fail("is not at the component's own address", `a path is enough: "${url.pathname}" on port ${port} of ${host}`);
  if (LOOPBACK.includes(named) && Number(url.port || 80) === rules.ownPort()) return fail("is the conductor's own", 'as in "/health"');
  return url.origin === `http://${inUrl(host)}:${port}` ? `${url.pathname}${url.search}` : url.href;
}

/** As it stands in a URL. */
export function inUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function isOwnHost({ allowedHosts }: AddressRules, origin: string, claimed: string): boolean {
  if (claimed === origin || (LOOPBACK.includes(origin) && LOOPBACK.includes(claimed))) return true;
  return allowedHosts.some((allowed) =>
    allowed.startsWith("*.") ? claimed.endsWith(allowed.slice(1)) : claimed === allowed.toLowerCase(),
  );
}
