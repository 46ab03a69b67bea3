import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { explainEngineError } from "../../../routines/engine/_reach-engine.ts";
import { connectEngine } from "../../../routines/engine/connect-engine.ts";
import { startFakeEngine } from "./_fake-engine.ts";

const version = { Version: "28.0.0", Components: [{ Name: "Engine" }, { Name: "containerd" }], Platform: { Name: "" } };

describe("connectEngine", () => {
  test("says what the engine is, and asks for its machine only once", async () => {
    using fake = startFakeEngine((_, url) => Response.json(url.pathname === "/info" ? { OperatingSystem: "OrbStack" } : version));
    const connect = () => connectEngine({ env: { DOCKER_HOST: fake.host }, home: fake.folder });
    const first = await connect();
    const second = await connect();
    expect([first.kind, first.version, second.kind]).toEqual(["desktop", "28.0.0", "desktop"]);
    expect(fake.asked.filter((line) => line === "GET /info")).toHaveLength(1);
  });

  test("asks again when another version answers there", async () => {
    let current = version;
    let info: object = { OperatingSystem: "Debian" };
    using fake = startFakeEngine((_, url) => Response.json(url.pathname === "/info" ? info : current));
    const connect = () => connectEngine({ env: { DOCKER_HOST: fake.host }, home: fake.folder });
    await connect();
    current = { ...version, Version: "4.3.1", Components: [{ Name: "Podman Engine" }] };
    info = { SecurityOptions: ["name=rootless"] };
    expect((await connect()).kind).toBe("rootless");
  });

  test("takes it for what the user says it is, and remembers only what itself says", async () => {
    using fake = startFakeEngine((_, url) => Response.json(url.pathname === "/info" ? { SecurityOptions: ["name=rootless"] } : version));
    const connect = (wanted?: string) => connectEngine({ env: { DOCKER_HOST: fake.host }, home: fake.folder, wanted });
    expect((await connect("linux")).kind).toBe("linux");
    expect(fake.asked.filter((line) => line === "GET /info")).toHaveLength(0);
    expect((await connect()).kind).toBe("rootless");
    expect((await connect("linux")).kind).toBe("linux");
    await expect(connect("vm")).rejects.toMatchObject({ exit: "usage" });
  });

  test("throws missing when nothing listens", async () => {
    const attempt = connectEngine({ env: { DOCKER_HOST: "unix:///nonexistent/engine.sock" }, home: "/nonexistent" });
    await expect(attempt).rejects.toMatchObject({
      exit: "missing",
      message: "Cannot reach a container engine at unix:///nonexistent/engine.sock (DOCKER_HOST): nothing listens there",
    });
  });

  test("throws missing when it listens but does not answer in time", async () => {
    using fake = startFakeEngine(() => new Promise(() => {}));
    const attempt = connectEngine({ env: { DOCKER_HOST: fake.host }, home: fake.folder, timeoutMs: 30 });
    await expect(attempt).rejects.toMatchObject({ exit: "missing", message: expect.stringContaining("it does not answer") });
  });

  test("throws interrupted when the caller gives up", async () => {
    using fake = startFakeEngine(() => new Promise(() => {}));
    const attempt = connectEngine({ env: { DOCKER_HOST: fake.host }, home: fake.folder, signal: AbortSignal.abort() });
    await expect(attempt).rejects.toMatchObject({ exit: "interrupted" });
  });
});

describe("explainEngineError", () => {
  test("tells a socket without permission from an engine that is not there", () => {
    using fake = startFakeEngine(() => undefined);
    const endpoint = fake.engine.endpoint;
    const denied = explainEngineError(endpoint, Object.assign(new Error("connect EACCES"), { code: "EACCES" }));
    expect(denied.message).toContain("no permission on its socket");
    expect(denied.hint).toContain("group");
    const refused = explainEngineError(endpoint, Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }));
    expect(refused.message).toContain("nothing listens there");
  });

  test("names the context that led there", () => {
    const file = join(import.meta.dir, "absent.sock");
    const error = explainEngineError(
      { host: `unix://${file}`, origin: "context", context: "far" },
      Object.assign(new Error(), { code: "ENOENT" }),
    );
    expect(error.message).toContain('(docker context "far")');
    expect(error.hint).toContain("docker context use");
  });
});

test("a cache that cannot be read costs a question, not the answer", async () => {
  using fake = startFakeEngine((_, url) => Response.json(url.pathname === "/info" ? { OperatingSystem: "Debian" } : version));
  writeFileSync(join(fake.folder, "state"), "a file where a folder should be");
  expect((await connectEngine({ env: { DOCKER_HOST: fake.host }, home: fake.folder })).version).toBe("28.0.0");
});
