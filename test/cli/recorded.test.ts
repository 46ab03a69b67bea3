/** What commands do with what an earlier `up` recorded: an engine that has gone, a folder that has moved, a project. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StackRecord } from "../../routines/stack/read-stack.ts";
import { echoService, freePort, Sandbox } from "./_sandbox.ts";

let box: Sandbox;

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({
    ...echoService("echo", await freePort()),
    "echo/compose.echo.yml": "services:\n  echo: { image: none, x-harbor-scheme: redis }\n",
  });
});

afterAll(() => box.remove());

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
    const web = { handle: "web", runtime: "container" as const, containers: ["web"], ports: [], urls: ["http://127.0.0.1:1"], runs: "i" };
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
