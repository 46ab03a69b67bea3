/**
 * Another machine on this host's network: a network namespace joined to it by a pair of virtual
 * cables, which routes through this host. What it can connect to, the LAN can.
 */
import { shell } from "../../routines/_script/shell.ts";
import { type Result, resultOf } from "../_process.ts";

export interface Lan extends AsyncDisposable {
  /** This host's address, as seen from the other machine. */
  hostAddress: string;
  /** Whether a TCP connection from there is accepted. */
  canConnect(address: string, port: number): Promise<boolean>;
  /** Runs a program there to its end. */
  run(argv: readonly string[]): Promise<Result>;
  /** Starts one there; it is ended with the scope. */
  start(argv: readonly string[], env: Record<string, string>): Bun.Subprocess<"ignore", "pipe", "inherit">;
  /** The other machine's, as seen from here. */
  address: string;
}

/** Why there can be none here, or undefined. */
export function lanMissing(): string | undefined {
  if (process.platform !== "linux") return "network namespaces are Linux's";
  if (process.getuid?.() !== 0) return "only root can make a network namespace";
  return Bun.which("ip") && Bun.which("nc") ? undefined : "ip and nc are not installed";
}

/** Removed, with its cables, when its scope ends. Addresses are of the range that is kept for such tests (RFC 2544). */
export async function startLan(): Promise<Lan> {
  const $ = await shell();
  const id = crypto.randomUUID().slice(0, 6);
  const [name, here, there] = [`hb-${id}`, `hb${id}a`, `hb${id}b`];
  const byte = () => 1 + Math.floor(Math.random() * 250);
  const subnet = `198.18.${byte()}.${4 * Math.floor(byte() / 4)}`.split(".");
  const address = (last: number): string => [...subnet.slice(0, 3), Number(subnet[3]) + last].join(".");
  const started: Bun.Subprocess[] = [];
  const remove = async (): Promise<void> => {
    for (const child of started) child.kill("SIGKILL");
    await Promise.all(started.map((child) => child.exited));
    await $({ nothrow: true })`ip netns del ${name}`;
    await $({ nothrow: true })`ip link del ${here}`;
  };
  try {
    await $`ip netns add ${name}`;
    await $`ip link add ${here} type veth peer name ${there} netns ${name}`;
    await $`ip addr add ${address(1)}/30 dev ${here}`;
    await $`ip link set ${here} up`;
    await $`ip -n ${name} addr add ${address(2)}/30 dev ${there}`;
    await $`ip -n ${name} link set ${there} up`;
    await $`ip -n ${name} route add default via ${address(1)}`;
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    hostAddress: address(1),
    address: address(2),
    run: (argv) => resultOf(Bun.spawn(["ip", "netns", "exec", name, ...argv], { stdin: "ignore", stdout: "pipe", stderr: "pipe" })),
    start(argv, env) {
      const child = Bun.spawn(["ip", "netns", "exec", name, ...argv], {
        env: { ...process.env, ...env },
        stdio: ["ignore", "pipe", "inherit"],
      });
      started.push(child);
      return child;
    },
    canConnect: async (target, port) => (await $({ nothrow: true })`ip netns exec ${name} nc -z -w 2 ${target} ${port}`).exitCode === 0,
    [Symbol.asyncDispose]: remove,
  };
}
