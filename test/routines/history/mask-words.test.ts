import { describe, expect, test } from "bun:test";
import type { ArgSpecs } from "../../../routines/_script/command.ts";
import { maskWords } from "../../../routines/history/mask-words.ts";

const specs = {
  handles: { type: "positional", description: "", multiple: true },
  value: { type: "positional", description: "" },
  words: { type: "positional", description: "", multiple: true },
  exclude: { type: "string", description: "", multiple: true },
  to: { type: "string", description: "" },
  "api-key": { type: "string", description: "" },
  wait: { type: "string", description: "", default: "15m" },
  keep: { type: "boolean", description: "" },
  json: { type: "boolean", description: "" },
} as const satisfies ArgSpecs;

const SECRET = "correct horse battery staple";

test("names, flags and plain options are kept; defaults are not said", () => {
  const args = { handles: ["ollama", "webui"], exclude: ["ollama"], to: "./x.tar", wait: "15m", keep: true, json: false };
  expect(maskWords(specs, args, 0)).toEqual(["ollama", "webui", "--exclude", "ollama", "--to", "./x.tar", "--keep"]);
});

test("values, words for another program and what stands after -- are never kept", () => {
  const words = maskWords(specs, { handles: ["a"], value: "8080", words: ["run", SECRET], exclude: [] }, 3);
  expect(words).toEqual(["a", "********", "********", "********", "--", "********"]);
});

describe("of what is kept no secret is", () => {
  test.each([
    ["NAME=value", "HARBOR_X=plain", "HARBOR_X=********"],
    ["a URL's password", "https://me:hunter2@host/x", "https://me:********@host/x"],
    ["a URL's query", "https://host/x?token=abc#frag", "https://host/x?********"],
    ["OpenAI's", "sk-proj-abcdefgh12345678", "********"],
    ["Hugging Face's", "hf_abcdefghijklmnopqrst", "********"],
    ["GitHub's", "ghp_abcdefghijklmnopqrst", "********"],
    ["a JSON web token", "eyJhbGciOiJIUzI1NiJ9.e30.x", "********"],
    ["a machine's", "0123456789abcdef0123456789abcdef", "********"],
    ["a header", "Authorization: Bearer abc", "********"],
    ["none: a key's name", "hf_token", "hf_token"],
    ["none: a model", "Qwen/Qwen3-Coder-30B-A3B-Instruct-GGUF:Q4_K_M", "Qwen/Qwen3-Coder-30B-A3B-Instruct-GGUF:Q4_K_M"],
  ])("%s", (_, word, kept) => {
    expect(maskWords(specs, { handles: [word], exclude: [], to: word }, 0)).toEqual([kept, "--to", kept]);
  });

  test("an option's that is called so", () => {
    expect(maskWords(specs, { handles: [], exclude: [], "api-key": "short" }, 0)).toEqual(["--api-key", "********"]);
  });

  test("and none changes a line or a terminal, or is longer than a name", () => {
    const [word = ""] = maskWords(specs, { handles: [`a\n\x1b[31m${"b-".repeat(200)}`], exclude: [] }, 0);
    expect(word).toStartWith("a  [31mb-b-");
    expect(word.length).toBe(121);
  });
});
