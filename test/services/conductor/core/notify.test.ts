/** What people are told, by real servers and real programs where there are some. */
import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AlertRule, Channel, Notice } from "../../../../services/conductor/core/alerts.ts";
import { Notifier } from "../../../../services/conductor/core/notify.ts";
import { makeFolder } from "../../../_workspace.ts";

const open: Bun.Server<undefined>[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.stop(true);
});

/** Answers as `answer` says, given how many have asked by then. */
function listen(answer: (count: number) => Response | Promise<Response>) {
  const bodies: Record<string, unknown>[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      bodies.push((await request.json()) as Record<string, unknown>);
      return answer(bodies.length);
    },
  });
  open.push(server);
  return { url: `${server.url}hook/secret`, bodies };
}

const rule = (channels: readonly Channel[], condition = "disk_free < 5GB"): AlertRule => ({
  ...{ name: "disk", condition, components: [], channels, forMs: 0 },
  ...{ severity: "critical", silencedUntil: 0 },
});
const notice = (of: AlertRule, componentId = "hub-001"): Notice => ({
  kind: "firing",
  rule: of,
  componentId,
  values: { disk_free: 1 },
  since: 0,
});

function makeNotifier() {
  const failures: string[] = [];
  const failed = (channel: string, { componentId }: Notice, reason: string) => void failures.push(`${channel} ${componentId}: ${reason}`);
  const options = { smtpUrl: "", mailFrom: "harbor@localhost", failed, pausesMs: [1, 2] };
  return { notifier: new Notifier(options), failures };
}

describe("a webhook", () => {
  test("that fails twice is told the third time", async () => {
    const hook = listen((count) => new Response("", { status: count < 3 ? 503 : 200 }));
    const { notifier, failures } = makeNotifier();
    await notifier.tell([notice(rule([{ type: "webhook", url: hook.url }]))]);
    expect(hook.bodies).toHaveLength(3);
    expect(hook.bodies[2]).toEqual({
      ...{ event: "alert-firing", alert_name: "disk", severity: "critical", condition: "disk_free < 5GB" },
      ...{ component_id: "hub-001", values: { disk_free: 1 }, since: "1970-01-01T00:00:00.000Z" },
    });
    expect(failures).toEqual([]);
  });

  test("that goes on failing is said, without its URL; what another attempt does not mend is tried once", async () => {
    const away = listen(() => new Response("", { status: 500 }));
    const gone = listen(() => new Response("", { status: 404 }));
    const elsewhere = listen(() => Response.redirect("http://169.254.169.254/latest/meta-data"));
    const { notifier, failures } = makeNotifier();
    for (const { url } of [away, gone, elsewhere, { url: "http://127.0.0.1:1/secret" }]) {
      await notifier.tell([notice(rule([{ type: "webhook", url }]))]);
    }
    expect([away.bodies.length, gone.bodies.length, elsewhere.bodies.length]).toEqual([3, 1, 1]);
    expect(failures.map((text) => text.replace("webhook hub-001: ", ""))).toEqual([
      ...["it answered 500", "it answered 404", "it answered 302", expect.stringMatching(/^it could not be reached \(\w+\)$/)],
    ]);
    expect(failures.join()).not.toContain("secret");
  });

  test("is told of the end after the beginning, however often that had to be tried", async () => {
    const hook = listen((count) => new Response("", { status: count < 3 ? 503 : 200 }));
    const { notifier } = makeNotifier();
    const firing = notice(rule([{ type: "webhook", url: hook.url }]));
    await Promise.all([notifier.tell([firing]), notifier.tell([{ ...firing, kind: "resolved" }])]);
    expect(hook.bodies.map(({ event }) => event)).toEqual(["alert-firing", "alert-firing", "alert-firing", "alert-resolved"]);
  });

  test("is told of each of a thousand components, twenty at a time; people of all at once", async () => {
    let [atOnce, most] = [0, 0];
    const hook = listen(async () => {
      most = Math.max(most, ++atOnce);
      await Bun.sleep(0);
      atOnce--;
      return new Response("");
    });
    const slack = listen(() => new Response("ok"));
    const { notifier, failures } = makeNotifier();
    const both = rule([
      { type: "webhook", url: hook.url },
      { type: "slack", url: slack.url },
    ]);
    await notifier.tell(Array.from({ length: 1_000 }, (_, index) => notice(both, `worker-${index}`)));
    expect(new Set(hook.bodies.map((body) => body.component_id)).size).toBe(1_000);
    expect(most).toBeLessThanOrEqual(20);
    expect(slack.bodies).toHaveLength(1);
    const text = String(slack.bodies[0]?.text);
    expect(text).toStartWith("CRITICAL: disk (1000 components)\ndisk_free &lt; 5GB\nworker-0, disk_free is 1, since 1970");
    expect(text).toEndWith("and 980 more");
    expect(failures).toEqual([]);
  }, 20_000);
});

describe.skipIf(process.platform === "darwin")("the desktop", () => {
  /** What went wrong, or nothing. */
  async function tellDesktop(path: string, condition: string): Promise<string> {
    const command = [process.execPath, Bun.fileURLToPath(new URL("./_notify-desktop.ts", import.meta.url)), condition];
    return new Response(Bun.spawn(command, { env: { PATH: path }, stdout: "pipe", stderr: "inherit" }).stdout).text();
  }

  test("gets text, whatever is in it: no option, no shell, no markup", async () => {
    const folder = makeFolder();
    const program = join(folder, "notify-send");
    writeFileSync(
      program,
      `#!/bin/sh\n# a stand-in: it shows nothing, and writes down what it is called with\nprintf '%s\\0' "$@" > '${folder}/calls'\n`,
    );
    chmodSync(program, 0o755);
    const condition = `"--help" < 1 and "$(touch pwned); \`id\` 'x" > 0 and "<b>&amp;" == 1`;
    expect(await tellDesktop(folder, condition)).toBe("");
    const [app, end, title, text, ...more] = readFileSync(join(folder, "calls"), "utf8").split("\0").slice(0, -1);
    expect([app, end, title, more]).toEqual(["--app-name=Harbor", "--", "CRITICAL: disk (hub-001)", []]);
    expect(text).toContain(`"--help" &lt; 1 and "$(touch pwned); \`id\` 'x" > 0 and "&lt;b>&amp;amp;" == 1`);
  });

  test("that has no notify-send is said", async () => {
    expect(await tellDesktop(makeFolder(), "up == 0")).toBe("there is no notify-send here");
  });
});

test("mail without a server to send it by is said at once", async () => {
  const { notifier, failures } = makeNotifier();
  await notifier.tell([notice(rule([{ type: "email", to: "you@example.com" }]))]);
  expect(failures).toEqual(["email hub-001: conductor.smtp_url is not set"]);
});
