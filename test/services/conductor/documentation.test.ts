/** docs/conductor.md: every curl line, as it stands there, in order, by a shell. */
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type RunningServer, startServer } from "../../../services/conductor/server.ts";
import { readSettings } from "../../../services/conductor/settings.ts";
import { openStore } from "../../../services/conductor/store/open-store.ts";
import { makeFolder } from "../../_workspace.ts";
import { expectDescribed, expectDescribedEvent } from "./_described.ts";

const page = readFileSync(join(import.meta.dir, "../../../docs/conductor.md"), "utf8");
const lines = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = ""]) => block.trim().split("\n"));
/** Says what it says later, or to a file. */
const IN_BACKGROUND = / & sleep [\d.]+$/;
const TOKEN = "the-operators";

/** What answers in the background would do so into whichever line comes then: it is shown at the end. */
function keepApart(line: string): string {
  return line.replace(IN_BACKGROUND, (end) => ` > late${end}`);
}

/** All in one shell, whose variables go from line to line; each line's output begins after a mark. A stream is cut after its first second, or later where others need it. */
async function runAll(server: RunningServer): Promise<string[]> {
  const ours = [`export CONDUCTOR=${server.url}`, `export HARBOR_CONDUCTOR_TOKEN=${TOKEN}`];
  const script = [...ours, ...lines.slice(ours.length)].map(
    (line) => `echo '@@@'; ${line.startsWith("curl -sN") ? `timeout ${IN_BACKGROUND.test(line) ? 8 : 1} ${line}` : keepApart(line)}; echo`,
  );
  const child = Bun.spawn(["sh", "-c", [...script, "echo '@@@'; cat late"].join("\n")], {
    cwd: makeFolder(),
    stdout: "pipe",
    stderr: "inherit",
  });
  return (await new Response(child.stdout).text()).split("@@@\n").slice(1);
}

/** What a line was answered is what the OpenAPI document says; a stream's events are. */
function expectLineDescribed(line: string, output: string): void {
  const [, path = ""] = /^curl -sN? .*?"?\$CONDUCTOR(\/[^\s"]*)/.exec(line) ?? [];
  if (path === "" || path.startsWith("/route/") || line.includes(" > ") || IN_BACKGROUND.test(line)) return;
  if (line.startsWith("curl -sN")) {
    for (const [, event = "", data = ""] of output.matchAll(/^event: (.+)\ndata: (.+)$/gm))
      expectDescribedEvent(path, event, JSON.parse(data));
  } else if (output.startsWith("{")) {
    const [, method = line.includes(" -d ") ? "POST" : "GET"] = / -X (\w+) /.exec(line) ?? [];
    expectDescribed({ method, path, body: JSON.parse(output) });
  }
}

describe("docs/conductor.md", () => {
  const component = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => Response.json({ asked: new URL(request.url).search }),
  });
  afterAll(async () => {
    await component.stop(true);
  });

  test("has curl lines that work", async () => {
    await using store = await openStore({ folder: makeFolder() });
    const server = await startServer({
      settings: { ...readSettings({ HARBOR_CONDUCTOR_TOKEN: TOKEN }), port: 0 },
      store,
      complain: (problem) => expect(problem).toBe(""),
    });
    // port 8001 may be anybody's on this machine: the lines say this one instead
    for (const [index, line] of lines.entries()) lines[index] = line.replaceAll('"port": 8001', `"port": ${component.port}`);
    expect(lines.slice(0, 2)).toEqual([
      "export CONDUCTOR=http://127.0.0.1:8888",
      "export HARBOR_CONDUCTOR_TOKEN=$(harbor config get conductor.token)",
    ]);
    const outputs = await runAll(server);
    expect(outputs).toHaveLength(lines.length + 1);
    const failed = lines.filter(
      (line, index) =>
        /"error"/.test(outputs[index] ?? "") || (line.startsWith("curl") && !IN_BACKGROUND.test(line) && outputs[index]?.trim() === ""),
    );
    expect(failed).toEqual([]);
    const outputOf = (part: string): string => outputs[lines.findIndex((line) => line.startsWith("curl") && line.includes(part))] ?? "";
    expect(outputOf("/heartbeat")).toContain('"status":"healthy"');
    expect(JSON.parse(outputOf("/services?capability")).total).toBe(1);
    expect(JSON.parse(outputOf("/resolve"))).toMatchObject({ component_id: "sherlock-hub-001" });
    expect(JSON.parse(outputOf("/route"))).toEqual({ asked: "?limit=2" });
    expect(outputOf("/events/subscribe")).toContain("event: entity-created");
    expect(JSON.parse(outputOf("/queue/send-batch"))).toMatchObject({ accepted: 2 });
    expect(JSON.parse(outputOf("/queue/ack"))).toMatchObject({ acknowledged: 1 });
    expect(JSON.parse(outputOf("/queue/release"))).toMatchObject({ released: 1 });
    expect(JSON.parse(outputOf("/queue/depth")).queues["sherlock-hub-001"]).toEqual({ waiting: 2, in_flight: 0, dead: 0 });
    expect(outputOf('"ping"')).toContain('"response":"pong"');
    expect(outputOf("/requests/answer")).toContain('"delivered"');
    expect(outputs.join("")).toContain('"result":42');
    expect(outputOf("-si $CONDUCTOR/state")).toMatch(/etag: "\d+"/i);
    expect(outputOf("watch=true&prefix") + outputOf("&watch=true")).toContain("event: synced");
    expect(outputOf("/deregister")).toContain('"deregistered"');
    for (const [index, line] of lines.entries()) expectLineDescribed(line, outputs[index] ?? "");
    await server.stop();
  }, 15_000);

  test("names every code of an error", () => {
    const codes = readFileSync(join(import.meta.dir, "../../../services/conductor/core/conductor-error.ts"), "utf8");
    const known = [...codes.matchAll(/^ {2}\| "(\w+)"/gm)].map(([, code = ""]) => code);
    expect(known.length).toBeGreaterThan(15);
    expect(known.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
  });
});
