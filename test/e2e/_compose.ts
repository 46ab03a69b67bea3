/** A docker of a test's own that knows of Harbor: a compose with providers, and the plugin as `harbor provider install` links it. */
import { accessSync, constants, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "../../routines/engine/connect-engine.ts";
import { removeContainers } from "../../routines/engine/remove-containers.ts";
import { resultOf } from "../_process.ts";
import type { HarborRun, Sandbox } from "./_sandbox.ts";

/** Where .ci/run puts it: the compose that all else is tested with is older. */
const PLUGIN = "/usr/local/lib/harbor-tests/docker-compose";

/** Why there is none, and how to get it; undefined where there is one. Throws instead where `HARBOR_E2E` is `required`. */
export function providerComposeMissing(): string | undefined {
  try {
    accessSync(PLUGIN, constants.X_OK);
    return undefined;
  } catch {
    const missing = `no compose 2.36 or newer at ${PLUGIN}; \`.ci/run prepare\` fetches one`;
    if (process.env.HARBOR_E2E === "required") throw new Error(`Cannot run the tests of plain compose: ${missing}`);
    return missing;
  }
}

export interface ComposeProject extends AsyncDisposable {
  name: string;
  /** `docker compose` with these words, in the folder of the file. */
  compose(...words: string[]): Promise<HarborRun>;
  /** The same that has to succeed; gives its stdout. */
  say(...words: string[]): Promise<string>;
  /** The compose file, or another one beside it. */
  write(text: string, name?: string): Promise<void>;
  /** `docker compose` with these words, still running. */
  start(...words: string[]): Bun.Subprocess<"ignore", "pipe", "pipe">;
}

export interface DockerWithHarbor {
  env: Record<string, string | undefined>;
  project(file: string): Promise<ComposeProject>;
}

/** Everything in the sandbox's folder; the plugin is linked by Harbor itself. */
export async function createDocker(sandbox: Sandbox, engine: Engine): Promise<DockerWithHarbor> {
  const folder = join(sandbox.home, "../docker");
  mkdirSync(join(folder, "cli-plugins"), { recursive: true });
  symlinkSync(PLUGIN, join(folder, "cli-plugins/docker-compose"));
  sandbox.env.DOCKER_CONFIG = folder;
  const { code, stderr } = await sandbox.harbor(["provider", "install"]);
  if (code !== 0) throw new Error(stderr);
  const { env } = sandbox;
  return { env, project: (file) => createProject({ file, env, engine, root: join(sandbox.home, "..") }) };
}

interface ProjectOptions {
  file: string;
  env: Record<string, string | undefined>;
  engine: Engine;
  root: string;
}

async function createProject({ file, env, engine, root }: ProjectOptions): Promise<ComposeProject> {
  const name = `harbor-e2e-${crypto.randomUUID().slice(0, 8)}`;
  const cwd = join(root, name);
  const start: ComposeProject["start"] = (...words) =>
    Bun.spawn(["docker", "compose", "--ansi", "never", ...words], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const compose = async (...words: string[]): Promise<HarborRun> => {
    const { exit: code, ...said } = await resultOf(start(...words));
    return { code, ...said };
  };
  const write = async (text: string, path = "compose.yaml"): Promise<void> => {
    await Bun.write(join(cwd, path), text);
  };
  await write(file);
  return {
    name,
    start,
    compose,
    write,
    async say(...words) {
      const { code, stdout, stderr } = await compose(...words);
      if (code !== 0) throw new Error(`docker compose ${words.join(" ")}: ${code}: ${stderr}`);
      return stdout;
    },
    async [Symbol.asyncDispose]() {
      await compose("down", "--volumes", "--timeout", "0");
      await removeContainers({ engine, project: name, graceSeconds: 0, networks: true, volumes: true });
    },
  };
}

/** What the engine still has of a project, and of those that Harbor made for it. */
export async function leftOf(engine: Engine, project: string): Promise<string[]> {
  const isOf = (labels: Record<string, string> | undefined): boolean =>
    labels?.["com.docker.compose.project"]?.startsWith(project) === true;
  const [containers, networks, volumes] = await Promise.all([
    engine.api.listContainers({ all: true }),
    engine.api.listNetworks(),
    engine.api.listVolumes(),
  ]);
  return [
    ...containers.filter((it) => isOf(it.Labels)).map((it) => it.Names[0] ?? it.Id),
    ...networks.filter((it) => isOf(it.Labels)).map((it) => it.Name),
    ...(volumes.Volumes ?? []).filter((it) => isOf(it.Labels)).map((it) => it.Name),
  ];
}
