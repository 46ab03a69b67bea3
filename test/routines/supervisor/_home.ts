/**
 * A `HARBOR_HOME` of a test's own, with a real supervisor in it, reached as commands reach it. When the test is over all
 * of it is stopped, and whatever is left then fails the test.
 */
import { afterEach } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HarborError } from "../../../routines/_script/error.ts";
import { isAlive } from "../../../routines/_script/process-identity.ts";
import { readContract } from "../../../routines/native/read-contract.ts";
import { readLog } from "../../../routines/native/read-log.ts";
import { buildEnvironment, type NativeSpec, resolveContract } from "../../../routines/native/resolve-contract.ts";
import { readSupervisor, type SupervisorRecord } from "../../../routines/supervisor/_paths.ts";
import { SupervisorClient } from "../../../routines/supervisor/connect-supervisor.ts";
import type { Accepted, Goal, ServiceReport, StartServices } from "../../../routines/supervisor/report.ts";
import { restartServices } from "../../../routines/supervisor/restart-services.ts";
import { startFailure } from "../../../routines/supervisor/start-failure.ts";
import { type StoppedService, stopServices } from "../../../routines/supervisor/stop-services.ts";
import { freePort } from "../../_ports.ts";
import { until } from "../../_until.ts";

/** What a start came to. */
export interface Started {
  /** More than one where the supervisor had to be asked again. */
  answers: number;
  accepted: Accepted[];
  /** The state of each service whenever it changed, as `handle state`. */
  course: string[];
  /** As it was in the end. */
  last: Record<string, ServiceReport>;
}

export interface StartOptions extends Partial<Pick<StartServices, "externals">> {
  /** `ready` for all when left out. */
  waitFor?: Record<string, Goal>;
  timeoutMs?: number;
  isKept?: boolean;
  signal?: AbortSignal;
}

export class TestHome {
  readonly root = mkdtempSync(join(tmpdir(), "harbor-supervised-"));
  readonly home = join(this.root, "home");
  readonly state = join(this.home, "state");
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly client: SupervisorClient;

  constructor(env: Record<string, string> = {}) {
    this.env = { PATH: process.env.PATH, HOME: this.root, ...env };
    this.client = new SupervisorClient({ home: this.home, env: this.env });
  }

  /** A path in the service's folder. */
  file(handle: string, name: string): string {
    return join(this.root, "services", handle, name);
  }

  /** A service by its contract, lines of `x-harbor-native`; as a shell script by default. `$PORT` and `port: PORT` are one of its own. */
  service(handle: string, lines: string, script?: string): NativeSpec {
    const folder = join(this.root, "services", handle);
    mkdirSync(folder, { recursive: true });
    if (script !== undefined) writeFileSync(join(folder, "main.sh"), script);
    const start = script === undefined ? "" : "  executable: sh\n  daemon_args: [main.sh]\n";
    const path = join(folder, `${handle}_native.yml`);
    const body = lines
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map((line) => `  ${line}\n`)
      .join("");
    writeFileSync(path, `x-harbor-native:\n${start}${body}`);
    const spec = resolveContract({ contract: readContract({ path, handle }), values: () => undefined });
    return { ...spec, env: { ...(spec.port === undefined ? {} : { PORT: String(spec.port) }), ...spec.env, [OWNER]: this.root } };
  }

  /** Asks for these services, and waits for what a start is for. */
  async start(specs: readonly NativeSpec[], options: StartOptions = {}): Promise<Started> {
    const { waitFor, externals = {}, signal, ...rules } = options;
    const environment = buildEnvironment(this.env);
    const goals = waitFor ?? Object.fromEntries(specs.map(({ handle }) => [handle, "ready" as const]));
    const request = { services: specs.map((spec) => ({ spec, environment, ...rules })), waitFor: goals, externals };
    const started: Started = { answers: 0, accepted: [], course: [], last: {} };
    for await (const line of this.client.start(request, signal)) {
      if (line.kind === "accepted") {
        started.accepted = line.services;
        started.answers++;
      } else if (line.kind === "report") note(started, line.report);
    }
    return started;
  }

  /** The error that a start of it ends with, as a command shows it. */
  async failure(spec: NativeSpec, options: StartOptions = {}): Promise<HarborError> {
    const { last } = await this.start([spec], options);
    const report = last[spec.handle];
    if (report === undefined) throw new Error(`nothing was told of ${spec.handle}`);
    return startFailure(report, this.state);
  }

  restart(...handles: string[]): Promise<ServiceReport[]> {
    return restartServices({ home: this.home, env: this.env, handles, signal: new AbortController().signal });
  }

  stop(...handles: string[]): Promise<StoppedService[]> {
    return stopServices({ home: this.home, env: this.env, handles, forget: false });
  }

  /** As `harbor down` does. */
  down(...handles: string[]): Promise<StoppedService[]> {
    return stopServices({ home: this.home, env: this.env, handles, forget: true });
  }

  async report(handle: string): Promise<ServiceReport> {
    const [report] = await this.client.services([handle]);
    if (report === undefined) throw new Error(`there is no ${handle}`);
    return report;
  }

  async pid(handle: string): Promise<number> {
    const { pid } = await this.report(handle);
    if (pid === null) throw new Error(`${handle} does not run`);
    return pid;
  }

  /** What it is once it is that. */
  until(handle: string, is: (report: ServiceReport) => boolean, what: string): Promise<ServiceReport> {
    return until(async () => {
      const report = await this.report(handle);
      return is(report) && report;
    }, `${handle}: ${what}`);
  }

  untilState(handle: string, state: ServiceReport["state"]): Promise<ServiceReport> {
    return this.until(handle, (report) => report.state === state, state);
  }

  /** What it wrote, by `harbor logs --tail all`'s own reader. */
  async log(handle: string): Promise<string[]> {
    const folder = join(this.state, "native", handle);
    return (await Array.fromAsync(readLog({ folder }))).map(({ text }) => text);
  }

  untilLogged(handle: string, line: string): Promise<true> {
    return until(async () => (await this.log(handle)).includes(line), `${handle} says: ${line}`);
  }

  get supervisor(): SupervisorRecord {
    const record = readSupervisor(this.home);
    if (record === undefined || !isAlive(record)) throw new Error("no supervisor runs");
    return record;
  }

  /** SIGKILL to the supervisor; returns once it is gone. */
  async kill(): Promise<void> {
    const record = this.supervisor;
    process.kill(record.pid, "SIGKILL");
    await until(() => !isAlive(record), "the end of the supervisor");
  }

  /** Live processes of this home: services and all that they started; not the supervisor. */
  processes(): number[] {
    return listByEnvironment(`${OWNER}=${this.root}`);
  }

  /** Those of the supervisor. */
  supervisors(): number[] {
    return listByEnvironment(`HARBOR_HOME=${this.home}`);
  }

  /** Stops all of it; throws where something is left. */
  async remove(): Promise<void> {
    try {
      await this.down();
      await until(() => this.supervisors().length === 0, "the supervisor leaves");
      // the folder and the record are the stack's
      const isOurs = (name: string): boolean => name !== "native" && name !== "stack.json";
      const left = { processes: this.processes(), files: listFiles(this.state).filter(isOurs) };
      if (left.processes.length + left.files.length > 0) throw new Error(`left behind: ${JSON.stringify(left)}`);
    } finally {
      for (const pid of [...this.supervisors(), ...this.processes()]) process.kill(pid, "SIGKILL");
      rmSync(this.root, { recursive: true, force: true });
    }
  }
}

const OWNER = "HARBOR_TEST_OWNER";

/** Makes homes for the tests of a file, each removed when its test ends, whatever came of that. */
export function useHomes(): (env?: Record<string, string>) => TestHome {
  const made: TestHome[] = [];
  afterEach(async () => {
    for (const home of made.splice(0)) await home.remove();
  });
  return (env) => {
    const home = new TestHome(env);
    made.push(home);
    return home;
  };
}

function note(started: Started, report: ServiceReport): void {
  const { handle, state } = report;
  if (started.last[handle]?.state !== state) started.course.push(`${handle} ${state}`);
  started.last[handle] = report;
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true }).map(String);
  } catch {
    return [];
  }
}

function listByEnvironment(entry: string): number[] {
  const isIts = (pid: number): boolean => {
    try {
      return (
        !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1")) &&
        readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(entry)
      );
    } catch {
      return false;
    }
  };
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && isIts(pid));
}

/** Lines of a contract for a server of ours on a port of its own; `code` runs first. Ready over HTTP. */
export function serverLines(more = "", code = ""): string {
  const program = `${code}; Bun.serve({ hostname: '127.0.0.1', port: Number(process.env.PORT), fetch: () => new Response('ok') })`;
  return `executable: bun\ndaemon_args: [-e, ${JSON.stringify(program)}]\nport: ${freePort()}\nready: { http: /, start_interval: 10ms }\n${more}`;
}

/** Another program on a port; undefined while somebody has it. */
export function listenOn(port: number): { [Symbol.dispose](): void } | undefined {
  try {
    return Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } });
  } catch {
    return undefined;
  }
}
