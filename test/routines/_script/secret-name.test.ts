import { describe, expect, test } from "bun:test";
import { isSecretName, maskSecret, maskUrls } from "../../../routines/_script/secret-name.ts";

describe("isSecretName", () => {
  test.each([
    "API_KEY",
    "HF_TOKEN",
    "DB_PASSWORD",
    "KEY",
    "JWT_SECRET",
    "CLIENT_CREDENTIALS",
    "OPENAI_KEY_OLLAMA",
    "PASSWORD_2",
    "db_password",
  ])("%s is one", (name) => {
    expect(isSecretName(name)).toBe(true);
  });

  test.each(["KEYBOARD", "HOST_PORT", "TOKENIZER", "MONKEY", "KEY_FILE", "DB_PASSWORD_FILE", "TOKEN_DELAY_MS"])("%s is none", (name) => {
    expect(isSecretName(name)).toBe(false);
  });
});

describe("maskSecret", () => {
  test.each([
    ["API_KEY", "sk-1", "********"],
    ["API_KEY", "", ""],
    ["PORT", "80", "80"],
    ["DATABASE_URL", "postgres://u:pa55@db:5432/x and redis://:p@r", "postgres://u:********@db:5432/x and redis://:********@r"],
    ["BASE_URL", "http://ollama:11434/a@b", "http://ollama:11434/a@b"],
  ])("%s=%s is shown as %s", (name, value, shown) => {
    expect(maskSecret(name, value)).toBe(shown);
  });
});

test.each([
  ["https://user:pass@x.example/simple", "https://user:********@x.example/simple"],
  ["https://token@x.example/simple", "https://********@x.example/simple"],
  ["a @ git+https://x:y@x.example/a.git@v1", "a @ git+https://x:********@x.example/a.git@v1"],
  ["git+ssh://git@x.example/a.git", "git+ssh://git@x.example/a.git"],
  ["https://x.example/a@b", "https://x.example/a@b"],
])("secrets in %s are masked", (text, masked) => {
  expect(maskUrls(text)).toBe(masked);
});
