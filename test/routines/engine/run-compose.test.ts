import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { composeArgv, type RunComposeOptions, runCompose, runComposeOrThrow } from "../../../routines/engine/run-compose.ts";
import { containerInfo, startFakeEngine } from "./_fake-engine.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "harbor-run-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Options for a plugin that is this shell script. */
function withPlugin(script: string, options: Partial<RunComposeOptions> = {}): RunComposeOptions {
  const path = join(folder, "docker-compose");
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  const env = { PATH: process.env.PATH, DOCKER_HOST: "unix:///nonexistent.sock" };
  return {
    args: ["up", "--detach"],
    project: "p",
    file: join(folder, "compose.yml"),
    env,
    compose: { path, version: "2.26.1" },
    ...options,
  };
}

describe("composeArgv", () => {
  test("names project, file, what paths mean, and values", () => {
    const options = {
      args: ["ps", "--all"],
      program: ["/c"],
      project: "p",
      file: "/s/compose.yml",
      envFile: "/s/values.env",
    };
    const file = ["--file", "/s/compose.yml", "--project-directory"];
    expect(composeArgv(options)).toEqual(["/c", "--project-name", "p", ...file, "/s", "--env-file", "/s/values.env", "ps", "--all"]);
    expect(composeArgv({ ...options, projectDirectory: "/w" })).toContain("/w");
  });
});

describe("runCompose", () => {
  test("gives code, stdout and the last lines of stderr, without colours and repetitions", async () => {
    const script = 'echo out; printf "\\033[32m one\\033[0m\\r\\n one\\n\\ntwo\\n" >&2; exit 7';
    expect(await runCompose(withPlugin(script))).toEqual({ code: 7, stdout: "out\n", stderrTail: [" one", "two"] });
  });

  test("hands over arguments as they are, and only the environment given", async () => {
    const options = withPlugin('printf "%s|" "$@"; echo "$LEAK$SEEN"', {
      args: ["$(id)", "a b"],
      env: { PATH: process.env.PATH, SEEN: "seen" },
    });
    const { stdout } = await runCompose(options);
    expect(stdout).toEndWith("|$(id)|a b|seen\n");
  });

  test("tells compose of an engine that nothing named", async () => {
    const endpoint = { host: "unix:///found.sock", origin: "found" as const };
    const { stdout } = await runCompose(withPlugin('echo "$DOCKER_HOST"', { env: { PATH: process.env.PATH }, endpoint }));
    expect(stdout).toBe("unix:///found.sock\n");
  });

  test("keeps from compose what the environment says otherwise than the env file", async () => {
    const envFile = join(folder, "values.env");
    writeFileSync(envFile, `DATA='/a$b'\nSAME="it's \\$1"\nUNSET=x\nEMPTY=y\n`);
    const env = { PATH: process.env.PATH, DATA: "mydata", SAME: "it's $1", EMPTY: "", OTHER: "other" };
    const { stdout } = await runCompose(withPlugin('echo "${DATA-none}|$SAME|${EMPTY-none}|$OTHER"', { env, envFile }));
    expect(stdout).toBe("none|it's $1|none|other\n");
  });

  test("on an abort lets compose put things in order, and returns only then", async () => {
    const controller = new AbortController();
    const script = `trap 'echo tidy >"${folder}/tidied"; exit 130' INT; echo ready >"${folder}/ready"; while :; do sleep 0.01; done`;
    const attempt = runCompose(withPlugin(script, { signal: controller.signal }));
    while (!existsSync(join(folder, "ready"))) await Bun.sleep(1);
    controller.abort();
    await expect(attempt).rejects.toMatchObject({ exit: "interrupted", message: 'Cannot finish "docker compose up": interrupted' });
    expect(readFileSync(join(folder, "tidied"), "utf8")).toBe("tidy\n");
  });

  test("does not start after an abort", async () => {
    const options = withPlugin(`touch ${folder}/started`, { signal: AbortSignal.abort() });
    await expect(runCompose(options)).rejects.toMatchObject({ exit: "interrupted" });
    expect(existsSync(join(folder, "started"))).toBe(false);
  });
});

describe("runComposeOrThrow", () => {
  const fail = async (stderr: string, containers: object[] = []) => {
    using fake = startFakeEngine((_, url) => (url.pathname === "/version" ? Response.json({}) : Response.json(containers)));
    const env = { PATH: process.env.PATH, DOCKER_HOST: fake.host, SAID: stderr };
    return await runComposeOrThrow(withPlugin('printf "%s\\n" "$SAID" >&2; exit 1', { env })).catch((error: Error) => error);
  };

  test("a port that a container has: names it", async () => {
    const holder = containerInfo("other", { Ports: [{ IP: "127.0.0.1", PrivatePort: 80, PublicPort: 8080, Type: "tcp" }] });
    const said =
      "Error response from daemon: driver failed programming external connectivity on endpoint p-a-1 (1f): Bind for 127.0.0.1:8080 failed: port is already allocated";
    expect(await fail(said, [holder])).toMatchObject({ message: 'Cannot publish 127.0.0.1:8080: container "p-other-1" has that port' });
  });

  test("a port that another process has", async () => {
    const said =
      "Error response from daemon: failed: Error starting userland proxy: listen tcp4 0.0.0.0:8080: bind: address already in use";
    expect(await fail(said)).toMatchObject({ message: "Cannot publish 0.0.0.0:8080: another process has that port" });
  });

  test("an image that cannot be had: names the service", async () => {
    const said =
      " web Pulling \n web Error pull access denied for nosuch, repository does not exist\nError response from daemon: pull access denied for nosuch";
    expect(await fail(said)).toMatchObject({ message: 'Cannot pull the image of "web": pull access denied for nosuch' });
  });

  test.each(["c", "Image nowhere.invalid/y:1", " ✘ c"])(
    "a build that fails is not the registry's fault, which compose warned of before it (%s)",
    async (what) => {
      const warning = `${what} Warning Get "https://nowhere.invalid/v2/": dial tcp: lookup nowhere.invalid: no such host`;
      const said = ` c Pulling \n${warning}\n[+] Building 0.0s (0/0)\nunable to prepare context: path "/absent" not found`;
      expect(await fail(said)).toMatchObject({
        message: 'Cannot run "docker compose up": unable to prepare context: path "/absent" not found',
        details: [],
      });
    },
  );

  test("an image that a build begins with and that cannot be had", async () => {
    const said = '#3 [c internal] load metadata\nfailed to solve: failed to do request: Head "https://r.invalid/v2/": no such host';
    expect(await fail(said)).toMatchObject({
      message: 'Cannot pull an image: failed to solve: failed to do request: Head "https://r.invalid/v2/": no such host',
    });
  });

  test("a port whose holder the engine does not tell: still the port", async () => {
    using fake = startFakeEngine((_, url) => (url.pathname === "/version" ? Response.json({}) : new Response("no", { status: 500 })));
    const env = { PATH: process.env.PATH, DOCKER_HOST: fake.host };
    const said = "Bind for 127.0.0.1:8080 failed: port is already allocated";
    const attempt = runComposeOrThrow(withPlugin(`echo "${said}" >&2; exit 1`, { env }));
    await expect(attempt).rejects.toMatchObject({ message: "Cannot publish 127.0.0.1:8080: another process has that port" });
  });

  test("something that others wait for", async () => {
    expect(await fail("dependency failed to start: container p-db-1 is unhealthy")).toMatchObject({
      message: "Cannot start what depends on it: container p-db-1 is unhealthy",
    });
  });

  test("anything else: in compose's words", async () => {
    expect(await fail("first\nyaml: line 3: odd")).toMatchObject({
      message: 'Cannot run "docker compose up": yaml: line 3: odd',
      details: ["first"],
    });
  });

  test("no engine: says so, whatever compose said", async () => {
    const attempt = runComposeOrThrow(withPlugin("echo some words >&2; exit 1"));
    await expect(attempt).rejects.toMatchObject({ exit: "missing", message: expect.stringContaining("nothing listens there") });
  });

  test("an engine that stopped in the middle: says so", async () => {
    const attempt = runComposeOrThrow(withPlugin("echo ' Container p-a-1  Creating' >&2; echo error during connect: EOF >&2; exit 1"));
    await expect(attempt).rejects.toMatchObject({ exit: "missing", message: expect.stringContaining("stopped answering in the middle") });
  });
});
