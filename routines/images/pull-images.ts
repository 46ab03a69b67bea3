/** Pulls images through compose, which has the user's logins, and says what became of each. */
import { HarborError } from "../_script/error.ts";
import type { MadePlan } from "../compose/make-plan.ts";
import type { Env } from "../config/read-values.ts";
import type { Engine } from "../engine/connect-engine.ts";
import { findCompose } from "../engine/find-compose.ts";
import { type HeldImage, inspectImage } from "../engine/inspect-image.ts";
import { runComposeOrThrow } from "../engine/run-compose.ts";
import { withOneOffFiles } from "../stack/one-off-files.ts";
import type { Progress } from "../stack/progress.ts";
import { describeChange } from "./describe-change.ts";
import type { PlannedImage } from "./plan-images.ts";

export interface PullImagesOptions {
  made: MadePlan;
  images: readonly PlannedImage[];
  env: Env;
  engine: Engine;
  signal: AbortSignal;
  progress: Progress;
  /** One that cannot be pulled keeps the others from nothing; it is `failed` then, instead of thrown. */
  keepsGoing?: boolean;
}

export interface PulledImage extends PlannedImage {
  /** `current`: it was here as the registry has it. `updated`: it replaced an older one of that name. `built`: nothing was pulled. */
  state: "pulled" | "updated" | "current" | "built" | "failed";
  /** Ids. */
  before: string | null;
  after: string | null;
  bytes: number | null;
  /** Of an updated one, for a person: `0.6.1 → 0.6.2`; days, or ids, where it does not say its version. */
  change: string | null;
  /** Of a failed one. */
  why?: string;
}

/** In the order given. Throws what compose says of the first that fails. */
export async function pullImages(options: PullImagesOptions): Promise<PulledImage[]> {
  const { made, images, engine } = options;
  const before = await holdAll(engine, images);
  const wanted = images.filter((it) => !it.isBuilt);
  const failures = wanted.length === 0 ? new Map<string, string>() : await withOneOffFiles(made, (files) => pull(options, wanted, files));
  const after = await holdAll(engine, images);
  return images.map((image, index) => {
    const why = failures.get(image.service);
    const [old, held] = [before[index], after[index]];
    const figures = { before: old?.id ?? null, after: held?.id ?? null, bytes: held?.bytes ?? null };
    const state = stateOf(image, old, held, why);
    const change = state === "updated" && old !== undefined && held !== undefined ? describeChange(old, held) : null;
    return { ...image, state, ...figures, change, ...(why === undefined ? {} : { why }) };
  });
}

function holdAll(engine: Engine, images: readonly PlannedImage[]): Promise<(HeldImage | undefined)[]> {
  return Promise.all(images.map(({ image }) => inspectImage({ engine, image })));
}

function stateOf(
  { isBuilt }: PlannedImage,
  before: HeldImage | undefined,
  after: HeldImage | undefined,
  why?: string,
): PulledImage["state"] {
  if (isBuilt) return "built";
  if (why !== undefined) return "failed";
  if (before === undefined) return "pulled";
  return before.id === after?.id ? "current" : "updated";
}

type Files = Parameters<Parameters<typeof withOneOffFiles>[1]>[0];

/** All at once; or one by one, and then why each of them failed. */
async function pull(options: PullImagesOptions, images: readonly PlannedImage[], files: Files): Promise<Map<string, string>> {
  const failures = new Map<string, string>();
  const services = images.map(({ service }) => service);
  if (!options.keepsGoing) await runPull(options, services, files);
  for (const service of options.keepsGoing ? services : []) {
    try {
      await runPull(options, [service], files);
    } catch (error) {
      if (!(error instanceof HarborError) || error.exit !== "failed") throw error;
      failures.set(service, error.message);
    }
  }
  return failures;
}

async function runPull({ made, env, signal, progress }: PullImagesOptions, services: readonly string[], files: Files): Promise<void> {
  const { project, workspace } = made.plan;
  const compose = findCompose({ env, home: workspace.home });
  const stdio = progress.isQuiet ? "capture" : "progress";
  await runComposeOrThrow({ args: ["pull", ...services], project, ...files, env, compose, signal, stdio });
}
