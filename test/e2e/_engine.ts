/** Whether there is what end-to-end tests need; where not, they are skipped, and one line says why. */
import { writeAll } from "../../routines/_script/emit.ts";
import { PROXY_IMAGE } from "../../routines/compose/write-proxy.ts";
import { connectEngine, type Engine } from "../../routines/engine/connect-engine.ts";
import { findCompose } from "../../routines/engine/find-compose.ts";
import { makeTemporaryFolder } from "./_temporary.ts";

const IMAGES = ["busybox:local", "local/bun:1", `${PROXY_IMAGE.name}:${PROXY_IMAGE.version}`];

export interface TestEngine {
  engine: Engine | undefined;
  /** Why there is none; tests are skipped then. */
  missing: string | undefined;
}

/** `more`: images beside those that every test needs. Throws instead of skipping where `HARBOR_E2E` is `required`, as in CI. */
export async function findTestEngine(more: readonly string[] = []): Promise<TestEngine> {
  using home = makeTemporaryFolder("harbor-probe-");
  try {
    findCompose({ env: process.env, home: home.path });
    const engine = await connectEngine({ env: process.env, home: home.path });
    const images = await Promise.all(
      [...IMAGES, ...more].map((name) =>
        engine.api
          .getImage(name)
          .inspect()
          .catch(() => name),
      ),
    );
    const absent = images.filter((image) => typeof image === "string");
    if (absent.length === 0) return { engine, missing: undefined };
    return skip(`no test images (${absent.join(", ")})`);
  } catch (error) {
    return skip((error as Error).message);
  }
}

const told = Symbol.for("harbor.e2e.told");

function skip(missing: string): TestEngine {
  if (process.env.HARBOR_E2E === "required") throw new Error(`Cannot run the end-to-end tests: ${missing}`);
  const shared = globalThis as { [told]?: boolean };
  if (!shared[told]) writeAll(2, `e2e tests skipped: ${missing}; \`.ci/run prepare\` sets up what they need\n`);
  shared[told] = true;
  return { engine: undefined, missing };
}

/** The engine, inside tests that are skipped where there is none. */
export function engineOf({ engine, missing }: TestEngine): Engine {
  if (engine === undefined) throw new Error(missing ?? "no engine");
  return engine;
}
