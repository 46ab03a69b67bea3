import { afterEach, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { until } from "../../../_until.ts";
import { describeOnBoth, type Harness, handClock, useServers } from "../_server.ts";

const start = useServers();
const open: { stop(): unknown }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.stop();
});

/** What comes to a webhook. */
function webhook(): { url: string; bodies: Record<string, unknown>[] } {
  const bodies: Record<string, unknown>[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      bodies.push((await request.json()) as Record<string, unknown>);
      return new Response("ok");
    },
  });
  open.push({ stop: () => server.stop(true) });
  return { url: `${server.url}secret`, bodies };
}

const REPLIES: Record<string, string> = { EHLO: "250-here\r\n250 AUTH PLAIN\r\n", AUTH: "235 yes\r\n", QUIT: "221 bye\r\n" };

/** A mail server that takes everything and remembers it. */
async function mailServer(): Promise<{ port: number; lines: string[] }> {
  const lines: string[] = [];
  const server: Server = createServer((socket) => {
    let isData = false;
    let text = "";
    socket.write("220 here\r\n");
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      text += chunk.toString();
      for (let end = text.indexOf("\r\n"); end >= 0; end = text.indexOf("\r\n")) {
        const line = text.slice(0, end);
        text = text.slice(end + 2);
        lines.push(line);
        if (isData && line !== ".") continue;
        isData = line === "DATA";
        socket.write(isData ? "354 go on\r\n" : (REPLIES[line.slice(0, 4)] ?? "250 ok\r\n"));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push({ stop: () => server.close() });
  return { port: (server.address() as { port: number }).port, lines };
}

async function configure(server: Harness, more: Record<string, unknown>): Promise<void> {
  const { status, body } = await server.ask("POST", "/alerts/configure", {
    body: { alert_name: "hot", condition: "cpu_percent > 90", ...more },
  });
  if (status !== 201) throw new Error(JSON.stringify(body));
}

describeOnBoth("alerts", () => {
  test("fire after their time, by webhook, Slack and mail, and are resolved", async () => {
    const clock = handClock();
    const [hook, slack, mail] = [webhook(), webhook(), await mailServer()];
    const server = await start({ clock, settings: { smtpUrl: `smtp://me:pass%20word@127.0.0.1:${mail.port}` } });
    const hub = await server.register("hub");
    const channels = [
      { type: "webhook", url: hook.url },
      { type: "slack", url: slack.url },
      { type: "email", to: "you@example.com" },
    ];
    await configure(server, { components: ["hub"], for_seconds: 1, severity: "critical", notification_channels: channels });
    await server.beat(hub, { metrics: { cpu_percent: 99 } });
    server.conductor.alerts.tick();
    expect(server.conductor.alerts.firing()).toEqual([]);
    clock.pass(1_000);
    server.conductor.alerts.tick();
    expect((await server.ask("GET", "/alerts")).body.firing).toMatchObject([{ alert_name: "hot", component_id: "hub-001" }]);
    await until(() => hook.bodies.length === 1 && slack.bodies.length === 1 && mail.lines.includes("QUIT"), "all are told");
    expect(hook.bodies[0]).toMatchObject({
      event: "alert-firing",
      alert_name: "hot",
      component_id: "hub-001",
      values: { cpu_percent: 99 },
    });
    expect(slack.bodies[0]?.text).toContain("cpu_percent &gt; 90");
    expect(mail.lines).toContain("RCPT TO:<you@example.com>");
    expect(mail.lines).toContain(`AUTH PLAIN ${Buffer.from("\0me\0pass word").toString("base64")}`);
    await server.beat(hub, { metrics: { cpu_percent: 10 } });
    server.conductor.alerts.tick();
    await until(() => hook.bodies.length === 2, "it is resolved");
    expect(hook.bodies[1]).toMatchObject({ event: "alert-resolved" });
    const types = (await server.ask("GET", "/events")).body.events.map((event: { event_type: string }) => event.event_type);
    expect(types).toEqual(expect.arrayContaining(["alert-firing", "alert-resolved"]));
    expect(JSON.stringify((await server.ask("GET", "/alerts")).body)).not.toContain("secret");
  });

  test("that are silenced tell nobody until the silence is over", async () => {
    const clock = handClock();
    const hook = webhook();
    const server = await start({ clock });
    const hub = await server.register("hub");
    await configure(server, { notification_channels: [{ type: "webhook", url: hook.url }] });
    expect((await server.ask("POST", "/alerts/hot/silence", { body: { duration_seconds: 2 } })).status).toBe(200);
    await server.beat(hub, { metrics: { cpu_percent: 99 } });
    server.conductor.alerts.tick();
    expect([server.conductor.alerts.firing().length, hook.bodies.length]).toEqual([1, 0]);
    clock.pass(2_001);
    server.conductor.alerts.tick();
    await until(() => hook.bodies.length === 1, "it is told now");
  });

  test("stay as they are while nothing is known, and over a restart; with the component they end", async () => {
    const server = await start();
    const hub = await server.register("hub");
    await configure(server, {});
    await server.beat(hub, { metrics: { cpu_percent: 99 } });
    server.conductor.alerts.tick();
    const next = await start({ after: server });
    next.conductor.alerts.tick();
    expect(next.conductor.alerts.firing()).toMatchObject([{ componentId: "hub-001" }]);
    await next.ask("POST", "/deregister", { token: hub.token, body: { component_id: hub.id } });
    next.conductor.alerts.tick();
    expect(next.conductor.alerts.firing()).toEqual([]);
  });

  test("that fire before a restart are told of once, and a silence outlives it", async () => {
    const [clock, hook] = [handClock(), webhook()];
    const first = await start({ clock });
    const hub = await first.register("hub");
    const other = await first.register("other");
    const channels = [{ type: "webhook", url: hook.url }];
    await configure(first, { components: ["hub"], notification_channels: channels });
    await configure(first, { alert_name: "quiet", components: ["other"], notification_channels: channels });
    await first.ask("POST", "/alerts/quiet/silence", { body: { duration_seconds: 60 } });
    await first.beat(hub, { metrics: { cpu_percent: 99 } });
    await first.beat(other, { metrics: { cpu_percent: 99 } });
    first.conductor.alerts.tick();
    await until(() => hook.bodies.length === 1, "it is told");
    const next = await start({ after: first, clock });
    await next.beat(hub, { metrics: { cpu_percent: 99 } });
    await next.beat(other, { metrics: { cpu_percent: 99 } });
    next.conductor.alerts.tick();
    expect((await next.ask("GET", "/alerts")).body.firing).toMatchObject([
      { alert_name: "hot", component_id: "hub-001", is_silenced: false },
      { alert_name: "quiet", component_id: "other-001", is_silenced: true },
    ]);
    await next.beat(hub, { metrics: { cpu_percent: 1 } });
    next.conductor.alerts.tick();
    await until(() => hook.bodies.length === 2, "it is told of the end");
    expect(hook.bodies.map(({ event, alert_name: name }) => [event, name])).toEqual([
      ["alert-firing", "hot"],
      ["alert-resolved", "hot"],
    ]);
  });

  test("that come and go every second are told of once a minute", async () => {
    const [clock, hook] = [handClock(), webhook()];
    const server = await start({ clock });
    const hub = await server.register("hub");
    await configure(server, { notification_channels: [{ type: "webhook", url: hook.url }] });
    for (let second = 0; second < 50; second++) {
      await server.beat(hub, { metrics: { cpu_percent: second % 2 === 0 ? 99 : 1 } });
      server.conductor.alerts.tick();
      clock.pass(1_000);
    }
    await server.beat(hub, { metrics: { cpu_percent: 99 } });
    server.conductor.alerts.tick();
    await until(() => hook.bodies.length >= 2, "the first is told of");
    expect(hook.bodies.map(({ event }) => event)).toEqual(["alert-firing", "alert-resolved"]);
    clock.pass(15_000);
    server.conductor.alerts.tick();
    await until(() => hook.bodies.length === 3, "it still fires: that is told of now");
    const fired = (await server.ask("GET", "/events?limit=1000")).body.events.filter(
      (each: { event_type: string }) => each.event_type === "alert-firing",
    );
    expect(fired.filter(({ data }: { data: { alert_name: string } }) => data.alert_name === "hot")).toHaveLength(26);
  });

  test("with a condition that is none any more are left out and said; the others are looked at", async () => {
    const before = await start();
    const rule = { components: [], channels: [], forMs: 0, severity: "warning", silencedUntil: 0 };
    await before.store.documents.put("alert", "old", { ...rule, name: "old", condition: "cpu_percent >> 90" });
    await before.store.documents.put("alert", "hot", { ...rule, name: "hot", condition: "cpu_percent > 90" });
    await before.store.documents.put("alert-firing", "old/hub-001", { alert: "old", componentId: "hub-001", since: 0, isNotified: true });
    const server = await start({ after: before });
    await until(() => server.problems.length > 0, "it is said");
    expect(server.problems).toEqual([expect.stringContaining('the alert "old" is left out until it is configured again: has ">"')]);
    await server.beat(await server.register("hub"), { metrics: { cpu_percent: 99 } });
    server.conductor.alerts.tick();
    expect(server.conductor.alerts.firing()).toMatchObject([{ alert: "hot" }]);
    expect(await server.store.documents.list("alert-firing")).toMatchObject([{ id: "hot/hub-001" }]);
    await configure(server, { alert_name: "old", condition: "cpu_percent > 98" });
    expect((await server.ask("DELETE", "/alerts/old")).status).toBe(200);
  });

  test("begin anew with another condition, and with another alert of the same name", async () => {
    const clock = handClock();
    const server = await start({ clock });
    await server.beat(await server.register("hub"), { metrics: { cpu_percent: 99 } });
    for (const change of ["condition", "removal"]) {
      await configure(server, { for_seconds: 10 });
      server.conductor.alerts.tick();
      clock.pass(9_000);
      if (change === "removal") await server.ask("DELETE", "/alerts/hot");
      await configure(server, { for_seconds: 10, condition: change === "removal" ? "cpu_percent > 90" : "cpu_percent > 80" });
      server.conductor.alerts.tick();
      clock.pass(2_000);
      server.conductor.alerts.tick();
      expect(server.conductor.alerts.firing()).toEqual([]);
      await server.ask("DELETE", "/alerts/hot");
    }
  });

  test("that reach nobody are events", async () => {
    const server = await start();
    await configure(server, { notification_channels: [{ type: "email", to: "you@example.com" }] });
    await server.beat(await server.register("hub"), { metrics: { cpu_percent: 99 } });
    server.conductor.alerts.tick();
    const events = async () => (await server.ask("GET", "/events")).body.events as { event_type: string; data: unknown }[];
    const told = await until(async () => (await events()).find((each) => each.event_type === "alert-not-delivered"), "it is told");
    expect(told.data).toEqual({ alert_name: "hot", component_id: "hub-001", channel: "email", reason: "conductor.smtp_url is not set" });
  });

  test("are refused with the position of a mistake, and by who may not", async () => {
    const server = await start();
    const hub = await server.register("hub");
    const body = { alert_name: "hot", condition: "errors_per_minute >> 5" };
    expect(await server.ask("POST", "/alerts/configure", { body })).toMatchObject({
      status: 400,
      body: { error: { code: "bad_condition", position: 19 } },
    });
    expect((await server.ask("POST", "/alerts/configure", { body, token: hub.token })).status).toBe(403);
    expect((await server.ask("DELETE", "/alerts/none")).status).toBe(404);
    const wrong = { alert_name: "x", condition: "up == 0", notification_channels: [{ type: "webhook", url: "file:///etc/passwd" }] };
    expect((await server.ask("POST", "/alerts/configure", { body: wrong })).status).toBe(400);
  });
});
