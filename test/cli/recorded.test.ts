/** What commands do with what an earlier `up` recorded: an engine that has gone, a folder that has moved, a project. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StackRecord } from "../../routines/stack/read-stack.ts";
import { freePort } from "../_ports.ts";
import { echoService, isRunning, Sandbox } from "./_sandbox.ts";

let box: Sandbox;

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({
    ...echoService("echo", await freePort()),
    "echo/compose.echo.yml": "services:\n  echo: { image: none, x-harbor-scheme: redis }\n",
  });
  const mine = Object.entries(echoService("mine", await freePort()));
  box.write(
    Object.fromEntries(
      mine.flatMap(([name, text]) => [`project/harbor/services/${name}`, `moved/services/${name}`].map((it) => [it, text])),
    ),
  );
  mkdirSync(elsewhere());
});

afterAll(() => box.remove());

const project = (): string => join(box.root, "project");
const elsewhere = (): string => join(box.root, "elsewhere");
const handles = async (): Promise<string[]> => (await box.ps()).map((row) => `${row.handle} ${row.state}`);

/** Rewrites the record: what an `up` before the engine went away would have left. */
function change(work: (record: StackRecord) => Partial<StackRecord>): void {
  const path = join(box.state, "stack.json");
  const record = JSON.parse(readFileSync(path, "utf8")) as StackRecord;
  writeFileSync(path, JSON.stringify({ ...record, ...work(record) }));
}

describe("an engine that has gone since", () => {
  const ENGINE = "Cannot reach a container engine at unix:///nonexistent.sock (DOCKER_HOST): nothing listens there";

  beforeAll(async () => {
    await box.run(["up", "-x", "echo"]);
    const runs = { handle: "web", runtime: "container" as const, because: "it has no contract", runs: "i" };
    const web = { ...runs, containers: ["web"], ports: [], urls: ["http://127.0.0.1:1"] };
    change((record) => ({ services: [...record.services, "web"], planned: [...record.planned, web], hasContainers: true }));
  });

  afterAll(async () => {
    change((record) => ({ services: record.natives, planned: record.planned.slice(0, 1), hasContainers: false }));
    await box.run(["down"]);
  });

  test("ps shows its containers as recorded, and says why it knows no more", async () => {
    const { exit, stdout, stderr } = await box.run(["ps"]);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: `harbor: warning: ${ENGINE}\n` });
    expect(stdout).toMatch(/^echo +native +running +healthy .*\nweb +container +unknown +- +- +-\n$/m);
  });

  test("logs -f ends with it, and does not wait for the lines of the others", async () => {
    const { exit, stderr } = await box.run(["logs", "-f"]);
    expect(exit).toBe(3);
    expect(stderr).toStartWith(`harbor: ${ENGINE}\n`);
  });

  test("up --attach ends with it, and stops what it started alone", async () => {
    const { exit, stderr } = await box.run(["up", "-x", "mock-openai", "--attach"]);
    expect(exit).toBe(3);
    expect(stderr).toContain("harbor: stopping mock-openai\n");
    expect(stderr).toContain(`harbor: ${ENGINE}\n`);
    expect(isRunning(Number(/starting as process (\d+)/.exec(stderr)?.[1]))).toBe(false);
    expect(await handles()).toEqual(["echo running", "web unknown"]);
  });
});

describe("harbor url --internal", () => {
  test("speaks the protocol that the service does", async () => {
    await box.run(["up", "-x", "echo"]);
    const [own] = await box.json<{ url: string }[]>(["url", "echo"]);
    expect(own?.url).toStartWith("redis://127.0.0.1:");
    expect((await box.run(["url", "--internal", "echo"])).stdout).toMatch(/^redis:\/\/echo:\d+\n$/);
    await box.run(["down"]);
  });
});

describe("a stack that was started in a project", () => {
  afterAll(() => box.run(["down"]));

  test("is added to from another folder, where its services are known as well", async () => {
    expect((await box.run(["up", "-x", "mine"], { cwd: project() })).exit).toBe(0);
    const pid = await box.pidOf("mine");
    const { exit, stderr } = await box.run(["up", "-x", "mock-openai"], { cwd: elsewhere() });
    expect(exit).toBe(0);
    expect(stderr).not.toContain("warning");
    expect(await handles()).toEqual(["mine running", "mock-openai running"]);
    expect(await box.pidOf("mine")).toBe(pid);
    expect((await box.run(["logs", "mine"], { cwd: elsewhere() })).stdout).toBe("mine listens\n");
    expect((await box.run(["ls", "--up"], { cwd: elsewhere() })).stdout).toContain("mine ");
  });

  test("keeps what runs when its folder is gone, and says so", async () => {
    renameSync(project(), `${project()}-away`);
    const { exit, stderr } = await box.run(["up", "-x", "mock-openai"], { cwd: elsewhere() });
    renameSync(`${project()}-away`, project());
    expect({ exit, stderr }).toEqual({
      exit: 0,
      stderr: expect.stringContaining('warning: "mine" runs, but its folder is gone from the workspace: it is left as it is') as string,
    });
    expect(await handles()).toEqual(["mine running", "mock-openai running"]);
    expect((await box.run(["up", "-x", "mock-openai"], { cwd: elsewhere() })).stderr).not.toContain("warning");
  });

  test("is forgotten with its last service", async () => {
    await box.run(["down"]);
    expect((await box.run(["up", "-x", "mine"], { cwd: elsewhere() })).stderr).toContain('Cannot find service "mine"');
  });
});

describe("a workspace that has moved since", () => {
  const moved = (): string => join(box.root, "moved");
  const gone = (): string => `harbor: Cannot use workspace "${moved()}": there is no such directory
  It was recorded by the last \`harbor up\`: \`harbor down\` stops what runs and forgets it
`;

  beforeAll(async () => {
    await box.run(["up", "--workspace", moved(), "-x", "mine"]);
    renameSync(moved(), `${moved()}-away`);
  });

  test.each(["ls", "ps redis", "url redis", "logs redis", "up -x mock-openai"])("%s says who named it", async (words) => {
    expect(await box.run(words.split(" "))).toEqual({ exit: 2, stdout: "", stderr: gone() });
  });

  test("is no matter once nothing of it runs", async () => {
    const { bootId } = JSON.parse(readFileSync(join(box.state, "stack.json"), "utf8")) as StackRecord;
    change(() => ({ bootId: "another" }));
    expect((await box.run(["ls"])).exit).toBe(0);
    expect((await box.run(["up", "--dry-run"])).exit).toBe(0);
    change(() => ({ bootId }));
  });

  test("down stops what runs, and forgets it", async () => {
    expect(await box.run(["down"])).toEqual({ exit: 0, stdout: "mine: stopped\n", stderr: "" });
    expect((await box.run(["ls"])).exit).toBe(0);
    expect(box.left()).toEqual([]);
  });
});
