/** An engine that is there and misbehaves: its own message or what it did, never "a bug in Harbor". */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { containerInfo, type FakeEngine, startFakeEngine } from "../routines/engine/_fake-engine.ts";
import { Sandbox } from "./_sandbox.ts";

let box: Sandbox;
let fake: FakeEngine;
let answerList: () => Response;

beforeAll(async () => {
  box = await Sandbox.create();
  fake = startFakeEngine((_, url) => {
    if (url.pathname === "/version") return Response.json({ Version: "28.0.0" });
    if (url.pathname === "/info") return Response.json({ OperatingSystem: "Debian" });
    return url.pathname === "/containers/json" ? answerList() : undefined;
  });
});

afterAll(async () => {
  await box.remove();
  fake[Symbol.dispose]();
});

const run = (words: string[]) => box.run(words, { env: { DOCKER_HOST: fake.host } });

const troubles: [what: string, answer: () => Response, said: string][] = [
  ["an error", () => Response.json({ message: "layer does not exist" }, { status: 500 }), "it answers 500: layer does not exist"],
  ["an error without words", () => new Response("", { status: 502 }), "it answers 502"],
  ["something that is not JSON", () => new Response("<html>"), "what it answers is no JSON"],
];

describe.each(troubles)("an engine that answers the question for its containers with %s", (_, answer, said) => {
  const message = (): string => `Cannot use the container engine at ${fake.host} (DOCKER_HOST): ${said}\n`;

  test.each(["down", "logs"])("harbor %s says what it was", async (verb) => {
    answerList = answer;
    const { exit, stdout, stderr } = await run([verb]);
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: "" });
    expect(stderr).toStartWith(`harbor: ${message()}`);
  });

  test("harbor ps warns, and shows the rest", async () => {
    answerList = answer;
    const { exit, stderr } = await run(["ps"]);
    expect(exit).toBe(0);
    expect(stderr).toStartWith(`harbor: warning: ${message()}`);
  });
});

test("a container that is removed between the list and its log has no lines", async () => {
  answerList = () => Response.json([containerInfo("web")]);
  const { exit, stdout, stderr } = await run(["routine", "read-logs"]);
  expect({ exit, stdout, stderr }).toEqual({ exit: 0, stdout: "", stderr: "" });
});

test("harbor doctor leaves out what an engine does not answer, and takes nothing of it for a bug", async () => {
  answerList = () => Response.json({ message: "layer does not exist" }, { status: 500 });
  const { exit, stdout } = await box.run(["doctor", "--json", "engine", "bridge", "orphans"], { env: { DOCKER_HOST: fake.host } });
  const { findings } = JSON.parse(stdout) as { findings: { check: string; state: string; what: string }[] };
  const of = (name: string) => findings.filter(({ check }) => check === name).map(({ state, what }) => [state, what]);
  expect(exit).toBe(0);
  expect(of("engine")).toEqual([["ok", expect.stringContaining("28.0.0")]]);
  expect(of("bridge")).toEqual([
    ["skipped", expect.stringContaining("Cannot try a connection from a container: it answers 404: no such thing")],
  ]);
  expect(of("orphans")).toEqual([["skipped", expect.stringContaining("layer does not exist")]]);
});

test("certificates that are not there are named", async () => {
  const env = { DOCKER_HOST: "tcp://127.0.0.1:1", DOCKER_TLS_VERIFY: "1" };
  const { exit, stderr } = await box.run(["routine", "connect-engine"], { env });
  expect(stderr).toStartWith(`harbor: Cannot read the certificate "${box.root}/.docker/ca.pem": there is no such file\n`);
  expect(exit).toBe(3);
});
