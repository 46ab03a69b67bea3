/** Whether names are resolved: localhost always, those of the internet for whoever fetches from there, on the host and in a container. */
import { ifReadable } from "./_if-readable.ts";
import type { Check } from "./check.ts";
import { bridgeTrial, REGISTRY } from "./check-bridge.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface DnsFacts {
  /** Addresses of localhost. */
  localhost: readonly string[];
  /** A name of the internet that was asked for, and its addresses here; empty where nobody knows it. */
  name: string;
  addresses: readonly string[];
  /** Whether a container knows it; undefined where none could be asked. */
  inContainer: boolean | undefined;
  /** A proxy of the environment may resolve names in this host's place. */
  hasProxy: boolean;
}

export function judgeDns({ localhost, name, addresses, inContainer, hasProxy }: DnsFacts): Finding[] {
  if (!localhost.some((address) => address === "127.0.0.1" || address === "::1")) {
    return [
      failed({
        what: `localhost is ${localhost.length === 0 ? "unknown" : localhost.join(", ")} here`,
        why: "Programs that speak to services of this host by that name do not find them",
        fix: 'Put "127.0.0.1 localhost" into /etc/hosts',
      }),
    ];
  }
  if (addresses.length === 0) {
    if (hasProxy) return [ok(`${name} is unknown here; the proxy of the environment resolves names`)];
    return [
      warning({
        what: `${name} is unknown here`,
        why: "Images and models cannot be fetched; what is here runs without",
        fix: "Look at the network and at /etc/resolv.conf; on a host without the internet there is nothing to mend",
      }),
    ];
  }
  if (inContainer !== false) return [ok(`${name} is known here${inContainer ? " and in a container" : ""}`)];
  return [
    warning({
      what: `${name} is known here, but not in a container`,
      why: "Services in containers fetch no models, and reach nothing outside",
      fix: 'Name a server that containers reach in the engine\'s daemon.json ("dns": ["192.0.2.1"]), or let the firewall forward what they ask',
    }),
  ];
}

const PATIENCE_MS = 1_000;

/** Empty for a name that nobody knows, or nobody says anything about in time. */
async function lookUp(name: string): Promise<string[]> {
  const late = Promise.withResolvers<string[]>();
  const timer = setTimeout(() => late.resolve([]), PATIENCE_MS);
  const asked = Bun.dns.lookup(name).then(
    (found) => found.map(({ address }) => address),
    () => [],
  );
  return Promise.race([asked, late.promise]).finally(() => clearTimeout(timer));
}

export const checkDns: Check = {
  name: "dns",
  group: "network",
  about: "whether names are resolved, here and in a container",
  async run(context) {
    const { env } = context;
    const [localhost, addresses] = await Promise.all([lookUp("localhost"), lookUp(REGISTRY)]);
    const inContainer = addresses.length === 0 ? undefined : (await ifReadable(() => bridgeTrial(context)))?.resolves;
    const hasProxy = [env.HTTPS_PROXY, env.https_proxy].some((it) => it !== undefined && it !== "");
    return judgeDns({ localhost, name: REGISTRY, addresses, inContainer, hasProxy });
  },
};
