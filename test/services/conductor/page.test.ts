/** The dashboard's page, in a real browser, against a real conductor. */
import { afterEach, describe, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { type RunningServer, startServer } from "../../../services/conductor/server.ts";
import { readSettings } from "../../../services/conductor/settings.ts";
import { openStore } from "../../../services/conductor/store/open-store.ts";
import { freePort } from "../../_ports.ts";
import { until } from "../../_until.ts";
import { makeFolder } from "../../_workspace.ts";
import { useBrowser, type Visit } from "./_browser.ts";
import { type HandClock, handClock } from "./_server.ts";

const visit = useBrowser();
const TOKEN = "the-operators";
/** What of the table stands outside of its panel. */
const SPILLED = `[...document.querySelectorAll("#table th, #table td")]
  .filter((cell) => cell.getBoundingClientRect().right > cell.closest(".panel").getBoundingClientRect().right + 1)
  .map((cell) => cell.textContent)`;

/** At the same date as the store, whose ids of events have their time. */
function clockOfToday(): HandClock {
  const clock = handClock();
  const ahead = clock.now() - Date.now();
  return { ...clock, now: () => clock.now() - ahead };
}

interface Place extends RunningServer {
  post(path: string, body: unknown): Promise<{ component_id: string; token: string }>;
  register(component: string, more?: object): Promise<string>;
  beat(id: string, more?: object): Promise<unknown>;
}

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each[Symbol.asyncDispose]();
});

async function start({
  port = 0,
  folder = makeFolder(),
  token = TOKEN,
  clock,
}: {
  port?: number;
  folder?: string;
  token?: string;
  clock?: HandClock;
} = {}) {
  const store = await openStore({ folder });
  const settings = { ...readSettings({ HARBOR_CONDUCTOR_TOKEN: token }), port, requestsPerSecond: 0 };
  const server = await startServer({ settings, store, ...(clock === undefined ? {} : { clock }), complain: () => {} });
  const end = async () => {
    await server.stop();
    await store[Symbol.asyncDispose]();
  };
  const place: Place = {
    ...server,
    stop: end,
    post: async (path, body) => {
      const answer = await fetch(server.url + path, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify(body),
      });
      if (!answer.ok) throw new Error(await answer.text());
      return (await answer.json()) as { component_id: string; token: string };
    },
    register: async (component, more = {}) =>
      (await place.post("/register", { component, port: 4_001, version: "1.0.0", ...more })).component_id,
    beat: (id, more = {}) => place.post("/heartbeat", { component_id: id, ...more }),
  };
  open.push({ [Symbol.asyncDispose]: end });
  return place;
}

async function enter(page: Page, token = TOKEN): Promise<void> {
  await page.getByLabel("Token").fill(token);
  await page.keyboard.press("Enter");
}

async function look(place: Place, options = {}): Promise<Visit> {
  const seen = await visit(`${place.url}/dashboard`, options);
  await enter(seen.page);
  await seen.page.locator("#board").waitFor();
  return seen;
}

const headline = (page: Page, text: string): Promise<void> => page.locator("#headline", { hasText: text }).waitFor();
const row = (page: Page, id: string) => page.locator("tbody tr", { has: page.getByRole("button", { name: id, exact: true }) });

describe("the dashboard", () => {
  test("asks for the token, says where it is wrong, keeps it for this tab alone, and forgets it", async () => {
    const place = await start();
    const { page, faults } = await visit(`${place.url}/`);
    expect(page.url()).toBe(`${place.url}/dashboard`);
    expect(await page.getByLabel("Token").evaluate((input: { matches(selector: string): boolean }) => input.matches(":focus"))).toBe(true);
    await enter(page, "wrong");
    await page.getByRole("alert").getByText("This token is not good").waitFor();
    await enter(page);
    await headline(page, "Nobody has registered yet");
    expect(await page.locator("#nobody").textContent()).toContain(`curl ${place.url}/register`);
    expect(page.url()).toBe(`${place.url}/dashboard`);
    await page.reload();
    await headline(page, "Nobody has registered yet");
    expect(await page.evaluate("localStorage.length + document.cookie.length")).toBe(0);
    await page.getByRole("button", { name: "Forget the token" }).click();
    await page.getByLabel("Token").waitFor();
    expect(await page.evaluate("sessionStorage.length")).toBe(0);
    expect(faults).toEqual([]);
  }, 20_000);

  test("asks for none where the conductor has none", async () => {
    const place = await start({ token: "" });
    const { page } = await visit(`${place.url}/dashboard`);
    await headline(page, "Nobody has registered yet");
    expect(await page.getByRole("button", { name: "Forget the token" }).isVisible()).toBe(false);
  }, 20_000);

  test("shows one come, fall silent and come back, as it happens", async () => {
    const clock = clockOfToday();
    const place = await start({ clock });
    const { page } = await look(place);
    const id = await place.register("hub", { heartbeat_interval: 1 });
    await place.beat(id, { metrics: { cpu_percent: 12.5 } });
    await headline(page, "The one component is well");
    expect(await row(page, id).textContent()).toMatch(/healthy[\s\S]*cpu_percent\s*12\.5/);
    for (let step = 0; step < 10; step++) {
      clock.pass(400);
      place.conductor.monitor.tick();
    }
    await headline(page, "1 of 1 component is not well");
    expect(await page.locator("#trouble").textContent()).toMatch(/degraded[\s\S]*hub-001 missed heartbeats/);
    expect(await page.title()).toBe("1 not well · Conductor");
    for (let step = 0; step < 80; step++) {
      clock.pass(400);
      place.conductor.monitor.tick();
    }
    await row(page, id).getByText("offline").waitFor();
    await page.locator("#happened").getByText("component-offline", { exact: true }).waitFor();
    for (let beat = 0; beat < 2; beat++) {
      await place.beat(id);
      clock.pass(400);
      place.conductor.monitor.tick();
      clock.pass(400);
    }
    await headline(page, "The one component is well");
    expect(await page.locator("#trouble").isVisible()).toBe(false);
  }, 30_000);

  test("shows alerts, what waits in queues, and what was measured", async () => {
    const place = await start();
    const id = await place.register("hub");
    await place.beat(id, { metrics: { cpu_percent: 99 } });
    await place.post("/alerts/configure", { alert_name: "hot", condition: "cpu_percent > 90", severity: "critical" });
    await place.post("/queue/send-batch", { messages: [{ to: "hub" }, { to: "hub" }, { to: "hub" }] });
    const { page } = await look(place);
    await page.locator("#trouble").getByText("cpu_percent > 90: hub-001").waitFor();
    await page.locator("#tiles div", { hasText: "Messages waiting" }).getByText("3").waitFor();
    await row(page, id).getByRole("button").press("Enter");
    await page.locator(".detail li", { hasText: "cpu_percent" }).getByText("99").waitFor();
    expect(await row(page, id).getByRole("button").getAttribute("aria-expanded")).toBe("true");
  }, 20_000);

  test("goes on by itself when the conductor was away, and shows meanwhile what was", async () => {
    const [port, folder] = [freePort(), makeFolder()];
    const first = await start({ port, folder });
    await first.beat(await first.register("hub"));
    const { page, faults } = await look(first);
    await headline(page, "The one component is well");
    await first.stop();
    await page.getByRole("status").getByText("Trying again").waitFor();
    expect(await row(page, "hub-001").isVisible()).toBe(true);
    expect(await page.title()).toBe("Away · Conductor");
    open.length = 0;
    await start({ port, folder });
    await page.getByRole("status").getByText("live").waitFor();
    await headline(page, "0 components are well, 1 starting");
    expect(faults).toEqual([]);
  }, 30_000);

  test("holds no stream open while nobody looks at it", async () => {
    const place = await start();
    const { page } = await look(place);
    await headline(page, "Nobody has registered yet");
    const asked: string[] = [];
    page.on("request", (request) => request.url().includes("/dashboard") && asked.push(new URL(request.url()).search));
    const hide = (isHidden: boolean) =>
      page.evaluate(
        `Object.defineProperty(document, "hidden", { value: ${isHidden}, configurable: true }); document.dispatchEvent(new Event("visibilitychange"))`,
      );
    await hide(true);
    await until(() => asked.length === 1, "it asks once");
    await place.register("hub");
    await hide(false);
    // soon, and not when a hidden page would ask the next time
    await until(() => asked.length === 2, "it follows again");
    expect(asked).toEqual(["?limit=1000", "?watch=true&limit=1000"]);
    await headline(page, "0 components are well, 1 starting");
  }, 20_000);

  test("makes nothing but text of what components say, and asks nobody else", async () => {
    const place = await start();
    const evil = `<img src=x onerror="alert(1)"><script>alert(2)</script>`;
    const id = await place.register("hub", { version: "<img src=x onerror=alert(3)>" });
    await place.beat(id, { metrics: { [evil]: 1, __proto__x: 2, "load</svg><script>alert(4)</script>": 3, load: 0.5 } });
    await place.post("/events/publish", { event_type: "entity-created", data: { evil, "</script>": evil } });
    await place.post("/alerts/configure", { alert_name: "x", condition: `"${evil.replaceAll('"', "'")}" > 0 or up == 1` });
    const { page, origins, faults } = await look(place);
    await page.locator("#happened").getByText("onerror").waitFor();
    await row(page, id).getByRole("button").click();
    await page.locator(".detail li", { hasText: "<script>alert(2)" }).waitFor();
    await page.locator("#trouble").getByText("<img src=x").waitFor();
    expect(await page.locator("main img, main script, main iframe").count()).toBe(0);
    expect([...origins]).toEqual([place.url]);
    expect(faults).toEqual([]);
  }, 20_000);

  test("has a policy that lets nothing else run, load or frame it", async () => {
    const place = await start();
    const answer = await fetch(`${place.url}/dashboard`, { headers: { accept: "text/html" } });
    const policy = answer.headers.get("content-security-policy") ?? "";
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    for (const part of ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"]) {
      expect(policy.split("; ")).toContain(part);
    }
    const { page, faults } = await look(place);
    const ran = "document.head.append(Object.assign(document.createElement('script'), { text: new String('window.ran = 1') }))";
    await page.evaluate(`try { ${ran} } catch {}`);
    expect(await page.evaluate("window.ran")).toBeUndefined();
    expect(faults.join("\n")).toMatch(/Content Security Policy|TrustedScript/);
  }, 20_000);

  test("shows two hundred with long names, finds one, and keeps the focus while it goes on", async () => {
    const place = await start();
    for (let number = 0; number < 200; number++) {
      await place.beat(await place.register(`worker-${number}-${"x".repeat(40)}y`), { metrics: { active_requests: number } });
    }
    for (const width of [1_600, 1_200, 390]) {
      const { page, faults } = await look(place, { viewport: { width, height: 900 } });
      await headline(page, "All 200 components are well");
      expect(await page.locator("tbody tr").count()).toBe(200);
      expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
      expect(await page.evaluate(SPILLED)).toEqual([]);
      await page.keyboard.press("/");
      await page.keyboard.type("worker-117-");
      await until(async () => (await page.locator("tbody tr").count()) === 1, "one is left");
      await page.keyboard.press("Tab");
      const focused = () => page.evaluate("document.activeElement.textContent");
      expect(await focused()).toContain("worker-117-");
      const shown = await page.locator("#link").textContent();
      await until(async () => (await page.locator("#link").textContent()) !== shown, "a second goes by");
      expect(await focused()).toContain("worker-117-");
      expect(faults).toEqual([]);
      await page.close();
    }
  }, 40_000);

  test("can be read by everyone: contrast of all text at least 4.5, light and dark", async () => {
    const clock = clockOfToday();
    const place = await start({ clock });
    for (const name of ["well", "degraded", "offline", "starting"]) await place.register(name, { heartbeat_interval: 1 });
    await place.post("/alerts/configure", { alert_name: "hot", condition: "cpu_percent > 90", severity: "critical" });
    await place.beat("offline-001");
    for (let step = 0; step < 85; step++) {
      clock.pass(400);
      place.conductor.monitor.tick();
    }
    await place.beat("well-001", { metrics: { cpu_percent: 99 } });
    await place.beat("degraded-001", { status: "degraded" });
    for (const colorScheme of ["light", "dark"] as const) {
      const { page } = await visit(`${place.url}/dashboard`, { colorScheme });
      expect(await page.evaluate(LOW_CONTRAST)).toEqual([]);
      await enter(page);
      await page.locator("#happened li").first().waitFor();
      await row(page, "well-001").getByRole("button").click();
      await page.locator(".detail li").first().waitFor();
      expect(await page.evaluate(LOW_CONTRAST)).toEqual([]);
      await page.close();
    }
  }, 30_000);
});

/** In the page: every text that is shown, with its colour on what is behind it (WCAG 2.2, 1.4.3), where that is below 4.5. */
const LOW_CONTRAST = `(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => { for (let each = element; each; each = each.parentElement) { const colour = rgba(getComputedStyle(each).backgroundColor); if (colour[3] === 255) return colour; } return [255, 255, 255]; };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== "");
    if (!hasText || !element.checkVisibility() || element.closest("svg, script, style")) continue;
    const [a, b] = [light(rgba(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(element.tagName + "." + element.className + " " + element.textContent.slice(0, 30) + " " + ratio.toFixed(2));
  }
  return found;
})()`;
