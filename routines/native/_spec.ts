/** What to run natively, with nothing left to look up: resolve-contract.ts makes one, a plan holds it, start-process.ts takes it. */
import type { BridgeMode, Dependencies, HookSpec, IdleSpec, LiveSpec, LogLimits, ReadySpec, RestartSpec, StopSpec } from "./_types.ts";

export interface NativeSpec {
  handle: string;
  /** Path of the contract. */
  contract: string;
  argv: string[];
  cwd: string;
  /** What contract and configuration name; the host's own part is added at the start. */
  env: Record<string, string>;
  /** Where it listens; none for a process that offers nothing, such as a job. */
  port?: number | undefined;
  /** Where it listens, if not on 127.0.0.1: one that containers connect to themselves. */
  address?: string;
  /** Where the stack's network finds it; there is one where there is a port. */
  containerPort?: number | undefined;
  /** Without a kind of probe: a connection to its port; without a port, that it runs. */
  ready: ReadySpec;
  live?: LiveSpec;
  stop: StopSpec;
  restart: RestartSpec;
  preStart?: HookSpec;
  postStop?: HookSpec;
  /** Native services by handle, all else by service of the compose model. */
  dependsOn: Dependencies;
  idle?: IdleSpec;
  logs: LogLimits;
  bridge: BridgeMode;
  install: Record<string, string>;
}

/**
 * In a spec of a service that sleeps, wherever its process is told its port: the supervisor listens on the service's own
 * port for it, and gives the process another at each start.
 */
export const PRIVATE_PORT = "{private-port}";

/** The same with a port for its process, if it is one that sleeps. */
export function atPort(spec: NativeSpec, port: number | undefined): NativeSpec {
  if (spec.idle === undefined || port === undefined) return spec;
  return { ...(JSON.parse(JSON.stringify(spec).replaceAll(PRIVATE_PORT, String(port))) as NativeSpec), port };
}

/** Where its process listens on this host. */
export function addressOf({ address }: Pick<NativeSpec, "address">): string {
  return address ?? "127.0.0.1";
}

/** One that others can connect to. */
export type OfferingSpec = NativeSpec & { port: number; containerPort: number };

export function offersPort(spec: NativeSpec): spec is OfferingSpec {
  return spec.port !== undefined && spec.containerPort !== undefined;
}

/** The same for two specs that start the same process the same way. */
export function fingerprintSpec(spec: NativeSpec): string {
  const env = Object.entries(spec.env).sort(([a], [b]) => (a < b ? -1 : 1));
  return new Bun.CryptoHasher("sha256").update(JSON.stringify([spec.argv, spec.cwd, env, spec.port])).digest("hex");
}
