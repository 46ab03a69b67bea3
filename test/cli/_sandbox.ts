/**
 * bin/harbor as a person runs it: real processes, in a home, a project and on ports of their own, with
 * no engine to be found. All of it is gone after `remove`.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { readProcess } from "../../routines/_script/process-identity.ts";
import { freePort } from "../_ports.ts";
import { type Result, resultOf } from "../_process.ts";

/** The checkout under test. */
export const checkout = resolve(import.meta.dir, "../..");

export interface CallOptions {
  env?: Record<string, string>;
  cwd?: string;
}

export interface PsRow {
  handle: string;
  runtime: string;
  state: string;
  pid: number | null;
  urls: string[];
}

/** Whether a process is there; one that has ended and was never waited for is not. */
export function isRunning(pid: number): boolean {
  return readProcess(pid) !== undefined;
}

/** A world for one test file. */
export class Sandbox {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), "harbor-cli-")));
  readonly home = join(this.root, "home");
  readonly state = join(this.home, "state");
  readonly env: Record<string, string>;
  /** mock-openai's. */
  readonly port: number;

  private constructor(port: number) {
    this.port = port;
    this.env = {
      PATH: process.env.PATH ?? "",
      HOME: this.root,
      HARBOR_HOME: this.home,
      HARBOR_PROJECT: `harbor-test-${process.pid}-${port}`,
      HARBOR_MOCK_OPENAI_HOST_PORT: String(port),
      HARBOR_CAPABILITIES_AUTODETECT: "false",
      DOCKER_HOST: "unix:///nonexistent.sock",
      NO_COLOR: "1",
    };
    mkdirSync(this.home);
  }

  static async create(): Promise<Sandbox> {
    return new Sandbox(freePort());
  }

  /** Writes files; names are paths below the sandbox. */
  write(files: Record<string, string>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.root, name)), { recursive: true });
      writeFileSync(join(this.root, name), text);
    }
  }

  /** Service folders of the user's own; names are `<handle>/<file>`. */
  services(files: Record<string, string>): void {
    this.write(Object.fromEntries(Object.entries(files).map(([name, text]) => [`home/services/${name}`, text])));
  }

  start(words: readonly string[], options: CallOptions = {}) {
    return Bun.spawn([join(checkout, "bin/harbor"), ...words], {
      cwd: options.cwd ?? this.root,
      env: { ...this.env, ...options.env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
  }

  /** Runs it to its end. */
  async run(words: readonly string[], options: CallOptions = {}): Promise<Result> {
    return resultOf(this.start(words, options));
  }

  /** The result of a command that has to succeed. */
  async json<T>(words: readonly string[], options: CallOptions = {}): Promise<T> {
    const result = await this.run([...words, "--json"], options);
    if (result.exit !== 0) throw new Error(`harbor ${words.join(" ")}: exit ${result.exit}: ${result.stderr}`);
    return JSON.parse(result.stdout) as T;
  }

  ps(): Promise<PsRow[]> {
    return this.json<PsRow[]>(["ps"]);
  }

  async pidOf(handle: string): Promise<number> {
    const pid = (await this.ps()).find((row) => row.handle === handle)?.pid;
    if (typeof pid !== "number") throw new Error(`${handle} does not run`);
    return pid;
  }

  /** Files of `state/`, but for what Harbor remembers of the host. */
  left(): string[] {
    if (!existsSync(this.state)) return [];
    return readdirSync(this.state, { recursive: true })
      .map(String)
      .filter((name) => name !== "host.json");
  }

  async remove(): Promise<void> {
    await this.run(["down"]);
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Reads a stream until a pattern is seen. */
export async function readUntil(stream: ReadableStream<Uint8Array>, pattern: RegExp): Promise<RegExpExecArray> {
  const decoder = new TextDecoder();
  let text = "";
  const reader = stream.getReader();
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      text += decoder.decode(chunk.value, { stream: true });
      const found = pattern.exec(text);
      if (found !== null) return found;
    }
  } finally {
    reader.releaseLock();
  }
  throw new Error(`ended without ${pattern}: ${text}`);
}

/** A native service of ours: answers with its own environment. `after` is code that runs first. */
export function echoService(handle: string, port: number, more = ""): Record<string, string> {
  return {
    [`${handle}/main.ts`]: `Bun.serve({ hostname: "127.0.0.1", port: Number(process.env.ECHO_PORT), fetch: () => Response.json(process.env) });\nconsole.log("${handle} listens");\n`,
    [`${handle}/${handle}_native.yml`]: `x-harbor-native:
  executable: bun
  daemon_args: [main.ts]
  port: "${port}"
  ready: { http: /, timeout: 20s, start_interval: 20ms }
  env:
    ECHO_PORT: "${port}"
    ECHO_LEVEL: "\${HARBOR_ECHO_LEVEL:-default}"
${more}`,
  };
}
