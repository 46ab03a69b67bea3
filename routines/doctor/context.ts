/**
 * What several checks look at, each read once and only when one asks for it. Everything here throws a HarborError where
 * it cannot be read; whose business that is says so, for the other checks it is the reason why they are left out.
 */
import { HarborError } from "../_script/error.ts";
import { type MadePlan, makePlan } from "../compose/make-plan.ts";
import { projectName } from "../compose/project-name.ts";
import { type Env, readValues, type Values } from "../config/read-values.ts";
import { connectEngine, type Engine } from "../engine/connect-engine.ts";
import { type EngineKind, isPodman, kindOf, readKind } from "../engine/detect-engine-kind.ts";
import { type Endpoint, findEndpoint, isRemote } from "../engine/find-endpoint.ts";
import { type Container, listContainers } from "../engine/list-containers.ts";
import { findStackWorkspace } from "../stack/find-stack-workspace.ts";
import { readStack, type StackRecord } from "../stack/read-stack.ts";
import { whatRuns } from "../stack/what-runs.ts";
import type { Workspace } from "../workspace/find-workspace.ts";

/** Of the engine's `/info`, what is looked at here. */
export interface EngineInfo {
  OperatingSystem?: string;
  Name?: string;
  SecurityOptions?: string[] | null;
  DockerRootDir?: string;
  MemTotal?: number;
  HttpProxy?: string;
  HttpsProxy?: string;
  NoProxy?: string;
  /** ISO 8601, by the clock of the engine's machine. */
  SystemTime?: string;
}

export interface EngineAnswer {
  engine: Engine;
  info: EngineInfo;
  /** By its own words, whatever the configuration says. */
  kind: EngineKind;
  isPodman: boolean;
  /** When `info` came: milliseconds since 1970. */
  askedAtMs: number;
}

export interface DoctorContextOptions {
  env: Env;
  home: string;
  /** `--workspace`. */
  directory?: string | undefined;
  platform?: NodeJS.Platform;
  signal: AbortSignal;
}

/** An engine that does not answer within this is as good as none; one over ssh has to say hello first. */
const ENGINE_MS = { local: 2_000, remote: 4_000 };

export class DoctorContext {
  readonly env: Env;
  readonly home: string;
  readonly platform: NodeJS.Platform;
  readonly signal: AbortSignal;
  readonly #directory: string | undefined;

  constructor({ env, home, directory, platform = process.platform, signal }: DoctorContextOptions) {
    this.env = env;
    this.home = home;
    this.platform = platform;
    this.signal = signal;
    this.#directory = directory;
  }

  /** What the last `up` recorded. */
  readonly record = once((): StackRecord | undefined => readStack(this.home));

  readonly workspace = once(
    (): Workspace => findStackWorkspace({ home: this.home, record: this.record(), directory: this.#directory }).workspace,
  );

  readonly values = once((): Values => readValues({ workspace: this.workspace(), env: this.env }));

  readonly project = once((): string => this.record()?.project ?? projectName(this.values(), this.home));

  /** Where the engine is looked for. */
  readonly endpoint = once((): Endpoint => findEndpoint({ env: this.env, platform: this.platform }));

  /** The engine as it answers now. */
  readonly engine = once(async (): Promise<EngineAnswer> => {
    const endpoint = this.endpoint();
    const { env, home, signal } = this;
    const timeoutMs = isRemote(endpoint) ? ENGINE_MS.remote : ENGINE_MS.local;
    const engine = await connectEngine({ env, home, endpoint, timeoutMs, signal, wanted: this.wantedKind() });
    const questions = [
      engine.get<EngineInfo>("/info", {}, signal),
      engine.get<{ Platform?: { Name?: string }; Components?: { Name: string }[] }>("/version", {}, signal),
    ] as const;
    const [info, version] = await askOrThrow(`use the container engine at ${endpoint.host}`, () => Promise.all(questions));
    const facts = {
      platformName: version.Platform?.Name,
      components: version.Components?.map(({ Name }) => Name),
      operatingSystem: info.OperatingSystem,
      securityOptions: info.SecurityOptions ?? undefined,
      name: info.Name,
    };
    return { engine, info, kind: isRemote(endpoint) ? "remote" : kindOf(facts), isPodman: isPodman(facts), askedAtMs: Date.now() };
  });

  /** `HARBOR_ENGINE_KIND`, where it is one. */
  readonly wantedKind = once((): EngineKind | undefined => {
    try {
      return readKind(this.values().get("HARBOR_ENGINE_KIND"));
    } catch (error) {
      if (error instanceof HarborError) return undefined; // the check of the configuration says so
      throw error;
    }
  });

  /** The stack's own containers, running or not. */
  readonly containers = once(async (): Promise<Container[]> => {
    const { engine } = await this.engine();
    return listContainers({ engine, project: this.project(), details: false, signal: this.signal });
  });

  /** What a bare `harbor up` would have run: what is up, the default services, or else what comes with Harbor. */
  readonly plan = once((): Promise<MadePlan> => {
    const args = { names: [], exclude: [], container: [], native: false, capability: [], "no-defaults": false, workspace: this.#directory };
    return makePlan({ args, env: this.env, workspace: this.workspace(), running: whatRuns(this.record()), sealed: true });
  });

  /** The handles of that, also where no plan can be made of them. */
  readonly selected = once(async (): Promise<ReadonlySet<string>> => {
    const named = [...(whatRuns(this.record())?.services ?? []), ...this.values().list("HARBOR_SERVICES_DEFAULT")];
    try {
      const { plan } = await this.plan();
      return new Set([...named, ...plan.services.map(({ handle }) => handle)]);
    } catch (error) {
      if (error instanceof HarborError) return new Set(named);
      throw error;
    }
  });

  /** Of those, which need the engine; where no plan can be made, unknown, and taken to be none. */
  readonly contained = once(async (): Promise<string[]> => {
    if (whatRuns(this.record())?.services.length && this.record()?.hasContainers) return this.record()?.services ?? [];
    try {
      const { plan } = await this.plan();
      return plan.services.filter(({ runtime }) => runtime === "container").map(({ handle }) => handle);
    } catch (error) {
      if (error instanceof HarborError) return [];
      throw error;
    }
  });
}

/** What an engine rejects with, or a connection to it that breaks, as an error for a person. */
export async function askOrThrow<T>(action: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof HarborError) throw cause;
    const { message, statusCode } = cause as Error & { statusCode?: number };
    throw new HarborError(`Cannot ${action}: ${statusCode === undefined ? message : `it answers ${statusCode}: ${message}`}`, {
      cause,
      hint: "The engine's own log may say why",
    });
  }
}

/** The same answer for every caller, an error too. */
function once<T>(work: () => T): () => T {
  let result: { value: T } | { error: unknown } | undefined;
  return () => {
    if (result === undefined) {
      try {
        result = { value: work() };
      } catch (error) {
        result = { error };
      }
    }
    if ("error" in result) throw result.error;
    return result.value;
  };
}
