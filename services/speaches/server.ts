/** The server process: started, asked how it is, ended. Its output is the manager's own. */
import { join } from "node:path";
import { rest, until } from "./until.ts";

export interface ServerRequest {
  /** The interpreter of its environment. */
  python: string;
  /** The folder that speaches reads its own files from. */
  cwd: string;
  env: Record<string, string>;
  host: string;
  port: number;
}

/** Open connections may end by themselves for this long. */
const DRAIN_S = 3;
/** After that and some more it is killed; one that does not answer, sooner. */
const GRACE_MS = { answering: 8_000, stuck: 1_000 };
const HEALTH_MS = 10_000;
const LOOK_MS = { first: 50, longest: 500 };
/** Signals that a broken driver ends a process with. */
const CRASHES: ReadonlySet<string> = new Set(["SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE"]);

export class Server {
  readonly url: string;
  /** Aborted once it has ended, by itself or not. */
  readonly ended: AbortSignal;
  readonly #child: Bun.Subprocess<"pipe", "inherit", "inherit">;
  #isStopping = false;
  #isAnswering = false;
  #hasAnswered = false;

  private constructor(child: Bun.Subprocess<"pipe", "inherit", "inherit">, url: string) {
    this.#child = child;
    this.url = url;
    const ended = new AbortController();
    this.ended = ended.signal;
    void child.exited.then(() => ended.abort());
  }

  static start({ python, cwd, env, host, port }: ServerRequest): Server {
    const words = [
      "--factory",
      "speaches.main:create_app",
      "--host",
      host,
      "--port",
      String(port),
      "--timeout-graceful-shutdown",
      String(DRAIN_S),
    ];
    const cmd = [python, join(import.meta.dir, "serve.py"), ...words];
    const child = Bun.spawn(cmd, { cwd, env, stdin: "pipe", stdout: "inherit", stderr: "inherit" });
    const reached = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host.includes(":") ? `[${host}]` : host;
    return new Server(child, `http://${reached}:${port}`);
  }

  /** How it ended, in words; undefined while it runs. */
  get end(): string | undefined {
    const { exitCode, signalCode } = this.#child;
    if (signalCode !== null) return `it was ended by ${signalCode}`;
    return exitCode === null ? undefined : `it ended with exit code ${exitCode}`;
  }

  /** It has been well at some time. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** It was ended by what a broken driver does, not by itself. */
  get hasCrashed(): boolean {
    return !this.#isStopping && CRASHES.has(String(this.#child.signalCode));
  }

  /** Undefined when it answers; else why it does not, once it has ended or the time is over. */
  async waitUntilHealthy(timeoutMs: number, signal: AbortSignal): Promise<string | undefined> {
    let problem: string | undefined = "it was not asked";
    const isOver = async (): Promise<boolean> => {
      problem = this.end ?? (await this.askHealth(signal));
      return problem === undefined || this.end !== undefined;
    };
    await until(isOver, { timeoutMs, pauseMs: LOOK_MS, signal });
    return problem;
  }

  /** Undefined when it is well. */
  async askHealth(signal: AbortSignal, timeoutMs = HEALTH_MS): Promise<string | undefined> {
    this.#isAnswering = false;
    const limit = AbortSignal.timeout(Math.min(timeoutMs, HEALTH_MS));
    try {
      const answer = await fetch(`${this.url}/health`, { signal: AbortSignal.any([signal, limit]) });
      if (!answer.ok) return `GET /health answers ${answer.status}`;
      this.#isAnswering = true;
      this.#hasAnswered = true;
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      return `GET /health: ${(error as Error).message}`;
    }
  }

  /** Until then, and no longer than this. */
  async waitForEnd(milliseconds: number, signal: AbortSignal): Promise<void> {
    try {
      await rest(milliseconds, AbortSignal.any([signal, this.ended]));
    } catch (error) {
      if (signal.aborted || this.end === undefined) throw error;
    }
  }

  /** Asked to end, then killed; settles when it has. */
  async stop(): Promise<void> {
    if (this.end !== undefined) return;
    this.#isStopping = true;
    this.#child.kill("SIGTERM");
    const graceMs = this.#isAnswering ? GRACE_MS.answering : GRACE_MS.stuck;
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), graceMs);
    await this.#child.exited;
    clearTimeout(timer);
  }
}
