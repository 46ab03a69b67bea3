/** Whether the host ports that the services want are free, or theirs. */
import { type Key, listKeys } from "../config/list-keys.ts";
import type { Values } from "../config/read-values.ts";
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
  /** The configuration's key for it, where one can be told. */
  key: string | undefined;
}

/** Of services that are not up: what is up has its ports. */
export function judgePorts(facts: readonly PortFacts[], isUp: readonly string[]): Finding[] {
  const taken = facts.filter((it) => it.owner !== undefined);
  if (taken.length === 0) {
    const words = facts.map(({ handle, port }) => `${port} (${handle})`).join(", ");
    const up = isUp.length === 0 ? "" : `; ${isUp.join(", ")} ${isUp.length === 1 ? "is" : "are"} up`;
    return [ok(`${words === "" ? "no port is wanted" : `free: ${words}`}${up}`)];
  }
  return taken.map(({ handle, port, address, owner, key }) =>
    failed({
      what: `port ${port} of ${address}, which ${handle} wants, is taken by ${owner}`,
      why: `harbor up would refuse to start ${handle}`,
      fix: `End that process${key === undefined ? "" : `, or take another port: harbor config set ${key} ${port + 1000}`}`,
    }),
  );
}

/** The key of that service's that has this port for its value. */
function keyOfPort({ handle, port }: { handle: string; port: number }, keys: readonly Key[], values: Values): string | undefined {
  const own = keys.filter(({ key }) => key.startsWith(`${handle}.`) && key.endsWith("port"));
  return own.find(({ name, default: byDefault }) => (values.get(name) ?? byDefault) === String(port))?.key;
}

export const checkPortsFree: Check = {
  name: "ports",
  group: "network",
  about: "whether the ports of what would start are free",
  async run(context) {
    const { plan } = await context.plan();
    const values = context.values();
    const keys = () => [...listKeys({ workspace: context.workspace() }).values()];
    const up = new Set(context.record()?.services ?? []);
    const wanted = plan.services
      .filter(({ handle }) => !up.has(handle))
      .flatMap(({ handle, ports }) => ports.map(({ published, address }) => ({ handle, port: published, address })));
    const facts = wanted.map((it): PortFacts => {
      const owner = checkPorts({ ports: [it.port], address: it.address === "0.0.0.0" ? undefined : it.address })[0];
      if (owner === undefined) return { ...it, owner: undefined, key: undefined };
      return { ...it, owner: formatPortOwner(owner), key: keyOfPort(it, keys(), values) };
    });
    return judgePorts(facts, [...up]);
  },
};
