/** The conductor as a program of its own, started with main.ts: ended in every way there is, and started again at the same address. */
import { afterEach } from "bun:test";
import { join } from "node:path";
import { freePort } from "../../_ports.ts";
import { until } from "../../_until.ts";
import { makeFolder } from "../../_workspace.ts";

const MAIN = join(import.meta.dir, "../../../services/conductor/main.ts");
export const TOKEN = "join-me";
/** Longer than a conductor that was killed keeps others from its Redis. */
const START_MS = 15_000;

/** More than the longest poll. */
const ANSWER_MS = 90_000;

/** What answered, or nothing where nobody did. */
export interface Reply {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of it, it says itself
  body: any;
}

export class Program {
  readonly port = freePort();
  readonly url = `http://127.0.0.1:${this.port}`;
  readonly #env: Record<string, string>;
  readonly #command: readonly string[];
  #child: Bun.Subprocess<"ignore", "pipe", "pipe"> | undefined;
  /** All it wrote, of all its lives. */
  said = "";

  constructor(env: Record<string, string>, command: readonly string[] = []) {
    // written where it belongs, not where the tests are started
    this.#env = { HARBOR_CONDUCTOR_DATA: makeFolder(), ...env };
    this.#command = command;
  }

  /** Resolves when it listens. */
  async start(): Promise<this> {
    const before = this.said.length;
    this.launch();
    await until(() => this.said.indexOf("listens on", before) >= 0, "the conductor listens", START_MS).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.said.slice(before)}`);
    });
    return this;
  }

  /** Without waiting for anything. */
  launch(): void {
    const env = { HARBOR_CONDUCTOR_HOST_PORT: String(this.port), HARBOR_CONDUCTOR_TOKEN: TOKEN, ...this.#env };
    const child = Bun.spawn([...this.#command, process.execPath, MAIN], { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) void this.#hear(stream);
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Its exit code. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    this.#child?.kill(signal);
    return this.exited();
  }

  async exited(): Promise<number | null> {
    await this.#child?.exited;
    return this.#child?.exitCode ?? null;
  }

  /** Rejects where nobody answers. */
  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const response = await fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
      signal: AbortSignal.timeout(ANSWER_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
  }

  async #hear(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) this.said += decoder.decode(chunk, { stream: true });
  }
}

/** Programs end with the test. To be called once in each file. */
export function usePrograms(): (env: Record<string, string>, command?: readonly string[]) => Program {
  let all: Program[] = [];
  afterEach(async () => {
    for (const program of all) await program.end("SIGKILL");
    all = [];
  });
  return (env, command) => {
    const program = new Program(env, command);
    all.push(program);
    return program;
  };
}
