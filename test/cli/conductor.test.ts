/** `harbor conductor` beside services that run: what it shows, sends and asks, and that Harbor registers what it runs. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, ConductorClientError, connect, Operator } from "../../services/conductor/client/client.ts";
import { freePort } from "../_ports.ts";
import type { Result } from "../_process.ts";
import { until } from "../_until.ts";
import { echoService, readUntil, Sandbox } from "./_sandbox.ts";

let box: Sandbox;
let url: string;
let echoPort: number;
let token: string;
let hub: Client;

interface Row {
  component_id: string;
  instance_id: string;
  status: string;
  url: string;
  registered_by: string;
  causes: string[];
}

const ls = (...words: string[]): Promise<Row[]> => box.json<Row[]>(["conductor", "ls", ...words]);
const run = (...words: string[]): Promise<Result> => box.run(["conductor", ...words]);

const statusOf = async (id: string): Promise<string> => (await ls()).find((it) => it.component_id === id)?.status ?? "none";

beforeAll(async () => {
  box = await Sandbox.create();
  const port = freePort();
  echoPort = freePort();
  url = `http://127.0.0.1:${port}`;
  box.env.HARBOR_CONDUCTOR_HOST_PORT = String(port);
  box.services(echoService("echo", echoPort));
});

afterAll(async () => {
  await hub?.close();
  await box.remove();
});

const ONE = "mock-openai-001";

describe("what Harbor runs", () => {
  test("is not asked for while no conductor is up", async () => {
    const { exit, stderr } = await run("ls");
    expect({ exit, stderr }).toEqual({
      exit: 4,
      stderr: "harbor: Cannot ask the conductor: it is not up\n  Start it: harbor up conductor; another one is named by --url\n",
    });
  });

  test("is registered when the conductor comes up, also what was up before it", async () => {
    expect(await box.run(["up", "-x", "mock-openai"])).toMatchObject({ exit: 0 });
    const { exit, stderr } = await box.run(["up", "-x", "conductor"]);
    expect({ exit, stderr: stderr.includes("warning") }).toEqual({ exit: 0, stderr: false });
    token = (await box.run(["config", "get", "conductor.token"])).stdout.trim();
    await until(async () => (await statusOf(ONE)) === "healthy", "it is healthy");
    expect(await ls()).toEqual([
      expect.objectContaining({
        component_id: ONE,
        url: `http://127.0.0.1:${box.port}`,
        health_check_url: `http://127.0.0.1:${box.port}/health`,
        capabilities: ["openai-api", "openai-responses", "anthropic-api", "embeddings"],
        heartbeats: false,
        registered_by: "harbor",
      }),
    ]);
  });

  test("is registered as it comes, once, and stays as it is", async () => {
    const instanceOf = async (): Promise<string | undefined> => (await ls(ONE))[0]?.instance_id;
    const before = await instanceOf();
    expect((await box.run(["up", "-x", "echo"])).exit).toBe(0);
    expect((await ls()).map((it) => it.component_id).sort()).toEqual(["echo-001", ONE]);
    expect(await instanceOf()).toBe(before as string);
  });

  test("is gone once it is stopped or taken down, and back with the next start", async () => {
    expect((await box.run(["stop", "echo"])).exit).toBe(0);
    expect(await statusOf("echo-001")).toBe("none");
    expect((await box.run(["restart", "echo"])).exit).toBe(0);
    expect(await statusOf("echo-001")).not.toBe("none");
    expect((await box.run(["down", "echo"])).exit).toBe(0);
    expect(await statusOf("echo-001")).toBe("none");
  });

  test("is still known after a restart of the conductor", async () => {
    const before = (await ls())[0]?.instance_id;
    expect(await box.run(["conductor", "restart"])).toMatchObject({ exit: 0, stdout: "conductor: restarted\n" });
    await until(async () => (await statusOf(ONE)) === "healthy", "it is healthy");
    // by itself: Harbor has had nothing to say
    expect((await ls())[0]?.instance_id).toBe(before as string);
  });

  test("that registers by itself is left alone", async () => {
    const own = await connect({ url, token, component: "echo", port: echoPort, version: "9.9.9" });
    expect((await box.run(["up", "-x", "echo"])).exit).toBe(0);
    expect((await ls("echo"))[0]).toMatchObject({ registered_by: "component", version: "9.9.9" });
    expect((await box.run(["down", "echo"])).exit).toBe(0);
    expect((await ls("echo"))[0]).toMatchObject({ registered_by: "component" });
    await own.close();
  });

  test("is degraded when it dies, and well when it is back", async () => {
    const pid = await box.pidOf("mock-openai");
    // not by Harbor: it is to be missed, and its supervisor is kept from starting it again
    process.kill(pid, "SIGSTOP");
    await until(async () => (await statusOf(ONE)) === "degraded", "it is missed", 30_000);
    process.kill(pid, "SIGCONT");
    await until(async () => (await statusOf(ONE)) === "healthy", "it is back", 30_000);
    const operator = new Operator({ url, token });
    await until(async () => {
      const { events } = await operator.json<{ events: { event_type: string }[] }>({ method: "GET", path: "/events" });
      return ["component-degraded", "alert-resolved"].every((type) => events.some(({ event_type }) => event_type === type));
    }, "all were told");
  }, 70_000);
});

describe("a component", () => {
  beforeAll(async () => {
    hub = await connect({
      ...{ url, token, component: "sherlock-hub", port: echoPort, version: "1.2.0", capabilities: ["analysis"] },
      pulse: () => ({ metrics: { load: 0.25 } }),
    });
    const counting = hub.answer("count", (payload) => ({ counted: payload }));
    const slow = hub.answer("sleep", () => new Promise(() => {}));
    await Promise.all([counting.ready, slow.ready]);
  });

  test("is shown, found by what it can do and how it is", async () => {
    const { stdout } = await run("ls");
    expect(stdout).toMatch(/^ID +STATUS +VERSION +LAST SEEN +LOAD +URL +CAPABILITIES\n/);
    expect(stdout).toMatch(/^sherlock-hub-001 +healthy +1\.2\.0 +\d+ s ago +load 0\.25 +http:\S+ +analysis$/m);
    expect((await ls("--capability", "analysis")).map((it) => it.component_id)).toEqual(["sherlock-hub-001"]);
    expect((await ls("--status", "offline,degraded")).map((it) => it.component_id)).toEqual([]);
    expect((await ls("--version", "^1.0.0")).map((it) => it.component_id)).toEqual(["sherlock-hub-001"]);
    expect(await run("ls", "--status", "fine")).toMatchObject({ exit: 2, stderr: expect.stringContaining("must be of starting") });
    expect((await run("status")).stdout).toMatch(/^healthy, started .*\ncomponents {2}2: 2 healthy\n/);
    expect((await run("metrics", "sherlock-hub-001")).stdout).toMatch(/^sherlock-hub-001 +load +0\.25$/m);
  });

  test("answers a request: the result alone, or all with --json", async () => {
    expect(await run("request", "sherlock-hub", "count", '{"a":1}')).toEqual({
      exit: 0,
      stdout: '{\n  "counted": {\n    "a": 1\n  }\n}\n',
      stderr: "",
    });
    expect(await box.json<object>(["conductor", "request", "analysis", "count", "no JSON"])).toMatchObject({
      answered_by: "sherlock-hub-001",
      result: { counted: "no JSON" },
    });
  });

  test("that does not answer in time is 5, one that nobody is 4 with the nearest, one that does not listen 1", async () => {
    const late = await run("request", "sherlock-hub", "sleep", "--timeout", "200ms");
    expect(late.exit).toBe(5);
    const unknown = await run("request", "sherlok-hub", "count");
    expect(unknown).toMatchObject({ exit: 4, stderr: expect.stringContaining('did you mean "sherlock-hub"?') });
    const deaf = await run("request", "sherlock-hub", "other");
    expect(deaf).toMatchObject({ exit: 1, stderr: expect.stringContaining("harbor conductor send leaves a message that waits for it") });
  });

  test("gets what is sent: JSON, a text, a file, stdin; once per key", async () => {
    box.write({ "job.json": '{"path": "/data"}\n' });
    expect((await run("send", "sherlock-hub", '{"n": 1}', "--type", "scan")).stdout).toMatch(/^\d+-\d+\n$/);
    expect((await run("send", "sherlock-hub", "hello")).exit).toBe(0);
    expect((await box.run(["conductor", "send", "sherlock-hub", "@job.json", "--key", "job-7"], { cwd: box.root })).exit).toBe(0);
    const again = await box.run(["conductor", "send", "sherlock-hub", "@job.json", "--key", "job-7"], { cwd: box.root });
    expect(again.stdout).toContain("sent before");
    expect((await run("broadcast", "[1]", "--type", "note", "--capability", "analysis")).stdout).toBe("sent to 1 component\n");
    expect((await run("queue")).stdout).toMatch(/^sherlock-hub-001 +4 +0 +0$/m);
    const received = await hub.queue.receive();
    expect(received.map(({ type, payload, from }) => [type, payload, from])).toEqual([
      ["scan", { n: 1 }, "operator"],
      ["message", "hello", "operator"],
      ["message", { path: "/data" }, "operator"],
      ["note", [1], "operator"],
    ]);
    await Promise.all(received.map((message) => message.ack()));
  });

  test("has messages that can be looked at, taken in its place, and put back once they are dead", async () => {
    await run("send", "sherlock-hub", "first");
    for (let attempt = 1; attempt <= 5; attempt++) {
      const [message] = await until(async () => {
        const found = await box.json<{ attempt: number }[]>(["conductor", "receive", "sherlock-hub", "--keep"]);
        return found.length > 0 && found;
      }, "it comes again");
      expect(message?.attempt).toBe(attempt);
    }
    const [dead] = await until(async () => {
      const found = await box.json<{ messages?: never; message_id: string; reason: string }[]>(["conductor", "queue", "dead"]);
      return found.length > 0 && found;
    }, "it is dead");
    expect(dead?.reason).toBe("attempts");
    expect(await run("queue", "redrive")).toMatchObject({ exit: 2 });
    expect((await run("queue", "redrive", "1-1")).exit).toBe(4);
    expect((await run("queue", "redrive", "--all")).stdout).toBe("1 waits again\n");
    expect((await run("receive", "sherlock-hub", "--wait", "5s")).stdout).toMatch(/^\S+ {2}operator {2}message {2}"first"\n$/);
    expect((await run("receive", "sherlock-hub")).stderr).toBe("harbor: no message waits\n");
  });
});

describe("shared state", () => {
  test("is set, shown, changed only where it is as it was, and removed", async () => {
    expect((await run("state", "set", "scan/mode", '{"depth": 2}')).stdout).toMatch(/^version \d+\n$/);
    expect((await run("state", "get", "scan/mode")).stdout).toBe('{\n  "depth": 2\n}\n');
    expect(await run("state", "set", "scan/mode", "x", "--if-version", "0")).toMatchObject({ exit: 1 });
    const { version } = await box.json<{ version: number }>(["conductor", "state", "get", "scan/mode"]);
    expect((await run("state", "set", "scan/mode", "a text", "--if-version", String(version))).exit).toBe(0);
    expect((await run("state", "get", "scan/mode")).stdout).toBe("a text\n");
    expect((await run("state", "ls", "scan/")).stdout).toMatch(/^scan\/mode +\d+ +"a text"$/m);
    expect((await run("state", "rm", "scan/mode")).stderr).toBe("harbor: scan/mode is removed\n");
    expect(await run("state", "get", "scan/mode")).toMatchObject({ exit: 4 });
    expect((await run("state", "set", "k", "1", "--ttl", "soon")).exit).toBe(2);
  });

  test("is watched from what there is", async () => {
    await run("state", "set", "w/a", "1");
    const watch = box.start(["conductor", "state", "watch", "w/", "--json"]);
    await readUntil(watch.stdout, /"key":"w\/a"/);
    watch.kill("SIGINT");
    expect(await watch.exited).toBe(130);
  });
});

describe("alerts and access", () => {
  test("are configured, shown, silenced and removed", async () => {
    box.write({ "slack.txt": "https://hooks.slack.example/services/secret\n" });
    const words = ["alerts", "set", "many", "errors_per_minute > 5", "--for", "1m", "--channel", "desktop,slack:@slack.txt"];
    expect(await box.run(["conductor", ...words], { cwd: box.root })).toMatchObject({ exit: 0, stderr: "harbor: many is configured\n" });
    const { stdout } = await run("alerts");
    expect(stdout).toMatch(/^many +errors_per_minute > 5 +60 s +all +desktop, slack hooks\.slack\.example +-$/m);
    expect(stdout).not.toContain("secret");
    expect((await run("alerts", "silence", "many", "2h")).stderr).toContain("many is silent until 20");
    expect((await run("alerts", "silence", "many", "--end")).exit).toBe(0);
    const broken = await run("alerts", "set", "broken", "errors >");
    expect(broken).toMatchObject({ exit: 2, stderr: expect.stringContaining("\n  errors >\n          ^\n") });
    expect((await run("alerts", "rm", "many")).exit).toBe(0);
    expect(await run("alerts", "rm", "mny")).toMatchObject({ exit: 4 });
  });

  test("rules are set, shown and removed", async () => {
    expect((await run("access", "set", "sherlock-hub", "--to", "nsds,echo", "--allow", "send,request")).exit).toBe(0);
    expect((await run("access")).stdout).toMatch(/^sherlock-hub +nsds, echo +send, request$/m);
    expect((await run("access", "set", "x", "--allow", "fly")).exit).toBe(2);
    expect((await run("access", "rm", "sherlock-hub")).stderr).toContain("it was the last: every component may do everything");
  });
});

describe("watch", () => {
  test("shows events as they come, through a restart of the conductor, and ends with 130 on Ctrl-C", async () => {
    const watch = box.start(["conductor", "watch", "--type", "entity-*", "--since", "0-0"]);
    const first = readUntil(watch.stdout, /entity-created {2}operator {2}\{"id":1\}/);
    await run("publish", "entity-created", '{"id": 1}');
    await first;
    expect((await box.run(["restart", "conductor"])).exit).toBe(0);
    await run("publish", "entity-created", '{"id": 2}');
    await readUntil(watch.stdout, /\{"id":2\}/);
    watch.kill("SIGINT");
    expect(await watch.exited).toBe(130);
    expect(await new Response(watch.stderr).text()).toBe("");
  }, 20_000);

  test("ends when nobody reads it any more", async () => {
    const watch = box.start(["conductor", "watch", "--type", "entity-*", "--since", "0-0"]);
    const reader = watch.stdout.getReader();
    await reader.read();
    await reader.cancel();
    await run("publish", "entity-created", '{"id": 3}');
    expect(await watch.exited).toBe(0);
  }, 20_000);

  test("with --json is a line of JSON each", async () => {
    const watch = box.start(["conductor", "watch", "--json", "--since", "0-0", "--type", "entity-created"]);
    const [line] = await readUntil(watch.stdout, /^\{.*\}$/m);
    watch.kill("SIGINT");
    expect(JSON.parse(line ?? "")).toMatchObject({ event_type: "entity-created", source: "operator", data: { id: 1 } });
    expect(await watch.exited).toBe(130);
  });
});

describe("completion", () => {
  const complete = async (...words: string[]): Promise<string[]> => {
    const { stdout } = await box.run(["routine", "complete", "--", "conductor", ...words]);
    return stdout.split("\n").filter(Boolean);
  };

  test("knows subcommands, components, capabilities, keys, alerts and rules", async () => {
    await run("state", "set", "scan/mode", "1");
    await run("alerts", "set", "many", "load > 1");
    await run("access", "set", "sherlock-hub", "--allow", "*");
    expect((await complete("sta")).map((line) => line.split("\t")[0])).toEqual(["status", "state"]);
    expect(await complete("send", "sher")).toEqual(["sherlock-hub", "sherlock-hub-001"]);
    expect(await complete("request", "ana")).toEqual(["analysis"]);
    expect(await complete("ls", "--status", "off")).toEqual(["offline"]);
    expect(await complete("state", "get", "sc")).toEqual(["scan/mode"]);
    expect(await complete("alerts", "rm", "")).toEqual(["many"]);
    expect(await complete("access", "rm", "")).toEqual(["sherlock-hub"]);
    expect((await run("access", "rm", "sherlock-hub")).exit).toBe(0);
  });

  test("does not wait for a conductor that says nothing", async () => {
    const pid = await box.pidOf("conductor");
    process.kill(pid, "SIGSTOP");
    const startMs = performance.now();
    expect(await complete("send", "sher")).toEqual([]);
    expect(performance.now() - startMs).toBeLessThan(2_000);
    process.kill(pid, "SIGCONT");
    await until(async () => (await complete("send", "sher")).length > 0, "it is back");
  });
});

describe("elsewhere", () => {
  test("another conductor is named by its URL; its token is in a variable", async () => {
    const env = { HERE: token, WRONG: "nothing" };
    const words = ["conductor", "ls", "--url", url];
    expect((await box.run(words)).exit).toBe(0);
    expect((await box.run([...words, "--token-from-env", "HERE"], { env })).exit).toBe(0);
    expect(await box.run([...words, "--token-from-env", "WRONG"], { env })).toMatchObject({ exit: 3 });
    expect((await box.run([...words, "--token-from-env", "NONE"], { env })).exit).toBe(2);
  });

  test("this host's token goes nowhere else by itself, and no password in a URL", async () => {
    expect(await run("ls", "--url", "http://conductor.example:8888")).toMatchObject({ exit: 2 });
    expect(await run("ls", "--url", "http://me:secret@127.0.0.1:8888")).toMatchObject({ exit: 2 });
    expect(await run("ls", "--url", "nonsense")).toMatchObject({ exit: 2 });
    expect(await run("ls", "--url", `http://127.0.0.1:${freePort()}`)).toMatchObject({ exit: 1 });
  });

  test("a word that is no subcommand is about the service", async () => {
    expect((await run("url")).stdout).toBe(`${url}\n`);
    expect((await run("logs", "--tail", "1")).stdout).toContain(`conductor listens on ${url}`);
    expect(await run("lss")).toMatchObject({ exit: 2, stderr: expect.stringContaining('did you mean "ls"?') });
  });

  test("no token stands anywhere but in the secrets", async () => {
    expect(readFileSync(join(box.home, "history.jsonl"), "utf8")).not.toContain(token);
    const refused = new Operator({ url, token: "wrong" }).services();
    expect(await refused.catch((error: unknown) => (error instanceof ConductorClientError ? error.code : ""))).toBe("unknown_token");
  });
});
