import { describe, expect, test } from "bun:test";
import { describeChanges } from "../../../routines/native/describe-changes.ts";
import type { NativeSpec } from "../../../routines/native/start-process.ts";
import { LIFE } from "./_fixture.ts";

const BEFORE: NativeSpec = {
  handle: "ollama",
  contract: "/c.yml",
  argv: ["ollama", "serve", "--x", "1", "--y=2"],
  cwd: "/w",
  env: { OLLAMA_DEBUG: "hush", OLLAMA_KEY: "s3cret" },
  port: 1,
  containerPort: 10,
  ...LIFE,
};

const RESTARTS: [string, Partial<NativeSpec>, string[]][] = [
  ["another program", { argv: ["/opt/ollama", ...BEFORE.argv.slice(1)] }, ["program ollama -> /opt/ollama"]],
  ["an argument's value", { argv: ["ollama", "serve", "--x", "9", "--y=2"] }, ["argument --x"]],
  ["an argument's value behind =", { argv: ["ollama", "serve", "--x", "1", "--y=3"] }, ["argument --y"]],
  ["one argument more", { argv: [...BEFORE.argv, "--z"] }, ["argument --z added"]],
  ["one argument less", { argv: ["ollama", "serve", "--y=2"] }, ["argument --x removed"]],
  ["a word of no option", { argv: ["ollama", "run", "--x", "1", "--y=2"] }, ["argument 1"]],
  ["another order", { argv: ["ollama", "serve", "--y=2", "--x", "1"] }, ["order of the arguments"]],
  ["another folder", { cwd: "/v" }, ["folder /w -> /v"]],
  ["variables", { env: { OLLAMA_KEY: "other", NEW: "1" } }, ["variable OLLAMA_DEBUG removed", "variable OLLAMA_KEY", "variable NEW added"]],
  ["another port", { port: 2 }, ["port 1 -> 2"]],
  ["that it says by itself that it is ready", { ready: { ...LIFE.ready, notify: true } }, ["readiness probe"]],
  ["a port no more", { port: undefined, containerPort: undefined }, ["port 1 -> none", "container port 10 -> none"]],
];

const APPLIED: [string, Partial<NativeSpec>, string[]][] = [
  ["the port in the stack", { containerPort: 11 }, ["container port 10 -> 11"]],
  ["the bridge", { bridge: "direct" }, ["bridge relay -> direct"]],
  ["the probes", { ready: { ...LIFE.ready, http: "/x" }, live: { ...LIFE.ready } }, ["readiness probe", "liveness probe"]],
  [
    "how it ends and is restarted",
    { stop: { signal: "SIGINT", grace: "1s" }, restart: { ...LIFE.restart, max: 9 } },
    ["stop signal or grace", "restart policy"],
  ],
  ["its hooks", { preStart: { argv: ["a"], timeout: "1s" }, postStop: { argv: ["b"], timeout: "1s" } }, ["pre_start", "post_stop"]],
  [
    "what it waits for and what is kept of it",
    { dependsOn: { db: "service_started" }, idle: { stop_after: "1h" }, logs: { ...LIFE.logs, max_files: 1 } },
    ["dependencies", "idle time", "log limits"],
  ],
];

describe("describeChanges", () => {
  test("has nothing to say of what is the same, in whatever order its variables stand", () => {
    const env = { OLLAMA_KEY: "s3cret", OLLAMA_DEBUG: "hush" };
    expect(describeChanges(BEFORE, { ...structuredClone(BEFORE), env })).toEqual({ needsRestart: false, changes: [] });
  });

  test.each(RESTARTS)("names %s, which takes a new process", (_, change, changes) => {
    expect(describeChanges(BEFORE, { ...BEFORE, ...change })).toEqual({ needsRestart: true, changes });
  });

  test.each(APPLIED)("names %s, which takes none", (_, change, changes) => {
    expect(describeChanges(BEFORE, { ...BEFORE, ...change })).toEqual({ needsRestart: false, changes });
  });

  test("never shows a value", () => {
    const after = { ...BEFORE, env: { OLLAMA_KEY: "t0ken" }, argv: ["ollama", "--key", "t0ken", "--pass=t0ken"] };
    const { changes } = describeChanges(BEFORE, after);
    expect(changes.join()).not.toMatch(/s3cret|hush|t0ken/);
  });
});
