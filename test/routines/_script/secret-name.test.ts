import { describe, expect, test } from "bun:test";
import { isSecretName, maskSecret } from "../../../routines/_script/secret-name.ts";

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
