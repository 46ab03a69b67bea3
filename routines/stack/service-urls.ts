/** A planned service → where it is reached: from this host, from the local network, from other services of the stack. */
import type { ConnectedSpec, PlannedService } from "../compose/make-plan.ts";
import { isLoopback } from "../config/connection.ts";

export interface ServiceUrls {
  local: string[];
  /** Empty where it listens on this host alone. */
  lan: string[];
  /** By its name and its port within the stack. */
  internal: string[];
}

/** `lanAddress`: of this host in the local network. */
export function serviceUrls({ handle, ports, urls, connection }: PlannedService, lanAddress: string | undefined): ServiceUrls {
  if (connection !== undefined) return serverUrls(connection);
  const scheme = urls[0]?.split("://")[0] ?? "http";
  const tcp = ports.filter((port) => port.protocol === "tcp");
  const open = tcp.filter(({ address }) => isEverywhere(address) || address === lanAddress);
  const target = ports[0]?.target;
  return {
    local: urls,
    lan: lanAddress === undefined ? [] : open.map(({ published }) => `${scheme}://${lanAddress}:${published}`),
    internal: target === undefined ? [] : [`${scheme}://${handle}:${target}`],
  };
}

/** A server of the user's own is where it is; containers come to it by the bridge, which speaks for them. */
function serverUrls({ handle, url, address, containerPort, question }: ConnectedSpec): ServiceUrls {
  const scheme = question.path === undefined ? address.scheme : "http";
  return { local: [url], lan: isLoopback(address) ? [] : [url], internal: [`${scheme}://${handle}:${containerPort}`] };
}

function isEverywhere(address: string): boolean {
  return address === "" || address === "0.0.0.0" || address === "::";
}

/** How a service would come to be reached by others: what an error suggests. */
export function howToExpose({ handle }: Pick<PlannedService, "handle">): string {
  return `\`harbor expose ${handle}\` opens it to the local network, with TLS and a password`;
}
