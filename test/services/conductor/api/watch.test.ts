import { expect, test } from "bun:test";
import { describeOnBoth, useServers } from "../_server.ts";

const start = useServers();

/** By the specification: each family in one place, samples under its name, labels escaped. */
function checkFamilies(body: string): Map<string, string> {
  const families = new Map<string, string>();
  const label = '[a-z_]+="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
  for (const line of body.slice(0, -"# EOF\n".length).trimEnd().split("\n")) {
    const [, kind, family = "", rest = ""] = /^# (TYPE|UNIT|HELP) (\S+) (.+)$/.exec(line) ?? [];
    if (kind === "TYPE") {
      // a family is all in one place
      expect(families.has(family)).toBe(false);
      families.set(family, rest);
    } else if (kind === "UNIT") expect(family).toEndWith(`_${rest}`);
    else if (kind === undefined) {
      const last = [...families].at(-1) as [string, string];
      expect(line).toMatch(
        new RegExp(`^${last[0]}${last[1] === "counter" ? "_total" : ""}(?:\\{${label}(?:,${label})*\\})? -?[0-9.e+-]+$`),
      );
    }
  }
  return families;
}

describeOnBoth("/metrics", () => {
  test("has what is reported, now and over time", async () => {
    const server = await start();
    const hub = await server.register("hub");
    await server.beat(hub, { metrics: { cpu_percent: 12.5 } });
    expect((await server.ask("GET", "/metrics/hub-001")).body.metrics).toMatchObject({ cpu_percent: 12.5, up: 1, errors_total: 0 });
    const { body } = await server.ask("GET", `/metrics/hub-001?start=${Date.now() - 60_000}`);
    expect(body).toMatchObject({ step_seconds: 10, series: { cpu_percent: [{ mean: 12.5, max: 12.5, count: 1 }] } });
    expect((await server.ask("GET", "/metrics")).body.components).toHaveLength(1);
    expect((await server.ask("GET", "/metrics/nobody-001")).status).toBe(404);
    expect((await server.ask("GET", "/metrics?start=never")).status).toBe(400);
  });

  test("counts what is routed", async () => {
    const upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("", { status: 500 }) });
    const server = await start();
    const hub = await server.register("hub", { port: upstream.port });
    await server.beat(hub);
    await server.ask("GET", "/route/hub/");
    await upstream.stop(true);
    expect((await server.ask("GET", "/dashboard")).body.components).toMatchObject([{ requests: 1, errors: 1, errors_per_minute: 1 }]);
  });

  test("is OpenMetrics for Prometheus", async () => {
    const server = await start();
    await server.beat(await server.register("hub"), { metrics: { 'odd"\\\nname': 3 } });
    const { body, headers } = await server.ask("GET", "/metrics", {
      headers: { accept: "application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1" },
    });
    expect(headers.get("content-type")).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
    expect(body).toEndWith("\n# EOF\n");
    const families = checkFamilies(body);
    expect(families.size).toBeGreaterThan(4);
  });
});

describeOnBoth("/dashboard", () => {
  test("says how all are, and goes on saying so", async () => {
    const server = await start();
    const hub = await server.register("hub");
    await server.beat(hub, { status: "degraded" });
    const stream = await server.open("/dashboard?watch=true");
    expect((await stream.next())?.data).toMatchObject({
      overall_status: "degraded",
      components: [{ component_id: "hub-001", status: "degraded" }],
    });
    expect((await stream.next())?.event).toBe("dashboard");
    await stream.close();
  });

  test("is a page for a browser, without a token and with nothing from elsewhere", async () => {
    const server = await start();
    await server.register("hub");
    const { status, body, headers } = await server.ask("GET", "/dashboard", { token: null, headers: { accept: "text/html" } });
    expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(body).not.toContain("hub-001");
    expect(body).not.toMatch(/ (?:src=|href="(?!data:|#))/);
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect((await server.ask("GET", "/dashboard", { token: null })).status).toBe(401);
  });
});

describeOnBoth("/access-control", () => {
  test("denies whatever no rule allows, once there is one", async () => {
    const upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("yes") });
    const server = await start();
    const hub = await server.register("hub");
    const others = [await server.register("a", { port: upstream.port }), await server.register("b", { port: upstream.port })];
    for (const other of others) await server.beat(other);
    const reach = async (name: string) => (await server.ask("GET", `/route/${name}/`, { token: hub.token })).status;
    expect([await reach("a"), await reach("b")]).toEqual([200, 200]);
    await server.ask("POST", "/access-control", { body: { from: "hub", to: ["a"], allowed_operations: ["route"] } });
    expect([await reach("a"), await reach("b")]).toEqual([200, 403]);
    expect((await server.ask("GET", "/state", { token: hub.token })).body.error).toMatchObject({
      code: "access_denied",
      operation: "state-read",
    });
    expect((await server.beat(hub)).status).toBe(200);
    expect(
      (await server.ask("POST", "/access-control", { token: hub.token, body: { from: "hub", to: ["*"], allowed_operations: ["*"] } }))
        .status,
    ).toBe(403);
    expect((await server.ask("POST", "/access-control", { body: { from: "hub", to: ["a"], allowed_operations: ["fly"] } })).status).toBe(
      400,
    );
    expect((await server.ask("DELETE", "/access-control/hub")).status).toBe(200);
    expect(await reach("b")).toBe(200);
    await upstream.stop(true);
  });
});
