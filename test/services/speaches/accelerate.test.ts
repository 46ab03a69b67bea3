/** Which accelerator is tried after which, and how the server is told. */
import { expect, test } from "bun:test";
import { accelerationVariables, fallBack } from "../../../services/speaches/accelerate.ts";

const CPU = "CPUExecutionProvider";
const CUDA = "CUDAExecutionProvider";
const CORE_ML = "CoreMLExecutionProvider";
const TENSORRT = "TensorrtExecutionProvider";

test.each([
  ["all works", [CORE_ML, CPU], "auto", {}, false, undefined],
  ["CoreML fails at load", [CORE_ML, CPU], "auto", { tts: "500" }, false, { providers: [CPU], device: "auto" }],
  ["one after the other", [TENSORRT, CUDA, CPU], "auto", { tts: "500" }, true, { providers: [CUDA, CPU], device: "auto" }],
  ["the CPU fails: nothing is left", [CPU], "auto", { tts: "500" }, false, undefined],
  ["speech to text on CUDA fails", [CUDA, CPU], "auto", { stt: "500" }, true, { providers: [CUDA, CPU], device: "cpu" }],
  ["speech to text without CUDA fails: nothing is left", [CORE_ML, CPU], "auto", { stt: "500" }, false, undefined],
  ["asked for by name it is left, too", [CPU], "cuda", { stt: "500" }, false, { providers: [CPU], device: "cpu" }],
  ["both", [CUDA, CPU], "cuda", { stt: "a", tts: "b" }, true, { providers: [CPU], device: "cpu" }],
] as const)("%s", (_, providers, device, check, canUseCuda, next) => {
  const result = fallBack({ providers, device }, check, canUseCuda);
  expect(result?.next as unknown).toEqual(next);
  if (next !== undefined) expect(result?.why).toContain("does not work");
});

test("the server is told the order, and what to leave out", () => {
  const known = [TENSORRT, CUDA, CPU].map((name) => ({ name, isUsable: true, reason: "" }));
  const withOptions = known.map((it) => (it.name === CUDA ? { ...it, options: { a: "1" }, env: { LD_LIBRARY_PATH: "/cuda" } } : it));
  const variables = accelerationVariables({ providers: [CUDA, CPU], device: "auto" }, withOptions);
  expect(variables).toMatchObject({ UNSTABLE_ORT_OPTS__PROVIDER_OPTS: JSON.stringify({ [CUDA]: { a: "1" } }), LD_LIBRARY_PATH: "/cuda" });
  expect(JSON.parse(variables.UNSTABLE_ORT_OPTS__PROVIDER_PRIORITY ?? "")).toEqual({ [CUDA]: 200, [CPU]: 100 });
  expect(JSON.parse(variables.UNSTABLE_ORT_OPTS__EXCLUDE_PROVIDERS ?? "")).toEqual([TENSORRT]);
  expect(variables.WHISPER__INFERENCE_DEVICE).toBe("auto");
});
