import { describe, expect, test } from "bun:test";
import { chooseModel } from "../../../routines/launch/choose-model.ts";

const modelsOf = (...ids: string[]) => ids.map((id) => ({ id, contextLength: undefined }));
const choose = (ids: string[], more: { named?: string; configured?: string } = {}) =>
  chooseModel({ handle: "it", models: modelsOf(...ids), named: undefined, configured: undefined, choose: undefined, ...more });

describe("chooseModel", () => {
  test.each([
    "nomic-embed-text:latest",
    "mxbai-embed-large",
    "BAAI/bge-m3",
    "bge-reranker-v2-m3",
    "intfloat/e5-large",
    "all-minilm:l6-v2",
    "openai/whisper-1",
    "tts-1",
    "ollama/*",
  ])("passes over %s by its name", async (id) => {
    expect((await choose([id, "qwen3:8b"])).model.id).toBe("qwen3:8b");
  });

  test.each(["qwen3:8b", "gemma-3-1b-it-GGUF", "gpt-oss:20b", "phi4-mini", "smollm2:360m", "deepseek-r1"])("takes %s", async (id) => {
    expect(await choose(["text-embedding-3", id])).toEqual({ model: { id, contextLength: undefined }, others: [] });
  });

  test("takes what is behind a gateway's pattern by its name", async () => {
    expect((await choose(["ollama/*"], { named: "ollama/qwen3:8b" })).model.id).toBe("ollama/qwen3:8b");
    expect(await choose(["ollama/*"], { named: "vllm/x" }).catch((error: unknown) => error)).toMatchObject({ exit: "unknown" });
  });

  test("says what to do where there is none that talks", async () => {
    const refusal = (ids: string[]) => choose(ids).catch((error: unknown) => error);
    expect(await refusal([])).toMatchObject({ exit: "failed", message: 'Cannot choose a model of "it": it lists none' });
    expect(await refusal(["bge-m3"])).toMatchObject({ message: expect.stringContaining("(bge-m3)"), hint: "Name one: --model <name>" });
  });
});
