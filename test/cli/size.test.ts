/** `harbor size`: what takes the disk. Images are the engine's part, in test/e2e. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { MeasuredStorage } from "../../routines/stack/measure-storage.ts";
import { freePort } from "../_ports.ts";
import { echoService, Sandbox } from "./_sandbox.ts";

type Answer = Pick<MeasuredStorage, "services" | "total" | "unreadable">;

let box: Sandbox;

beforeAll(async () => {
  box = await Sandbox.create();
  box.services(echoService("echo", freePort()));
  const kb = (count: number): string => "x".repeat(count * 1024);
  box.write({
    "home/data/ollama/models/blobs/sha256-1": kb(500),
    "home/data/ollama/history": kb(20),
    "home/data/departed/file": kb(100),
    "home/data/speaches/models--a--b/blobs/c": kb(50),
    "home/state/python/speaches/pyvenv.cfg": "",
    "home/state/python/speaches/lib/site.py": kb(200),
  });
});
afterAll(() => box.remove());

const size = (...words: string[]): Promise<Answer> => box.json<Answer>(["size", ...words]);

describe("harbor size", () => {
  test("has each service that stores something, the largest first, and what a service that is gone has left", async () => {
    const { services, total } = await size();
    expect(services.map((it) => [it.handle, it.isGone])).toEqual([
      ["ollama", false],
      ["speaches", false],
      ["departed", true],
    ]);
    const [ollama, speaches] = services;
    expect(ollama?.models).toBeGreaterThan(500_000);
    expect(ollama?.data).toBeGreaterThan(20_000);
    expect(ollama?.data).toBeLessThan(60_000);
    expect(speaches?.environments).toBeGreaterThan(200_000);
    expect(speaches?.models).toBeGreaterThan(50_000);
    expect(total.total).toBe(services.reduce((sum, it) => sum + it.total, 0));
    expect(ollama).toMatchObject({ images: null, containers: null, volumes: null, shared: null, imageList: [] });
  });

  test("says what could not be asked, in a table without those columns", async () => {
    const { exit, stdout, stderr } = await box.run(["size"]);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^SERVICE +MODELS +ENVIRONMENTS +DATA +TOTAL$/m);
    expect(stdout).toMatch(/^departed \(no such service\) +- +- +\d+\.\d kB +\d+\.\d kB$/m);
    expect(stdout).toMatch(/^in all /m);
    expect(stderr).toMatch(/^harbor: warning: images, containers and volumes are not counted: /);
  });

  test("of named services has each folder; of one that stores nothing nought", async () => {
    const { stdout } = await box.run(["size", "speaches"]);
    expect(stdout).toMatch(new RegExp(`^ +environments +[\\d.]+ kB +${join(box.home, "state/python/speaches")}$`, "m"));
    expect((await size("redis")).services).toMatchObject([{ handle: "redis", total: 0 }]);
    expect((await size("departed")).services).toMatchObject([{ handle: "departed", isGone: true }]);
  });

  test("counts the log of what runs natively", async () => {
    await box.run(["up", "-x", "echo"]);
    const { services } = await size("echo");
    expect(services[0]?.logs).toBeGreaterThan(0);
    expect(services[0]?.folders).toMatchObject([{ use: "logs", path: join(box.state, "native/echo") }]);
    await box.run(["down"]);
  });

  test.each([
    [["size", "olama"], 4, 'Cannot find service "olama"; did you mean "ollama"?'],
    [["size", "../data"], 2, 'Cannot use "../data" as a service'],
  ])("%j ends with %d", async (words, code, message) => {
    const { exit, stdout, stderr } = await box.run(words);
    expect({ exit, stdout }).toEqual({ exit: code, stdout: "" });
    expect(stderr).toStartWith(`harbor: ${message}`);
  });

  test("D12: leaves the home as it was", async () => {
    const before = readdirSync(box.home, { recursive: true }).sort();
    await box.run(["size"]);
    expect(readdirSync(box.home, { recursive: true }).sort()).toEqual(before);
  });
});
