/** The manager from nothing to a server that speaks and listens, with real pip, a real venv and no network; and how it ends. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../_until.ts";
import { STT_MODEL, TTS_MODEL } from "../../fixtures/speech-models.ts";
import { missingSpeechParts } from "../../fixtures/speech-parts.ts";
import { type Manager, makeWorld, type Prepared, prepared, processesWith, roundTrip, type World } from "./_manager.ts";

setDefaultTimeout(60_000);
const MODELS = { stt: STT_MODEL, tts: TTS_MODEL };

describe.skipIf(missingSpeechParts() !== undefined)("speaches", () => {
  let shared: Prepared;

  beforeAll(async () => {
    shared = await prepared();
  });

  describe("prepared where neither the package nor a dependency is for the Python at hand", () => {
    test("says what it does, and what it has widened", () => {
      const { stdout, stderr } = shared.result;
      expect(stdout).toBe(`All is there: the program in ${shared.environment}, the models in ${shared.data}\n`);
      const { result: _, python, bounds, minor } = shared;
      expect(stderr).toContain(`speaches: Python ${python.version} (${python.path})\n`);
      const [least, below] = bounds.requiresPython.split(",");
      // pip says the two bounds in an order of its own
      expect(stderr).toMatch(
        new RegExp(`^speaches: speaches asks for Python (${least},${below}|${below},${least}); widened to >=${minor},${below}$`, "m"),
      );
      expect(stderr).toMatch(new RegExp(`^speaches: kokoro-onnx asks for Python ${bounds.boundedDependency}; widened to `, "m"));
      expect(stderr).toContain(`\nspeaches: fetched ${STT_MODEL}\n`);
      expect(stderr).toContain(`\nspeaches: fetched ${TTS_MODEL}\n`);
    });

    test("leaves all of it under the folders that it was told", () => {
      const record = JSON.parse(readFileSync(join(shared.environment, "harbor-env.json"), "utf8"));
      expect(record).toMatchObject({ step: "installed", installer: "pip", package: { name: "speaches", version: "0.8.3" } });
      expect(record.patched.map((it: { name: string }) => it.name).sort()).toEqual(["kokoro-onnx", "speaches"]);
      for (const model of [STT_MODEL, TTS_MODEL]) {
        expect(existsSync(join(shared.data, `models--${model.replace("/", "--")}`, "refs/main"))).toBe(true);
      }
      expect(existsSync(join(shared.root, "home/.harbor"))).toBe(false);
    });
  });

  describe("started again, without a hub or an index", () => {
    let world: World;
    let manager: Manager;
    let milliseconds: number;

    beforeAll(async () => {
      world = await makeWorld();
      const startedAt = performance.now();
      manager = world.start([], { PIP_INDEX_URL: "http://127.0.0.1:9/simple" });
      await manager.waitUntilReady();
      milliseconds = performance.now() - startedAt;
    });
    afterAll(() => manager[Symbol.asyncDispose]());

    test("installs and fetches nothing, and is quick", () => {
      expect(manager.log).not.toMatch(/installing|fetching|looking for a Python/);
      expect(milliseconds).toBeLessThan(10_000);
    });

    test("speaks and listens", async () => {
      expect(await roundTrip(world.url, "open the door", MODELS)).toBe("open the door");
    });

    test("ends in good order when it is told to, and leaves nobody", async () => {
      const { exit, stderr } = await manager.stop();
      expect(exit).toBe(0);
      expect(stderr).not.toContain("harbor:");
      expect(processesWith(world.root)).toEqual([]);
      await until(
        () =>
          fetch(`${world.url}/health`).then(
            () => false,
            () => true,
          ),
        "the port is free",
      );
    });
  });
});
