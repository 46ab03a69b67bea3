/**
 * What takes connections from the whole network: Harbor's own promise is that nothing of it does unless it is asked to, and model
 * servers beside it have no password either.
 */
import type { Container } from "../engine/list-containers.ts";
import { describeCommand, findHolders, type Listener, listExposedListeners } from "../host/read-listeners.ts";
import { listRecordHandles, readRecord } from "../native/process-record.ts";
import { stateOf } from "../stack/read-stack.ts";
import { ifReadable } from "./_if-readable.ts";
import type { Check } from "./check.ts";
import type { DoctorContext } from "./context.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface ListenerFacts {
  /** On 0.0.0.0 or [::]. */
  exposed: readonly ExposedListener[];
  /** Harbor's native services that have a process. */
  natives: readonly { handle: string; port: number | undefined; pid: number }[];
  /** Processes of relays: they have no port of their own. */
  relays: readonly number[];
  /** Ports that containers of the stack publish to everybody. */
  published: readonly { handle: string; port: number }[];
}

export interface ExposedListener {
  port: number;
  pid: number | undefined;
  /** The program and its leading words; undefined where it belongs to another user. */
  command: string | undefined;
}

interface KnownService {
  name: string;
  /** Nobody else's as a rule. */
  port?: number;
  command: RegExp;
  fix: string;
}

/** Servers of models and their neighbours, which ask for no password as they come. */
const KNOWN: readonly KnownService[] = [
  {
    name: "Ollama",
    port: 11434,
    command: /^ollama\b/,
    fix: 'Set OLLAMA_HOST=127.0.0.1 for it (`systemctl edit ollama`; on macOS `launchctl unsetenv OLLAMA_HOST` and the app\'s "Expose" off) and restart it; or let Harbor run it: harbor up -x ollama',
  },
  {
    name: "Docker's API without TLS",
    port: 2375,
    command: /^dockerd\b/,
    fix: "Take tcp:// out of the engine's hosts (daemon.json, its unit), and use ssh://",
  },
  { name: "LM Studio", port: 1234, command: /lm[-_ ]?studio/i, fix: 'Turn off "Serve on Local Network" in its server settings' },
  { name: "llama.cpp", command: /^llama-server\b/, fix: "Start it with --host 127.0.0.1" },
  { name: "vLLM", command: /\bvllm\b/, fix: "Start it with --host 127.0.0.1" },
  { name: "KoboldCpp", port: 5001, command: /kobold/i, fix: "Start it with --host 127.0.0.1" },
  { name: "ComfyUI", port: 8188, command: /\bcomfyui\b/i, fix: "Start it without --listen" },
  { name: "text-generation-webui", port: 7860, command: /text-generation-webui/i, fix: "Start it without --listen" },
  { name: "Jupyter", command: /\bjupyter/i, fix: "Start it with --ip 127.0.0.1" },
  { name: "Redis", port: 6379, command: /^redis-server\b/, fix: 'Put "bind 127.0.0.1 ::1" into redis.conf' },
];

export function judgeListeners({ exposed, natives, relays, published }: ListenerFacts): Finding[] {
  const found: Finding[] = [];
  for (const listener of exposed) {
    const native = natives.find(({ pid, port }) => pid === listener.pid || port === listener.port);
    if (native !== undefined) found.push(exposedNative(native.handle, listener));
    else if (listener.pid !== undefined && relays.includes(listener.pid)) found.push(exposedRelay(listener));
    else if (!published.some(({ port }) => port === listener.port)) found.push(...exposedKnown(listener));
  }
  for (const { handle, port } of published) found.push(exposedContainer(handle, port));
  return found.length > 0
    ? unique(found)
    : [ok("nothing of Harbor's and no model server that is known takes connections from the network")];
}

const REACHED = "Whoever reaches this host over the network can use it, without a password";

function exposedNative(handle: string, { port, pid }: ExposedListener): Finding {
  return failed({
    what: `${handle}, which runs natively, listens on every address of this host: port ${port}, pid ${pid ?? "unknown"}`,
    why: REACHED,
    fix: `Give its program \${HARBOR_NATIVE_ADDRESS} to listen on, in ${handle}_native.yml; then harbor restart ${handle}`,
  });
}

function exposedRelay({ port, pid }: ExposedListener): Finding {
  return failed({
    what: `a relay of Harbor's listens on port ${port} of this host, pid ${pid}`,
    why: `It must listen on nothing: what is behind it is open to the network`,
    fix: "harbor down, then report it: this is a bug in Harbor",
  });
}

function exposedContainer(handle: string, port: number): Finding {
  return warning({
    what: `${handle} is published to the network: port ${port} of every address`,
    why: `${REACHED}, unless it asks for one itself; a firewall of the host does not keep them out, for the engine goes around it`,
    fix: "harbor config unset bind_address, then harbor up, unless it is meant",
  });
}

function exposedKnown(listener: ExposedListener): Finding[] {
  const { port, pid, command } = listener;
  const known =
    KNOWN.find((it) => command !== undefined && it.command.test(command)) ?? KNOWN.find((it) => it.port !== undefined && it.port === port);
  if (known === undefined) return [];
  const owner = pid === undefined ? "a process of another user" : `pid ${pid}${command === undefined ? "" : `, ${command}`}`;
  return [failed({ what: `${known.name} listens on every address of this host: port ${port} (${owner})`, why: REACHED, fix: known.fix })];
}

/** A socket for IPv4 and one for IPv6 are one matter. */
function unique(found: readonly Finding[]): Finding[] {
  return found.filter((it, index) => found.findIndex(({ what }) => what === it.what) === index);
}

function describeListeners(listeners: readonly Listener[]): ExposedListener[] {
  const holders = findHolders(new Set(listeners.flatMap(({ inode }) => inode ?? [])));
  return listeners.map(({ port, inode, pid: own }) => {
    const pid = own ?? (inode === undefined ? undefined : holders.get(inode));
    return { port, pid, command: pid === undefined ? undefined : describeCommand(pid) };
  });
}

function readNatives(home: string): ListenerFacts["natives"] {
  const { directory } = stateOf(home);
  return listRecordHandles(directory).flatMap((handle) => {
    const record = readRecord(directory, handle);
    return record === undefined ? [] : [{ handle, port: record.port, pid: record.pid }];
  });
}

/** None where no engine answers: then no container runs either. */
async function readContainers(context: DoctorContext): Promise<Pick<ListenerFacts, "relays" | "published">> {
  const containers = await ifReadable(context.containers);
  if (containers === undefined) return { relays: [], published: [] };
  const running = containers.filter(({ state }) => state === "running");
  const relays = running.filter(({ runtime, service }) => runtime !== "container" && service.endsWith("-host"));
  const pids = await Promise.all(relays.map((it) => pidsOf(context, it)));
  const published = running.flatMap(({ handle, ports }) =>
    ports.flatMap(({ host, hostPort }) =>
      hostPort !== undefined && (host === "0.0.0.0" || host === "::") ? [{ handle, port: hostPort }] : [],
    ),
  );
  return { relays: pids.flat(), published };
}

/** Of this host. */
async function pidsOf(context: DoctorContext, { id }: Container): Promise<number[]> {
  const { engine } = await context.engine();
  const { Titles: titles = [], Processes: rows = [] } = await engine
    .get<{ Titles?: string[]; Processes?: string[][] }>(`/containers/${id}/top`, {}, context.signal)
    .catch(() => ({}) as { Titles?: string[]; Processes?: string[][] }); // it has just ended
  const column = titles.indexOf("PID");
  return column === -1 ? [] : rows.map((row) => Number(row[column]));
}

export const checkListeners: Check = {
  name: "listeners",
  group: "network",
  about: "what takes connections from the whole network",
  async run(context) {
    const listeners = listExposedListeners();
    const exposed = listeners.length === 0 ? [] : describeListeners(listeners);
    return judgeListeners({ exposed, natives: readNatives(context.home), ...(await readContainers(context)) });
  },
};
