import { afterEach, describe, expect, test } from "bun:test";
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { AuditLog } from "../../../services/conductor/core/audit-log.ts";
import { readSettings } from "../../../services/conductor/settings.ts";
import { makeFolder } from "../../_workspace.ts";
import { type Harness, TOKEN, useServers } from "./_server.ts";

const start = useServers();
const SECRET = "a-payload-that-nobody-else-reads";

const logs: AuditLog[] = [];
afterEach(async () => {
  for (const log of logs.splice(0)) await log.flush();
});

async function openLog(options: { folder: string; maxBytes?: number }): Promise<AuditLog> {
  const log = await AuditLog.open({ ...options, complain: (problem) => expect(problem).toBe("") });
  logs.push(log);
  return log;
}

async function audited(level: "operator" | "changes" = "operator"): Promise<{ server: Harness; folder: string }> {
  const folder = makeFolder();
  const audit = await openLog({ folder });
  return { server: await start({ settings: { audit: level }, audit }), folder };
}

// biome-ignore lint/suspicious/noExplicitAny: what a test expects of them, it says itself
async function entries(server: Harness, query = ""): Promise<any[]> {
  return (await server.ask("GET", `/audit${query}`)).body.entries;
}

describe("the audit", () => {
  test("has what is done with the conductor's token and what is refused, and neither payloads nor tokens", async () => {
    const { server, folder } = await audited();
    const hub = await server.register("hub");
    await server.beat(hub);
    await server.ask("PUT", "/state/a/b", { body: { value: SECRET } });
    await server.ask("PUT", "/state/mine", { token: hub.token, body: { value: SECRET } });
    await server.ask("POST", "/access-control", { body: { from: "hub", to: ["x"], allowed_operations: ["send"] } });
    await server.ask("GET", "/state/mine?q=secret-query", { token: hub.token });
    await server.ask("GET", "/services", { token: "hub-001.wrong-token" });
    await server.ask("GET", "/services", { token: null });
    await server.ask("POST", "/alerts/configure", { body: { alert_name: "hot", condition: "up == 0" } });
    await server.ask("POST", "/deregister", { token: hub.token, body: { component_id: hub.id } });
    const all = await entries(server);
    expect(all.map(({ who, action, status, code }) => [who, action, status, code].filter((it) => it !== undefined).join(" "))).toEqual([
      "operator POST /register 201",
      "operator PUT /state/a/b 200",
      "operator POST /access-control 201",
      "hub-001 GET /state/mine 403 access_denied",
      // nobody
      " GET /services 401 unknown_token",
      " GET /services 401 token_required",
      "operator POST /alerts/configure 201",
      "hub-001 POST /deregister 200",
    ]);
    expect(all[0]).toMatchObject({ from: "127.0.0.1", about: { component_id: "hub-001", is_replacement: false } });
    expect(all[2].about).toEqual({ from: "hub", to: ["x"], allowed_operations: ["send"] });
    const text = readFileSync(join(folder, "audit.jsonl"), "utf8");
    for (const secret of [SECRET, TOKEN, hub.token.split(".")[1] as string, "wrong-token", "secret-query"])
      expect(text).not.toContain(secret);
    expect(statSync(join(folder, "audit.jsonl")).mode & 0o777).toBe(0o600);
    expect(await entries(server, "?limit=1")).toEqual(all.slice(-1));
    expect(await entries(server, `?since=${all[2].id}&limit=2`)).toEqual(all.slice(3, 5));
    expect((await server.ask("GET", "/audit?since=x")).status).toBe(400);
    const other = await server.register("other");
    expect((await server.ask("GET", "/audit", { token: other.token })).status).toBe(403);
  });

  test("has what components change where that is asked for", async () => {
    const { server } = await audited("changes");
    const hub = await server.register("hub");
    await server.beat(hub);
    await server.ask("PUT", "/state/x", { token: hub.token, body: { value: SECRET } });
    await server.ask("POST", "/events/publish", { token: hub.token, body: { event_type: "x", data: SECRET } });
    expect((await entries(server)).map(({ who, action }) => `${who} ${action}`)).toEqual([
      "operator POST /register",
      "hub-001 PUT /state/x",
      "hub-001 POST /events/publish",
    ]);
  });

  test("is not filled by a flood of refusals: those that are left out are counted", async () => {
    const { server } = await audited();
    await Promise.all(Array.from({ length: 300 }, () => server.ask("GET", "/services", { token: null })));
    await server.register("hub");
    const all = await entries(server, "?limit=1000");
    expect(all.length).toBeLessThan(100);
    const leftOut = all.reduce((sum, { left_out = 0 }) => sum + left_out, 0);
    expect(all.length - 1 + leftOut).toBe(300);
    expect(all.at(-1)).toMatchObject({ action: "POST /register" });
  });

  test("is bounded in size, and goes on after a crash in the middle of a line", async () => {
    const folder = makeFolder();
    const options = { folder, maxBytes: 2_000 };
    const first = await openLog(options);
    const record = (log: AuditLog, n: number): void => log.record({ who: "operator", from: "::1", action: `PUT /state/${n}`, status: 200 });
    for (let n = 0; n < 200; n++) {
      record(first, n);
      if (n % 5 === 4) await first.flush();
    }
    expect(readdirSync(folder).sort()).toEqual(["audit.1.jsonl", "audit.2.jsonl", "audit.3.jsonl", "audit.4.jsonl", "audit.jsonl"]);
    for (const file of readdirSync(folder)) {
      expect(statSync(join(folder, file)).size).toBeLessThanOrEqual(2_000);
      expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    }
    const last = (await first.read({ limit: 30 })).map(({ action }) => action);
    expect(last).toEqual(Array.from({ length: 30 }, (_, n) => `PUT /state/${170 + n}`));
    appendFileSync(join(folder, "audit.jsonl"), '{"id":"1-');
    const second = await openLog(options);
    record(second, 200);
    const [before, after] = await second.read({ limit: 2 });
    expect([before?.action, after?.action]).toEqual(["PUT /state/199", "PUT /state/200"]);
    expect(await second.read({ limit: 5, since: before?.id })).toMatchObject([{ action: "PUT /state/200" }]);
  });

  test("says so where it cannot be written, and nothing else stands still", async () => {
    const folder = makeFolder();
    const problems: string[] = [];
    const log = await AuditLog.open({ folder: join(folder, "deep"), complain: (problem) => void problems.push(problem) });
    const { rmSync } = await import("node:fs");
    rmSync(join(folder, "deep"), { recursive: true });
    for (let count = 0; count < 2; count++) {
      log.record({ who: null, from: "::1", action: "GET /x", status: 401 });
      await log.flush();
    }
    expect(problems).toEqual([expect.stringContaining("the audit is not written: ENOENT")]);
  });

  test("can be turned off, and says so", async () => {
    const server = await start({ settings: { audit: "off" } });
    expect((await server.ask("GET", "/audit")).body).toEqual({ audit: "off", entries: [] });
    expect(readSettings({}).audit).toBe("operator");
    expect(readSettings({ HARBOR_CONDUCTOR_AUDIT: "off" }).audit).toBe("off");
    expect(() => readSettings({ HARBOR_CONDUCTOR_AUDIT: "loud" })).toThrow("HARBOR_CONDUCTOR_AUDIT");
    expect(existsSync("data")).toBe(false);
  });
});
