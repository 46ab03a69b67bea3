/** Which build of ONNX Runtime is in the environment: the one that was asked for, alone, and for as long as it will do. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { missingSpeechParts } from "../../fixtures/speech-parts.ts";
import { buildSpeechWheels } from "../../fixtures/speech-wheels.ts";
import { Manager, makeWorld, wordsOf } from "./_manager.ts";

setDefaultTimeout(60_000);

describe.skipIf(missingSpeechParts() !== undefined)("speaches", () => {
  test("keeps the GPU's build, of two that packages pull in, where it was asked for; and later, though this host has no GPU", async () => {
    const { root, prepared, port } = await makeWorld();
    const wheels = join(root, "wheels");
    await buildSpeechWheels({ folder: wheels, as: "wheel", hasGpuBuild: true });
    const places = { environment: join(root, "env"), data: prepared.data, python: prepared.python.path, wheels };
    const words = [...wordsOf({ source: "none", ...places }), "--port", String(port)];
    const asked = await Manager.start([...words, "--onnxruntime", "onnxruntime-gpu", "--prepare"], { root }).result();
    expect([asked.exit, asked.stderr]).toEqual([0, expect.stringContaining("onnxruntime-gpu")]);
    const builds = [...new Bun.Glob("env/lib/python*/site-packages/onnxruntime*.dist-info/METADATA").scanSync(root)];
    expect(builds).toEqual([expect.stringContaining("onnxruntime_gpu-")]);

    rmSync(wheels, { recursive: true });
    await using manager = Manager.start(words, { root });
    await manager.waitUntilReady();
    expect(manager.log).not.toContain("installing");
  });
});
