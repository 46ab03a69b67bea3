/** `harbor doctor` as a person runs it: each failing state brought about for real, with no engine to be found. */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { readBootId } from "../../routines/_script/process-identity.ts";
import type { DoctorReport } from "../../routines/doctor.ts";
import { freePort } from "../_ports.ts";
import { until } from "../_until.ts";
import { echoService, isRunning, Sandbox } from "./_sandbox.ts";

setDefaultTimeout(30_000);
let box: Sandbox;
beforeEach(async () => {
  box = await Sandbox.create();
});
afterEach(() => box.remove());

type Finding = DoctorReport["findings"][number];

/** Whatever its exit code. */
async function doctor(
  words: string[],
  env: Record<string, string> = {},
): Promise<DoctorReport & { exit: number; of(check: string): Finding[] }> {
  const { exit, stdout, stderr } = await box.run(["doctor", "--json", ...words], { env });
  if (stdout === "") throw new Error(stderr);
  const report = JSON.parse(stdout) as DoctorReport;
  return { ...report, exit, of: (name) => report.findings.filter(({ check }) => check === name) };
}

/** A port of this host, taken by a process that calls itself so; it ends with the scope. */
function listenAs(program: string, port: number, hostname: string): Bun.Subprocess {
  const script = `Bun.serve({ hostname: "${hostname}", port: ${port}, fetch: () => new Response("") })`;
  return Bun.spawn([process.execPath, "-e", script], { argv0: program, stdin: "ignore", stdout: "ignore", stderr: "ignore" });
}

async function untilTaken(port: number): Promise<void> {
  await until(
    () =>
      Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } }).then(
        (socket) => {
          socket.end();
          return true;
        },
        () => false,
      ),
    `something listens on ${port}`,
  );
}

describe("the engine", () => {
  test("one that DOCKER_HOST names and that is not there fails, with why and the fix", async () => {
    const { exit, state, of } = await doctor(["engine"]);
    expect({ exit, state }).toEqual({ exit: 1, state: "failed" });
    expect(of("engine")).toMatchObject([
      {
        state: "failed",
        what: "Cannot reach a container engine at unix:///nonexistent.sock (DOCKER_HOST): nothing listens there",
        why: "No container can run without it; native services can",
        fix: "Start that engine, or unset DOCKER_HOST; native services need none",
      },
    ]);
    // what depends on it is left out, and says so
    expect(of("engine-version")).toMatchObject([{ state: "skipped", what: expect.stringContaining("cannot be looked at: Cannot reach") }]);
  });

  test("a context that does not exist, and one that DOCKER_HOST overrules", async () => {
    box.write({ ".docker/config.json": JSON.stringify({ currentContext: "gone" }) });
    const { DOCKER_HOST: host = "", ...env } = box.env;
    expect((await doctor(["context"])).of("context")).toMatchObject([
      { state: "warning", what: 'DOCKER_HOST is set, and so is docker\'s context "gone"' },
    ]);
    expect(host).not.toBe("");
    const { of } = await doctor(["engine"], { ...env, DOCKER_HOST: "" });
    expect(of("engine")).toMatchObject([{ state: "failed", what: expect.stringContaining('Cannot use docker context "gone"') }]);
  });

  test("docker's own configuration: a helper that is gone, a file that is no JSON", async () => {
    box.write({ ".docker/config.json": JSON.stringify({ credsStore: "gone" }) });
    expect((await doctor(["context"])).of("context")).toMatchObject([
      { state: "warning", what: expect.stringContaining('"docker-credential-gone"') },
    ]);
    box.write({ ".docker/config.json": "{" });
    expect((await doctor(["context"])).of("context")).toMatchObject([{ state: "failed", what: expect.stringContaining("it is not JSON") }]);
  });
});

/** An address of this host that is not loopback: what is reached there might as well be another machine. */
const ownAddress = Object.values(networkInterfaces())
  .flatMap((them) => them ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

describe.skipIf(ownAddress === undefined)("an engine on another machine", () => {
  const answers: Record<string, unknown> = {
    "/version": { Version: "28.1.0", Components: [{ Name: "Engine" }] },
    "/info": { OperatingSystem: "Debian", Name: "far", SystemTime: new Date(Date.now() - 600_000).toISOString() },
    "/containers/json": [],
    "/images/json": [],
  };

  test("is told by the kind, the socket and the clock; native services are not joined to its containers", async () => {
    await using server = Bun.serve({
      hostname: ownAddress ?? "",
      port: 0,
      fetch: ({ url }) =>
        Response.json(answers[new URL(url).pathname] ?? { message: "no" }, { status: new URL(url).pathname in answers ? 200 : 404 }),
    });
    const env = { DOCKER_HOST: `tcp://${ownAddress}:${server.port}` };
    const { exit, of } = await doctor(["engine", "bridge", "clock"], env);
    expect(exit).toBe(1);
    expect(of("engine")).toMatchObject([{ state: "ok", what: expect.stringContaining("28.1.0 (remote) at tcp://") }]);
    expect(of("engine-kind")).toMatchObject([{ state: "warning", what: expect.stringContaining("on another machine") }]);
    expect(of("socket")).toMatchObject([{ state: "failed", what: expect.stringContaining("without TLS") }]);
    expect(of("bridge")).toMatchObject([{ state: "skipped" }]);
    expect(of("clock")).toMatchObject([{ state: "warning", what: expect.stringMatching(/clock is 6\d\d s behind/) }]);

    box.services({ ...echoService("echo", freePort()), "box/compose.box.yml": "services: { box: { image: busybox } }\n" });
    const up = await box.run(["up", "-x", "echo", "box"], { env });
    // without the compose plugin that is what is missing first
    expect(up.exit).toBe(3);
    if (!up.stderr.includes("compose plugin"))
      expect(up.stderr).toContain("a remote engine's containers do not reach this host's loopback");
    expect(await box.ps()).toEqual([]);
  });
});

describe("what listens to the network", () => {
  test("Ollama on every address fails, on loopback it does not", async () => {
    const port = freePort();
    {
      await using _ = listenAs("ollama", port, "0.0.0.0");
      await untilTaken(port);
      const { exit, of } = await doctor(["listeners"]);
      expect(exit).toBe(1);
      expect(of("listeners")).toContainEqual(
        expect.objectContaining({
          state: "failed",
          what: expect.stringContaining(`Ollama listens on every address of this host: port ${port} (pid`),
          fix: expect.stringContaining("OLLAMA_HOST=127.0.0.1"),
        }),
      );
    }
    await using _ = listenAs("ollama", port, "127.0.0.1");
    await untilTaken(port);
    expect(JSON.stringify((await doctor(["listeners"])).findings)).not.toContain(`port ${port}`);
  });

  test("a native service of Harbor's that breaks its promise", async () => {
    const port = freePort();
    const files = echoService("echo", port);
    box.services({ ...files, "echo/main.ts": (files["echo/main.ts"] ?? "").replace("127.0.0.1", "0.0.0.0") });
    expect(await box.run(["up", "-x", "echo"])).toMatchObject({ exit: 0 });
    const { exit, of } = await doctor(["listeners"]);
    expect(exit).toBe(1);
    expect(of("listeners")).toContainEqual(
      expect.objectContaining({
        state: "failed",
        what: expect.stringContaining(`echo, which runs natively, listens on every address of this host: port ${port}`),
      }),
    );
  });
});

describe("ports and programs of what would start", () => {
  test("a taken port names who has it, and the key that moves it", async () => {
    await using _ = listenAs("squatter", box.port, "127.0.0.1");
    await untilTaken(box.port);
    const { exit, of } = await doctor(["ports"]);
    expect(exit).toBe(1);
    expect(of("ports")).toMatchObject([
      {
        what: expect.stringMatching(new RegExp(`port ${box.port} of 127.0.0.1, which mock-openai wants, is taken by pid \\d+ \\(squatter`)),
        fix: `End that process, or take another port: harbor config set mock-openai.host_port ${box.port + 1000}`,
      },
    ]);
  });

  test("a port of what is up is its own", async () => {
    await box.run(["up"]);
    expect((await doctor(["ports"])).of("ports")).toMatchObject([{ state: "ok", what: "no port is wanted; mock-openai is up" }]);
  });

  test("a program that a default service lacks fails with its install line; what nobody selected does not", async () => {
    box.services({
      "lacking/lacking_native.yml": `x-harbor-native: { executable: nowhere-to-be-found, port: ${freePort()}, install: "brew install it" }\n`,
    });
    expect(await doctor(["contracts"])).toMatchObject({ exit: 0, state: "ok" });
    const { exit, of } = await doctor(["contracts"], { HARBOR_SERVICES_DEFAULT: "lacking" });
    expect(exit).toBe(1);
    expect(of("contracts")[0]).toMatchObject({
      state: "failed",
      what: expect.stringContaining('"nowhere-to-be-found" is not here'),
      fix: "brew install it",
    });
  });
});

describe("D11: a broken folder of one service", () => {
  beforeEach(() => {
    box.services({
      "broken/compose.broken.yml": "services:\n  broken: [\n",
      "broken/compose.x.mock-openai.broken.yml": "services: {",
      "worse/worse_native.yml": "x-harbor-native:\n  nonsense: 1\n",
      ...echoService("echo", freePort()),
    });
  });

  test("is told by doctor, with the place, as a warning", async () => {
    const { exit, of } = await doctor(["folders"]);
    expect(exit).toBe(0);
    expect(of("folders").map(({ state, what }) => [state, what.split(":")[0]])).toEqual([
      ["warning", "broken"],
      ["warning", "worse"],
    ]);
  });

  test("keeps no verb from the other services", async () => {
    const verbs = [
      ["ls"],
      ["plan"],
      ["plan", "echo", "webui"],
      ["cmd", "webui"],
      ["eject", "webui"],
      ["env", "webui"],
      ["config", "ls"],
      ["config", "get", "ollama.host_port"],
      ["config", "set", "ollama.host_port", "12345"],
      ["up", "-x", "echo"],
      ["ps"],
      ["url"],
      ["logs"],
      ["restart", "echo"],
      ["stop", "echo"],
      ["up"],
      ["autostart", "status"],
      ["doctor", "services", "state"],
      ["down"],
    ];
    for (const words of verbs) {
      const { exit, stderr } = await box.run(words);
      expect({ words, exit, stderr: exit === 0 ? "" : stderr }).toEqual({ words, exit: 0, stderr: "" });
    }
  });

  test("is left out of `*` and of the defaults with a message, and refused by name", async () => {
    const all = await box.json<{ services: { handle: string }[] }>(["plan", "*"]);
    const handles = all.services.map(({ handle }) => handle);
    expect(handles).toContain("echo");
    expect(handles).not.toContain("broken");
    const env = { HARBOR_SERVICES_DEFAULT: "broken;worse;echo" };
    const { exit, stdout, stderr } = await box.run(["plan", "--json"], { env });
    expect(exit).toBe(0);
    expect((JSON.parse(stdout) as typeof all).services.map(({ handle }) => handle)).toEqual(["echo"]);
    expect(stderr).toContain('harbor: warning: "broken" is left out: ');
    expect(stderr).toContain('harbor: warning: "worse" is left out: ');
    expect(await box.run(["plan", "broken"])).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining("compose.broken.yml:3:1: Cannot read YAML"),
    });
    expect((await doctor(["folders"], env)).of("folders").map(({ state }) => state)).toEqual(["failed", "failed"]);
  });

  test("what runs goes on while its folder is broken, and others can be started beside it", async () => {
    await box.run(["up", "-x", "echo"]);
    const pid = await box.pidOf("echo");
    box.services({ "echo/echo_native.yml": "x-harbor-native: [\n" });
    const { exit, stderr } = await box.run(["up", "-x", "mock-openai"]);
    expect({ exit, stderr }).toMatchObject({
      exit: 0,
      stderr: expect.stringContaining('"echo" is left as it runs, for its files are broken'),
    });
    expect(isRunning(pid)).toBe(true);
    expect((await box.ps()).map(({ handle }) => handle).sort()).toEqual(["echo", "mock-openai"]);
    expect(await box.run(["down", "echo"])).toMatchObject({ exit: 0 });
    expect((await box.ps()).map(({ handle }) => handle)).toEqual(["mock-openai"]);
  });
});

describe("what Harbor keeps", () => {
  test("files that others can read are failures, and --fix takes that away", async () => {
    box.write({ "home/config.env": "HARBOR_HF_TOKEN=hf_secret\n" });
    const file = join(box.home, "config.env");
    chmodSync(file, 0o644);
    mkdirSync(box.state);
    chmodSync(box.state, 0o755);
    const before = await doctor(["modes"]);
    expect(before.exit).toBe(1);
    expect(before.of("modes").map(({ state, fix, isFixable }) => [state, fix, isFixable])).toEqual([
      ["failed", `chmod 0700 ${box.state}`, true],
      ["failed", `chmod 0600 ${file}`, true],
    ]);
    expect(statSync(file).mode & 0o777).toBe(0o644); // it only looked
    const after = await doctor(["modes", "--fix"]);
    expect(after).toMatchObject({ exit: 0, state: "ok" });
    expect(after.of("modes").map(({ fixed }) => fixed)).toEqual([`${box.state} has mode 0700 now`, `${file} has mode 0600 now`]);
    expect([statSync(file).mode & 0o777, statSync(box.state).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(JSON.stringify(before) + JSON.stringify(after)).not.toContain("hf_secret");
  });

  test("a configuration that cannot be read fails with its line; a slip of a key is a warning", async () => {
    box.write({ "home/config.env": "HARBOR_OLLAMA_HOST_PORT=1\nthis is no entry\n" });
    const { exit, of } = await doctor([]);
    expect(exit).toBe(1);
    expect(of("config")).toMatchObject([{ state: "failed", what: expect.stringContaining("config.env:2: Cannot read a line") }]);
    expect(of("ports")).toMatchObject([{ state: "skipped" }]);
    box.write({ "home/config.env": "HARBOR_OLLAMA_HOST_PROT=1\n" });
    expect((await doctor(["config"])).of("config")).toMatchObject([
      { state: "warning", what: expect.stringContaining("did you mean HARBOR_OLLAMA_HOST_PORT?") },
    ]);
  });

  test("a lock and a file of a killed command go with --fix", async () => {
    const dead = {
      pid: 99_999_999,
      startTime: "1",
      bootId: readBootId(),
      host: hostname(),
      token: "0123456789abc",
      since: "2026-01-01T00:00:00Z",
    };
    box.write({
      "home/state/lock": JSON.stringify({ ...dead, purpose: "harbor up" }),
      "home/state/stack.json.99999999.tmp": "{}",
      "home/data/x/kept": "precious",
    });
    chmodSync(box.state, 0o700);
    const { exit, of } = await doctor(["leftovers"]);
    expect(exit).toBe(0);
    expect(of("leftovers").map(({ what }) => what)).toEqual([
      `a lock whose holder is gone: ${box.state}/lock, pid 99999999 (harbor up) since 2026-01-01T00:00:00Z`,
      "1 file that a command was writing when it was killed",
    ]);
    expect((await doctor(["leftovers", "--fix"])).of("leftovers").map(({ state }) => state)).toEqual(["ok", "ok"]);
    expect(box.left()).toEqual([]);
    expect(readFileSync(join(box.home, "data/x/kept"), "utf8")).toBe("precious");
  });

  test("a stack that ended with the machine is forgotten by --fix", async () => {
    await box.run(["up"]);
    const file = join(box.state, "stack.json");
    const record = JSON.parse(readFileSync(file, "utf8")) as object;
    await box.run(["down"]);
    mkdirSync(box.state, { recursive: true, mode: 0o700 });
    writeFileSync(file, JSON.stringify({ ...record, bootId: "another" }));
    expect((await doctor(["stack"])).of("stack")).toMatchObject([
      { state: "warning", what: "mock-openai is noted as up, and nothing of it is there: this host was started anew since" },
    ]);
    expect((await doctor(["stack", "--fix"])).of("stack")).toMatchObject([
      { state: "ok", fixed: expect.stringContaining("not noted any more") },
    ]);
    expect(existsSync(file)).toBe(false);
  });

  test("a record that is no JSON is moved away, not removed", async () => {
    box.write({ "home/state/stack.json": "half of" });
    chmodSync(box.state, 0o700);
    expect((await doctor(["stack"])).exit).toBe(1);
    expect((await doctor(["stack", "--fix"])).exit).toBe(0);
    expect(readFileSync(join(box.state, "stack.json.broken"), "utf8")).toBe("half of");
  });

  test("a supervisor that was killed is started again by --fix, and its services go on", async () => {
    await box.run(["up"]);
    const service = await box.pidOf("mock-openai");
    const { pid } = JSON.parse(readFileSync(join(box.state, "supervisor.json"), "utf8")) as { pid: number };
    process.kill(pid, "SIGKILL");
    await until(() => !isRunning(pid), "the supervisor is gone");
    expect((await doctor(["supervisor"])).of("supervisor")).toMatchObject([
      { state: "warning", what: "no supervisor runs, and mock-openai should have one" },
    ]);
    expect((await doctor(["supervisor", "--fix"])).of("supervisor")).toMatchObject([
      { state: "ok", fixed: expect.stringMatching(/^one runs: pid \d+$/) },
    ]);
    expect((await doctor(["supervisor"])).of("supervisor")).toMatchObject([{ state: "ok" }]);
    expect(await box.pidOf("mock-openai")).toBe(service);
  });
});

describe("the command", () => {
  test("without --fix it changes no file, and needs no home", async () => {
    box.write({ "home/config.env": "HARBOR_DATA=/d\n", "home/state/lock": "half" });
    const snapshot = () =>
      readdirSync(box.home, { recursive: true })
        .map(String)
        .filter((name) => name !== "state/host.json")
        .sort()
        .map((name) => `${name} ${statSync(join(box.home, name)).mode} ${name === "state" ? "" : statSync(join(box.home, name)).mtimeMs}`);
    const before = snapshot();
    await doctor([]);
    expect(snapshot()).toEqual(before);
    const { exit } = await box.run(["doctor", "state"], { env: { HARBOR_HOME: join(box.root, "nowhere") } });
    expect(exit).toBe(0);
    expect(existsSync(join(box.root, "nowhere/config.env"))).toBe(false);
  });

  test("is one screen for a person, with what is wrong in full", async () => {
    const { exit, stdout } = await box.run(["doctor"], { env: { COLUMNS: "80" } });
    expect(exit).toBe(1);
    expect(stdout).toContain("  FAILED   engine: Cannot reach a container engine at unix:///nonexistent.sock");
    expect(stdout).toMatch(/\n {11}why: .*\n {11}fix: /);
    expect(stdout).not.toContain("\x1b");
    expect(stdout.split("\n").length).toBeLessThan(50);
    const all = await box.run(["doctor", "--all"]);
    expect(all.stdout.split("\n").length).toBeGreaterThan(stdout.split("\n").length);
  });

  test("lists its checks, and refuses one that is none with the nearest", async () => {
    const checks = await box.json<{ name: string; group: string; about: string }[]>(["doctor", "--list"]);
    expect(checks.map(({ name }) => name)).toContain("listeners");
    expect(await box.run(["doctor", "listner"])).toMatchObject({
      exit: 4,
      stdout: "",
      stderr: 'harbor: Cannot find check "listner"; did you mean "listeners"?\n  Run `harbor doctor --list` to see them\n',
    });
    expect(await box.run(["doctor", "--workspace", "/nowhere"])).toMatchObject({ exit: 2 });
  });

  test("--json has the documented shape", async () => {
    const report = JSON.parse((await box.run(["doctor", "--json"])).stdout) as DoctorReport;
    expect(Object.keys(report)).toEqual(["state", "counts", "findings"]);
    expect(Object.keys(report.counts)).toEqual(["ok", "warning", "failed", "skipped"]);
    for (const finding of report.findings) {
      expect(Object.keys(finding)).toEqual(["check", "group", "state", "what", "why", "fix", "details", "isFixable", "fixed"]);
      if (finding.state === "failed" || finding.state === "warning") expect([finding.why, finding.fix]).not.toContain(null);
    }
  });
});
