/** Resolving and merging against `docker compose config` on the very files that were resolved. */
import { join } from "node:path";
import { type Comparison, type Figure, type FigureContext, ownHome } from "./_figure.ts";
import { makeFlatWorkspace } from "./make-flat-workspace.ts";

const TWENTY = [
  ...["ollama", "llamacpp", "vllm", "litellm", "webui", "searxng", "speaches", "comfyui", "chatui", "librechat"],
  ...["anythingllm", "lobechat", "n8n", "flowise", "langflow", "dify", "aider", "jupyter", "qdrant", "traefik"],
];

async function compare(context: FigureContext, names: readonly string[]): Promise<Comparison | string> {
  if (Bun.spawnSync(["docker", "compose", "version"], { stdout: "ignore", stderr: "ignore" }).exitCode !== 0) {
    return "docker compose is not here";
  }
  const workspace = join(context.scratch, "flat");
  makeFlatWorkspace(workspace);
  const harbor = join(context.root, "bin/harbor");
  const env = ownHome(context);
  const resolved = Bun.spawnSync([harbor, "routine", "resolve-files", "--workspace", workspace, ...names], {
    env: { ...process.env, ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  if (resolved.exitCode !== 0) throw new Error(resolved.stderr.toString().trim().split("\n")[0]);
  const paths = resolved.stdout.toString().trimEnd().split("\n");
  const files = paths.filter((path) => !path.endsWith(".ts")).flatMap((path) => ["-f", path]);
  return {
    subject: { label: "harbor plan", command: [harbor, "plan", "--json", "--workspace", workspace, ...names], cwd: workspace, env },
    floor: {
      label: `docker compose config, ${files.length / 2} files`,
      command: ["docker", "compose", ...files, "config"],
      cwd: workspace,
    },
  };
}

export const figures: Figure[] = [
  {
    name: "merge-20",
    title: "resolve + merge of 20 services / docker compose config",
    limit: 1 / 15,
    runs: 7,
    prepare: (context) => compare(context, TWENTY),
  },
  {
    name: "merge-all",
    title: "resolve + merge of * (570 files) / docker compose config",
    limit: 1 / 300,
    runs: 1,
    warmUp: false,
    prepare: (context) => compare(context, ["*"]),
  },
];
