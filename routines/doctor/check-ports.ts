/** Whether the host ports that the services want are free, or theirs. */
import { checkPorts } from "../host/check-ports.ts";
import { formatPortOwner } from "../host/find-port-owner.ts";
import type { Check } from "./check.ts";
import { type Finding, failed, ok } from "./finding.ts";

export interface PortFacts {
  handle: string;
  port: number;
  address: string;
  /** Who has it, in words; undefined where it is free. */
  owner: string | undefined;
}

/** Of services that are not up: what is up has its ports. */
export function judgePorts(facts: readonly PortFacts[], isUp: readonly string[]): Finding[] {
  const taken = facts.filter((it) => it.owner !== undefined);
  if (taken.length === 0) {
    const words = facts.map(({ handle, port }) => `${port} (${handle})`).join(", ");
    const up = isUp.length === 0 ? "" : `; ${isUp.join(", ")} ${isUp.length === 1 ? "is" : "are"} up`;
    return [ok(`${words === "" ? "no port is wanted" : `free: ${words}`}${up}`)];
  }
  return taken.map(({ handle, port, address, owner }) =>
    failed({
      what: `port ${port} of ${address}, which ${handle} wants, is taken by ${owner}`,
      why: `harbor up would refuse to start ${handle}`,
      fix: `End that process, or give ${handle} another port: harbor config ls --all shows its key, as in \`harbor config set ${handle}.host_port ${port + 1000}\``,
    }),
  );
}

export const checkPortsFree: Check = {
  name: "ports",
  group: "network",
  about: "whether the ports of what would start are free",
  async run(context) {
    const { plan } = await context.plan();
    const up = new Set(context.record()?.services ?? []);
    const wanted = plan.services
      .filter(({ handle }) => !up.has(handle))
      .flatMap(({ handle, ports }) => ports.map(({ published, address }) => ({ handle, port: published, address })));
    const facts = wanted.map((it): PortFacts => {
      const owner = checkPorts({ ports: [it.port], address: it.address === "0.0.0.0" ? undefined : it.address })[0];
      return { ...it, owner: owner === undefined ? undefined : formatPortOwner(owner) };
    });
    return judgePorts(facts, [...up]);
  },
};
