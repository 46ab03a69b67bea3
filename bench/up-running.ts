/** `harbor up` of a stack that runs already, against `docker compose up -d` on the same merged file. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Comparison, type Figure, type FigureContext, ownHome } from "./_figure.ts";

const HANDLES = ["bench-one", "bench-two"];

/** An image that sleeps and is healthy, of what this engine already has; building one would need a registry. */
const IMAGE = process.env.HARBOR_BENCH_IMAGE ?? "busybox:local";

async function prepare(context: FigureContext): Promise<Comparison | string> {
  const image = Bun.spawnSync(["docker", "image", "inspect", IMAGE], { stdout: "ignore", stderr: "pipe" });
  if (image.exitCode !== 0) {
    return `needs a container engine with the image ${IMAGE} (HARBOR_BENCH_IMAGE names another): ${image.stderr.toString().trim().split("\n").at(-1)}`;
  }
  const workspace = join(context.scratch, "running");
  for (const [index, handle] of HANDLES.entries()) {
    const folder = join(workspace, "services", handle);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `compose.${handle}.yml`), definition(handle, index));
  }
  const harbor = join(context.root, "bin/harbor");
  const env = ownHome(context);
  const words = ["--workspace", workspace, "--no-defaults", ...HANDLES];
  const call = (command: string[]): string => {
    const { exitCode, stdout, stderr } = Bun.spawnSync(command, {
      cwd: workspace,
      env: { ...process.env, ...env },
      stdout: "pipe",
      stderr: "pipe",
    });
    if (exitCode !== 0)
      throw new Error(`"${command.slice(1, 3).join(" ")}" ended with ${exitCode}: ${stderr.toString().trim().split("\n")[0]}`);
    return stdout.toString();
  };
  const cleanUp = (): void => {
    Bun.spawnSync([harbor, "down"], { cwd: workspace, env: { ...process.env, ...env }, stdout: "ignore", stderr: "ignore" });
  };
  try {
    call([harbor, "up", ...words]);
    const { project } = JSON.parse(call([harbor, "plan", "--json", ...words])) as { project: string };
    const state = join(context.scratch, "home/state");
    const compose = [
      "docker",
      "compose",
      "-p",
      project,
      "-f",
      join(state, "compose.yml"),
      "--env-file",
      join(state, "values.env"),
      "up",
      "-d",
    ];
    return {
      subject: { label: "harbor up", command: [harbor, "up", ...words], cwd: workspace, env },
      floor: { label: "docker compose up -d", command: compose, cwd: workspace, env },
      cleanUp,
    };
  } catch (error) {
    cleanUp();
    throw error;
  }
}

function definition(handle: string, index: number): string {
  return `services:
  ${handle}:
    image: ${IMAGE}
    command: [sleep, "3600"]
    init: true
    healthcheck: { test: [CMD, "true"], interval: 1s }
    ports: ["127.0.0.1:${28_651 + index}:8080"]
    networks: [harbor-network]
`;
}

export const figures: Figure[] = [
  { name: "up-running", title: "up of a running stack / docker compose up -d", limit: 1.15, runs: 15, prepare },
];
