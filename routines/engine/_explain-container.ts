/** Why a container does not come up: how it ended, what its healthcheck said, the last it wrote. */
import { HarborError } from "../_script/error.ts";
import type { Engine } from "./connect-engine.ts";
import type { Container } from "./list-containers.ts";
import { readLogs } from "./read-logs.ts";

const LOG_LINES = 20;

interface ContainerState {
  ExitCode: number;
  Error?: string;
  OOMKilled?: boolean;
  Health?: { Log?: { ExitCode: number; Output: string }[] };
}

/** For one that has failed: what it did, and the last lines of its log. */
export async function describeFailure(engine: Engine, container: Container): Promise<HarborError> {
  const state = await inspectState(engine, container);
  return new HarborError(`Cannot start "${container.service}": ${wordFailure(container, state)}`, {
    details: await readLastLines(engine, container),
    hint: `With \`harbor up --keep\` it stays, and \`harbor logs ${container.handle}\` shows more`,
  });
}

/** For those that were not ready in time: what each was doing, and the last lines of its log. */
export async function describeTimeout(engine: Engine, waiting: readonly Container[], timeoutMs: number): Promise<HarborError> {
  const names = waiting.map((container) => `"${container.service}"`).join(", ");
  const details = await Promise.all(waiting.map(async (it) => [await describeOne(engine, it), ...(await readLastLines(engine, it))]));
  return new HarborError(`Cannot wait any longer for ${names}: not ready after ${timeoutMs / 1000} s`, {
    exit: "timeout",
    details: details.flat(),
    hint: "Wait longer with --wait-timeout; with `harbor up --keep` it stays, and `harbor logs` shows more",
  });
}

async function describeOne(engine: Engine, container: Container): Promise<string> {
  const probe = lastProbe(await inspectState(engine, container));
  const doing = container.health === "" ? container.state : `${container.state}, health: ${container.health}`;
  return `${container.service}: ${doing}${probe === undefined ? "" : ` (${probe})`}`;
}

async function inspectState(engine: Engine, container: Container): Promise<ContainerState> {
  return (await engine.get<{ State: ContainerState }>(`/containers/${container.id}/json`)).State;
}

function wordFailure({ name, health, exitCode }: Container, state: ContainerState): string {
  const probe = lastProbe(state);
  if (health === "unhealthy") return `container "${name}" is unhealthy${probe === undefined ? "" : ` (${probe})`}`;
  // one that is started again has no code of its own while it runs: the list told it
  const why = state.OOMKilled ? " (out of memory)" : state.Error ? ` (${state.Error})` : "";
  return `container "${name}" ended with code ${exitCode ?? state.ExitCode}${why}`;
}

function lastProbe(state: ContainerState): string | undefined {
  const last = state.Health?.Log?.at(-1);
  if (last === undefined || last.ExitCode === 0) return undefined;
  const output = last.Output.trim().split("\n").at(-1)?.trim();
  return `its check says: ${output || `code ${last.ExitCode}`}`;
}

async function readLastLines(engine: Engine, container: Container): Promise<string[]> {
  const lines: string[] = [];
  for await (const { line } of readLogs({ engine, containers: [container], tail: LOG_LINES })) lines.push(line);
  return lines;
}
