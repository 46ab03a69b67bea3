/** `harbor env` against what a process really gets, and against what docker compose says of a container. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { ServiceEnvironment } from "../../routines/compose/explain-environment.ts";
import { freePort } from "../_ports.ts";
import { resultOf } from "../_process.ts";
import { echoService, Sandbox } from "./_sandbox.ts";

let box: Sandbox;
let port: number;
let otherPort: number;

beforeAll(async () => {
  box = await Sandbox.create();
  port = freePort();
  otherPort = freePort();
  box.services({
    ...echoService(
      "echo",
      port,
      "    ECHO_API_KEY: \"${ECHO_KEY:-}\"\n  env_vars: [ECHO_DEBUG]\n  env_overrides: { ECHO_URL: 'http://echo:${ECHO_PORT_INSIDE:-80}' }\n  container_port: 80\n",
    ),
    "echo/compose.echo.yml": "services:\n  echo:\n    image: echo:1\n",
    ...echoService("asker", otherPort, "  depends_on: [echo]\n"),
    "asker/compose.asker.yml":
      'services:\n  asker:\n    image: asker:1\n    env_file: [./asker.env]\n    environment: ["A=${ECHO_URL:-none}", ECHO_DEBUG]\n    depends_on: [echo]\n',
    "asker/asker.env": "FROM_FILE='x ${ECHO_DEBUG}'\nA=below\nFILLED=${ECHO_DEBUG:-none}-$$5\n",
    "loner/compose.loner.yml": "services:\n  loner:\n    image: loner:1\n    environment: { A: b }\n",
  });
  box.write({ "home/config.env": "ECHO_KEY=s3cret\nECHO_DEBUG='a $b'\n" });
});

afterAll(() => box.remove());

const variables = async (...words: string[]): Promise<Record<string, string>> => {
  const services = await box.json<ServiceEnvironment[]>(["env", "--show-secrets", ...words]);
  return Object.fromEntries(services[0]?.variables.map(({ name, value }) => [name, value]) ?? []);
};

describe("harbor env of a process", () => {
  test("is what the process gets, the shell's secrets are not", async () => {
    const env = { MY_SHELL_TOKEN: "hush", AWS_SECRET_ACCESS_KEY: "hush", OPENAI_API_KEY: "hush", LC_TIME: "C" };
    expect((await box.run(["up", "-x", "echo", "asker"], { env })).exit).toBe(3); // no engine for the container
    expect((await box.run(["up", "-x", "echo", "-x", "asker"], { env })).stderr).not.toContain("hush");
    for (const [handle, at] of [
      ["echo", port],
      ["asker", otherPort],
    ] as const) {
      const answer = (await (await fetch(`http://127.0.0.1:${at}`)).json()) as Record<string, string>;
      // what Harbor adds for itself, and for whatever runs as bun
      const { HARBOR_NATIVE: mark, NODE_PATH: imports, ...real } = answer;
      expect(mark).toStartWith(`${handle}:`);
      expect(imports).toStartWith(join(box.state, "native", handle, "modules:"));
      const services = await box.json<ServiceEnvironment[]>(["env", handle, "--show-secrets"], { env });
      expect(services.map((it) => [it.service, it.runtime])).toEqual([[handle, "native"]]);
      expect(Object.fromEntries(services[0]?.variables.map(({ name, value }) => [name, value]) ?? [])).toEqual(real);
      expect(JSON.stringify(real)).not.toContain("hush");
    }
    // it runs natively: asked without a word about it, that is what is shown
    expect(await variables("asker")).toMatchObject({ ECHO_URL: `http://127.0.0.1:${port}` });
    await box.run(["down"]);
  });

  test("has the origin of each, and no secret unless it is asked for", async () => {
    const { stdout } = await box.run(["env", "echo", "-x", "echo"]);
    expect(stdout).toMatch(/^ECHO_API_KEY +\S+echo_native\.yml +\*{8}$/m);
    expect(stdout).toMatch(/^ECHO_DEBUG +\S+config\.env +a \$b$/m);
    expect(stdout).toMatch(/^PATH +host +\S+/m);
    expect(stdout).not.toContain("s3cret");
    expect((await box.run(["env", "echo", "-x", "echo", "--show-secrets"])).stdout).toContain("s3cret");
    expect((await box.run(["env", "echo", "-x", "echo", "--json"])).stdout).not.toContain("s3cret");
  });
});

const FOLDERS = [
  join(homedir(), ".docker/cli-plugins"),
  "/usr/local/lib/docker/cli-plugins",
  "/usr/libexec/docker/cli-plugins",
  "/usr/lib/docker/cli-plugins",
];
const plugin = FOLDERS.map((folder) => join(folder, "docker-compose")).find((path) => existsSync(path));
const note = plugin === undefined ? " (skipped: no docker-compose plugin in ~/.docker/cli-plugins or the system's)" : "";

/** The environment of every service, as compose reads the merged file. */
async function byCompose(words: string[]): Promise<Record<string, Record<string, string>>> {
  const line = await box.json<string[]>(["cmd", ...words]);
  const files = line.slice(line.indexOf("compose") + 1);
  const { stdout, stderr, exit } = await resultOf(
    Bun.spawn([plugin ?? "", ...files, "config", "--format", "json"], {
      env: { PATH: process.env.PATH ?? "" },
      stdout: "pipe",
      stderr: "pipe",
    }),
  );
  if (exit !== 0) throw new Error(stderr);
  const { services } = JSON.parse(stdout) as { services: Record<string, { environment?: Record<string, string | null> }> };
  // it writes $$ for a dollar sign
  const plain = (environment: Record<string, string | null> = {}): Record<string, string> =>
    Object.fromEntries(
      Object.entries(environment).flatMap(([name, value]) => (value === null ? [] : [[name, value.replaceAll("$$", "$")]])),
    );
  return Object.fromEntries(Object.entries(services).map(([name, { environment }]) => [name, plain(environment)]));
}

describe.skipIf(plugin === undefined)(`harbor env of a container${note}`, () => {
  test.each([
    ["beside a native it depends on", ["-x", "echo"]],
    ["beside a container", ["-c", "echo"]],
  ])("is what compose gives it %s", async (_, words) => {
    const expected = await byCompose(["asker", "loner", ...words]);
    expect(await variables("asker", ...words)).toEqual(expected.asker ?? {});
    expect(await variables("loner", ...words)).toEqual(expected.loner ?? {});
    expect(expected.loner).toEqual({ A: "b" });
    const isNative = words[0] === "-x";
    expect(expected.asker).toMatchObject(isNative ? { A: "http://echo:80", ECHO_URL: "http://echo:80" } : { A: "none" });
    expect("ECHO_URL" in (expected.asker ?? {})).toBe(isNative);
  });

  test.each(["webui", "litellm", "hollama", "ollama"])("is what compose gives %s of the built-in ones", async (handle) => {
    const words = ["webui", "litellm", "hollama", "-x", "mock-openai", "-x", "llamacpp"];
    const more = words.slice(3);
    const expected = await byCompose([...words, handle]);
    // the same selection, asked for one of it
    const env = { HARBOR_SERVICES_DEFAULT: "webui;litellm;hollama" };
    const services = await box.json<ServiceEnvironment[]>(["env", handle, "--show-secrets", ...more], { env });
    for (const { service, variables: them } of services) {
      expect(Object.fromEntries(them.map(({ name, value }) => [name, value]))).toEqual(expected[service] ?? {});
    }
  });
});

test("harbor env of what is none suggests a handle", async () => {
  const { exit, stderr } = await box.run(["env", "eco"]);
  expect([exit, stderr]).toEqual([4, expect.stringContaining('Cannot find service "eco"; did you mean "echo"?') as never]);
});
