/** Why compose failed: first by asking the engine, then by compose's own words, which have no other form. */

import type { ContainerInfo } from "dockerode";
import { createEngineClient, type EngineClient } from "../_script/docker.ts";
import { HarborError } from "../_script/error.ts";
import { addressOf, explainEngineError } from "./_reach-engine.ts";
import { DependencyFailure } from "./dependency-failure.ts";
import type { Endpoint } from "./find-endpoint.ts";

export interface ComposeFailure {
  args: readonly string[];
  endpoint: Endpoint;
  code: number;
  stderrTail: readonly string[];
}

const PING_TIMEOUT_MS = 2_000;
const SHOWN_LINES = 12;

/** The error to throw for a compose that ended with a code other than 0. */
export async function explainComposeFailure(failure: ComposeFailure): Promise<HarborError> {
  const client = createEngineClient(addressOf(failure.endpoint));
  const trouble = await findEngineTrouble(client, failure.endpoint);
  if (trouble !== undefined) return hadBegun(failure.stderrTail) ? stoppedMidway(failure, trouble) : trouble;
  return (await explainPort(client, failure)) ?? explainPull(failure) ?? explainDependency(failure) ?? explainRest(failure);
}

async function findEngineTrouble(client: EngineClient, endpoint: Endpoint): Promise<HarborError | undefined> {
  try {
    await client.get("/version", {}, AbortSignal.timeout(PING_TIMEOUT_MS));
    return undefined;
  } catch (error) {
    return explainEngineError(endpoint, error);
  }
}

/** What compose is at, of which it writes a line for each step; the first comes only once the engine has answered. */
const STEP = /^\W*(?:Container|Network|Volume|Image) \S|^\W*\S+ Pull/;

function hadBegun(lines: readonly string[]): boolean {
  return lines.some((line) => STEP.test(line));
}

/** Headings of a drawn progress; and of an image that is not to be had but can be built, compose warns, then builds it. */
const ASIDE = /^\[\+\] |^\W*(?:Image )?\S+ Warning\b/;

/** What it said beside its steps; the last of it is why it ended. */
function wordsOf({ stderrTail }: ComposeFailure): string[] {
  return stderrTail.filter((line) => !STEP.test(line) && !ASIDE.test(line));
}

function stoppedMidway(failure: ComposeFailure, cause: HarborError): HarborError {
  return new HarborError(`Cannot go on: the container engine at ${failure.endpoint.host} stopped answering in the middle`, {
    exit: "missing",
    cause,
    details: wordsOf(failure).slice(-SHOWN_LINES),
    hint: "Start it again, then run the same command",
  });
}

const PORT_TAKEN =
  /(?:Bind for|listen (?:tcp|udp)[46]?|exposing port \S+) (\S+?):(\d+)\b.*(?:port is already allocated|address already in use)/;

async function explainPort(client: EngineClient, { stderrTail }: ComposeFailure): Promise<HarborError | undefined> {
  const match = stderrTail.map((line) => PORT_TAKEN.exec(line)).find((found) => found !== null);
  if (!match) return undefined;
  const [, address, port] = match;
  const holder = await findPortHolder(client, Number(port));
  return new HarborError(
    `Cannot publish ${address}:${port}: ${holder === undefined ? "another process" : `container "${holder}"`} has that port`,
    {
      hint: "Stop what has it, or give this service another host port",
      details: stderrTail.filter((line) => PORT_TAKEN.test(line)),
    },
  );
}

async function findPortHolder(client: EngineClient, port: number): Promise<string | undefined> {
  // it is only a name: an engine that does not tell it must not hide what compose told
  const containers = await client.get<ContainerInfo[]>("/containers/json", {}, AbortSignal.timeout(PING_TIMEOUT_MS)).catch(() => []);
  const holder = containers.find((container) => container.Ports.some((published) => published.PublicPort === port));
  return holder?.Names[0]?.replace(/^\//, "");
}

const PULL_FAILED =
  /pull access denied|manifest (?:for \S+ )?(?:unknown|not found)|repository \S+ not found|failed to resolve reference|failed to do request|toomanyrequests|no matching manifest|Get "https?:\/\/|No such image/i;

function explainPull(failure: ComposeFailure): HarborError | undefined {
  const reason = wordsOf(failure).at(-1);
  if (reason === undefined || !PULL_FAILED.test(reason)) return undefined;
  const services = [
    ...new Set(failure.stderrTail.map((line) => /^\W*(?:Image )?(\S+) Error\b/.exec(line)?.[1]).filter((name) => name !== undefined)),
  ];
  const what = services.length === 0 ? "an image" : `the image of ${services.map((name) => `"${name}"`).join(", ")}`;
  return new HarborError(`Cannot pull ${what}: ${withoutPrefix(reason)}`, {
    hint: "Check the network, the image's name and tag, and whether it wants `docker login`",
  });
}

const DEPENDENCY_FAILED = /dependency failed to start: (.+)|(service \S+ didn't complete successfully: .+)/;

function explainDependency({ stderrTail }: ComposeFailure): HarborError | undefined {
  const match = stderrTail.map((line) => DEPENDENCY_FAILED.exec(line)).find((found) => found !== null);
  if (!match) return undefined;
  return new DependencyFailure(`Cannot start what depends on it: ${match[1] ?? match[2]}`);
}

function explainRest(failure: ComposeFailure): HarborError {
  const words = wordsOf(failure);
  const last = words.at(-1);
  const state = last === undefined ? `it ended with code ${failure.code}` : withoutPrefix(last);
  return new HarborError(`Cannot run "docker compose ${failure.args[0] ?? ""}": ${state}`, { details: words.slice(-SHOWN_LINES, -1) });
}

function withoutPrefix(line: string): string {
  return line.trim().replace(/^(?:\W*\S+ Error )?(?:Error response from daemon: )?/, "");
}
