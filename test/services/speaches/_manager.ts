/**
 * The manager of speaches as a real process, for tests: in a home of its own, without a network, with the stand-in for speaches
 * (test/fixtures/speech-server). One environment, installed by real pip, is shared by all test files; it goes when bun ends.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { awaitChild, readOutput } from "../../../routines/_script/child-output.ts";
import { findPythons, type Python } from "../../../routines/host/find-python.ts";
import { type DatagramSocket, openDatagramSocket } from "../../../routines/native/_datagram-socket.ts";
import { freePort } from "../../_ports.ts";
import type { Result } from "../../_process.ts";
import { until } from "../../_until.ts";
import { makeLastingFolder } from "../../_workspace.ts";
import { startModelHub } from "../../fixtures/model-hub.ts";
import { SPEECH_MODELS } from "../../fixtures/speech-models.ts";
import { buildSpeechWheels } from "../../fixtures/speech-wheels.ts";

const MANAGER = join(import.meta.dir, "../../../services/speaches/manager.ts");
/** On a machine that is busy with other tests. */
const WAIT_MS = 45_000;
/** Nobody listens there. */
export const NOWHERE = "http://127.0.0.1:9";

/** What the environment that all tests share was made of, and how that went. */
export interface Prepared {
  /** For files of the tests; removed when bun ends. */
  root: string;
  python: Python;
  /** What speaches and kokoro-onnx ask for: neither fits. */
  bounds: { requiresPython: string; boundedDependency: string };
  /** `3.11` */
  minor: string;
  wheels: string;
  source: string;
  environment: string;
  /** The hub's cache, with both models. */
  data: string;
  result: Result;
  seconds: number;
}

const memo = Symbol.for("harbor.speaches.prepared");

/** Made by `manager.ts --prepare` the first time; throws what that says where it fails. */
export function prepared(): Promise<Prepared> {
  const shared = globalThis as { [memo]?: Promise<Prepared> };
  shared[memo] ??= prepare();
  return shared[memo];
}

async function prepare(): Promise<Prepared> {
  const root = makeLastingFolder("harbor-speaches-");
  const python = await usablePython(root);
  const minor = Number(python.version.split(".")[1]);
  // the real one's shape: the Python at hand is too old for the one and too new for the other
  const bounds = { requiresPython: `>=3.${minor + 1},<3.${minor + 2}`, boundedDependency: `<3.${minor}` };
  const wheels = join(root, "wheels");
  await buildSpeechWheels({ folder: wheels, as: "both", ...bounds });
  await using hub = await startModelHub({ models: SPEECH_MODELS });
  const places = { environment: join(root, "python/speaches"), data: join(root, "models"), source: join(wheels, "speaches-0.8.3.tar.gz") };
  const startedAt = performance.now();
  const words = ["--prepare", ...wordsOf({ ...places, python: python.path, wheels }), "--hf-endpoint", hub.endpoint];
  const result = await Manager.start(words, { root }).result();
  if (result.exit !== 0) throw new Error(result.stderr);
  return { root, python, bounds, minor: `3.${minor}`, wheels, ...places, result, seconds: (performance.now() - startedAt) / 1_000 };
}

/** The one of the system: a machine of ours may have more of them than the next. */
async function usablePython(root: string): Promise<Python> {
  const found = await findPythons({ env: environmentOf(root) });
  const usable = found.find((it) => it.problem === undefined && it.hasVenv && Bun.semver.satisfies(it.version, ">=3.8.0"));
  if (usable === undefined) throw new Error("these tests need a Python with venv (Debian: python3-venv)");
  return usable;
}

/** The options by which the shared environment is used. */
export function wordsOf({
  source,
  environment,
  data,
  python,
  wheels,
}: {
  source: string;
  environment: string;
  data: string;
  python: string;
  wheels: string;
}) {
  return ["--source", source, "--environment", environment, "--data", data, "--python", python, "--find-links", wheels];
}

/** Nothing of the machine's own: no uv, no index, no cache of pip's, no other Pythons. */
export function environmentOf(root: string): Record<string, string> {
  const home = join(root, "home");
  mkdirSync(home, { recursive: true });
  return {
    PATH: "/usr/bin:/bin",
    HOME: home,
    TMPDIR: tmpdir(),
    HARBOR_HOME: join(home, ".harbor"),
    PIP_CONFIG_FILE: "/dev/null",
    PIP_NO_INDEX: "1",
    NO_COLOR: "1",
  };
}

export interface StartOptions {
  /** Its home is in there. */
  root: string;
  env?: Record<string, string>;
}

/** One run of it. */
export class Manager implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #said = { stdout: "", stderr: "" };
  readonly #end: Promise<number>;

  private constructor(words: readonly string[], { root, env }: StartOptions) {
    this.#child = Bun.spawn([process.execPath, MANAGER, ...words], {
      cwd: root,
      env: { ...environmentOf(root), ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#end = awaitChild(this.#child.exited, [
      readOutput(this.#child.stdout, (text) => (this.#said.stdout += text)),
      readOutput(this.#child.stderr, (text) => (this.#said.stderr += text)),
    ]);
  }

  static start(words: readonly string[], options: StartOptions): Manager {
    return new Manager(words, options);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** What it and its server have said so far. */
  get log(): string {
    return this.#said.stderr;
  }

  async waitFor(words: string | RegExp): Promise<void> {
    const isSaid = (): boolean => (typeof words === "string" ? this.log.includes(words) : words.test(this.log));
    await until(() => isSaid() || this.#child.exitCode !== null || this.#child.signalCode !== null, `it says ${words}`, WAIT_MS);
    if (!isSaid()) throw new Error(`it ended without ${words}:\n${this.log}`);
  }

  /** It has announced itself, well or not. */
  waitUntilReady(): Promise<void> {
    return this.waitFor(/^speaches: speech to text: /m);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits for its end. */
  async result(): Promise<Result> {
    const exit = await this.#end;
    return { exit, ...this.#said };
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Result> {
    this.kill(signal);
    return await this.result();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.stop("SIGTERM");
  }
}

export interface World {
  prepared: Prepared;
  /** Of this one alone: its home is in there. */
  root: string;
  port: number;
  url: string;
  start(words?: readonly string[], env?: Record<string, string>): Manager;
  /** An environment of its own, whole already: to make one takes seconds. Its files are the shared one's: to be replaced, not written to. */
  ownEnvironment(): string;
}

let count = 0;

/** A home of its own beside the shared environment; everything else can be said otherwise by `words`: the last one counts. */
export async function makeWorld(): Promise<World> {
  const shared = await prepared();
  const root = join(shared.root, `world-${count++}`);
  mkdirSync(root);
  const port = freePort();
  const common = [...wordsOf({ ...shared, python: shared.python.path }), "--hf-endpoint", NOWHERE, "--port", String(port)];
  return {
    prepared: shared,
    root,
    port,
    url: `http://127.0.0.1:${port}`,
    start: (words = [], env = {}) => Manager.start([...common, ...words], { root, env }),
    ownEnvironment: () => copyEnvironment(shared.environment, join(root, "python/speaches")),
  };
}

function copyEnvironment(from: string, to: string): string {
  mkdirSync(dirname(to));
  const { exitCode, stderr } = Bun.spawnSync(["cp", "-al", from, to]);
  if (exitCode !== 0) throw new Error(stderr.toString());
  return to;
}

/** What is left out of the shared words: for a world where the file or a variable says it. */
export function writeSettings(root: string, settings: Record<string, unknown>): string {
  const file = join(environmentOf(root).HARBOR_HOME ?? "", "speaches/config.yml");
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(
    file,
    Object.entries(settings)
      .map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
      .join(""),
  );
  return file;
}

/** Processes that have this word on their command line or in their environment. */
export function processesWith(word: string): number[] {
  const pids = [...new Bun.Glob("[0-9]*").scanSync({ cwd: "/proc", onlyFiles: false })].map(Number);
  return pids.filter((pid) => pid !== process.pid && ["cmdline", "environ"].some((name) => read(`/proc/${pid}/${name}`).includes(word)));
}

function read(path: string): string {
  try {
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  } catch {
    return "";
  }
}

/** Text → audio → text, as a client of OpenAI's has it. */
export async function roundTrip(url: string, input: string, models: { stt: string; tts: string }): Promise<string> {
  const spoken = await fetch(`${url}/v1/audio/speech`, {
    method: "POST",
    body: JSON.stringify({ model: models.tts, voice: "af_heart", input }),
  });
  if (!spoken.ok) throw new Error(await spoken.text());
  const form = new FormData();
  form.set("model", models.stt);
  form.set("file", await spoken.blob(), "speech.mp3");
  const heard = await fetch(`${url}/v1/audio/transcriptions`, { method: "POST", body: form });
  if (!heard.ok) throw new Error(await heard.text());
  return ((await heard.json()) as { text: string }).text;
}

/** The other end of its NOTIFY_SOCKET: every message that has come, in order. */
export class Listener implements Disposable {
  readonly path: string;
  readonly #socket: DatagramSocket;
  readonly #heard: string[] = [];

  private constructor(path: string, socket: DatagramSocket) {
    this.path = path;
    this.#socket = socket;
  }

  static async open(root: string): Promise<Listener> {
    const path = join(root, "notify");
    return new Listener(path, await openDatagramSocket(path));
  }

  get heard(): readonly string[] {
    for (let next = this.#socket.receive(); next !== undefined; next = this.#socket.receive()) this.#heard.push(next.text);
    return this.#heard;
  }

  async waitFor(words: RegExp): Promise<string> {
    return await until(() => this.heard.find((it) => words.test(it)), `the supervisor hears ${words}`, WAIT_MS);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
