#!/usr/bin/env bun
/**
 * `harbor build`: the images of a service that are built rather than pulled, its companions' too.
 *
 *   bun routines/build.ts llamacpp -- --no-cache
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { listenForInterrupt } from "./_script/interrupt.ts";
import { runScript } from "./_script/script.ts";
import { type MadePlan, makePlan } from "./compose/make-plan.ts";
import { selectionArgs } from "./compose/selection-args.ts";
import { findHome } from "./config/find-home.ts";
import type { Env } from "./config/read-values.ts";
import { BUILT_IN_CAPABILITIES } from "./host/capabilities.ts";
import { type PlannedImage, planImages } from "./images/plan-images.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { createProgress } from "./stack/progress.ts";
import { readStack } from "./stack/read-stack.ts";
import { note, warn } from "./stack/say.ts";
import { whatRuns } from "./stack/what-runs.ts";

export interface BuiltImage {
  handle: string;
  service: string;
  image: string;
  /** Its id now; null where the engine does not tell it (an image that was only pushed). */
  id: string | null;
}

interface Build {
  made: MadePlan;
  images: readonly PlannedImage[];
  /** For compose. */
  more: readonly string[];
  env: Env;
  isQuiet: boolean;
}

async function build({ made, images, more, env, isQuiet }: Build): Promise<BuiltImage[]> {
  const [{ connectEngine }, { findCompose }, { inspectImage }, { runComposeOrThrow }, { withOneOffFiles }] = await Promise.all([
    import("./engine/connect-engine.ts"),
    import("./engine/find-compose.ts"),
    import("./engine/inspect-image.ts"),
    import("./engine/run-compose.ts"),
    import("./stack/one-off-files.ts"),
  ]);
  using interrupt = listenForInterrupt();
  const { signal } = interrupt;
  const { project, workspace } = made.plan;
  const { home } = workspace;
  const compose = findCompose({ env, home });
  const engine = await connectEngine({ env, home, signal });
  const stdio = createProgress(isQuiet).isQuiet ? "capture" : "progress";
  const args = ["build", ...more, ...images.map(({ service }) => service)];
  await withOneOffFiles(made, (files) => runComposeOrThrow({ args, project, ...files, env, compose, signal, stdio }));
  return Promise.all(
    images.map(async ({ handle, service, image }) => ({ handle, service, image, id: (await inspectImage({ engine, image }))?.id ?? null })),
  );
}

/** Nothing of it is built: with the capability `build` perhaps something is. */
function nothingToBuild(handles: readonly string[], images: readonly PlannedImage[], hasBuildFile: boolean): HarborError {
  const [handle = ""] = handles;
  const named = images.map(({ image }) => image).join(", ");
  const hint = hasBuildFile ? `Build it with the capability for that: harbor build ${handle} build` : `Pull it: harbor pull ${handle}`;
  return new HarborError(
    `Cannot build ${handles.map((it) => `"${it}"`).join(", ")}: ${named === "" ? "no image is" : `${named} is pulled, not`} built`,
    {
      hint,
    },
  );
}

export const command = defineCommand({
  meta: {
    name: "build",
    description: "Build the images of services that are built rather than pulled",
    examples: ["harbor build myservice", "harbor build myservice -- --no-cache --progress=plain", "harbor build llamacpp build --json"],
  },
  changes: "tried",
  takesRest: true,
  args: {
    names: {
      type: "positional",
      description: "Service handles, and capabilities; words after -- go to docker compose build",
      multiple: true,
      required: true,
      completes: "selection",
    },
    capability: selectionArgs.capability,
    workspace: selectionArgs.workspace,
    ...jsonArg,
  },
  async run({ args, rest }) {
    const { env } = process;
    const home = findHome(env);
    const record = readStack(home);
    const { workspace } = findStackWorkspace({ home, record, directory: args.workspace });
    const isCapability = (name: string): boolean => (BUILT_IN_CAPABILITIES as readonly string[]).includes(name);
    const handles = args.names.filter((name) => !isCapability(name));
    const [capability, container] = [[...args.capability, ...args.names.filter(isCapability)], handles];
    const selection = { names: [], exclude: [], container, native: false, capability, "no-defaults": true, workspace: args.workspace };
    if (handles.length === 0) {
      throw new HarborError('Cannot run "build": no service is named', { exit: "usage", hint: "Name one, as in `harbor build myservice`" });
    }
    const made = await makePlan({ args: selection, env, workspace, running: whatRuns(record) });
    warn(made.selection.warnings);
    const all = planImages({ made, handles: new Set(handles) });
    const images = all.filter((it) => it.isBuilt);
    const hasBuildFile = made.plan.files.some(({ path, included }) => !included && handles.some((it) => path.endsWith(`.${it}.build.yml`)));
    if (images.length === 0) throw nothingToBuild(handles, all, hasBuildFile);
    const built = await build({ made, images, more: rest, env, isQuiet: args.json });
    const isUp = handles.filter((handle) => record?.services.includes(handle));
    if (isUp.length > 0) note(`the next \`harbor up\` starts ${isUp.join(", ")} with it`);
    emit(built, { json: args.json, render: (them) => them.map((it) => `${it.service}: ${it.image}`).join("\n") });
  },
});

if (import.meta.main) await runScript(command);
