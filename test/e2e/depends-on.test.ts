/** Services that wait for each other, natively and in containers: started in that order, stopped in the other. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { listContainers } from "../../routines/engine/list-containers.ts";
import { freePort } from "../_ports.ts";
import { resultOf } from "../_process.ts";
import { until } from "../_until.ts";
import { readUntil } from "../cli/_sandbox.ts";
import { engineOf, findTestEngine } from "./_engine.ts";
import { createSandbox, NOTHING, type Sandbox } from "./_sandbox.ts";

const found = await findTestEngine();
const TIMEOUT_MS = 60_000;

describe.skipIf(found.engine === undefined)("dependencies between natives and containers", () => {
  let sandbox: Sandbox;

  beforeAll(() => {
    sandbox = createSandbox(engineOf(found));
    sandbox.env.HARBOR_CAPABILITIES_AUTODETECT = "false";
  });

  afterAll(() => sandbox?.[Symbol.asyncDispose]());

  function write(name: string, text: string): void {
    const path = join(sandbox.home, "services", name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, text);
  }

  const container = (more: string): string => `{ image: busybox:local, stop_grace_period: 0s, networks: [harbor-network], ${more} }`;
  const healthyAfter = (file: string): string => `healthcheck: { test: [CMD, test, -e, ${file}], interval: 200ms, retries: 100 }`;

  /** A web server that says when it started, so that the order can be seen. */
  function native(handle: string, more: string, code = ""): void {
    const port = freePort();
    write(
      `${handle}/main.ts`,
      `${code}\nBun.serve({ hostname: "127.0.0.1", port: ${port}, fetch: () => new Response(String(${Date.now()})) });\n`,
    );
    write(
      `${handle}/${handle}_native.yml`,
      `x-harbor-native: { executable: bun, daemon_args: [main.ts], port: ${port}, container_port: 80, ${more} }\n`,
    );
  }

  test(
    "a native waits for a healthy container, and a container for that native",
    async () => {
      const port = freePort();
      const serve = `command: [sh, -c, "sleep 0.5; touch /tmp/up; exec httpd -f -p 80 -h /tmp"], ports: ["127.0.0.1:${port}:80"]`;
      write("db/compose.db.yml", `services: { db: ${container(`${serve}, ${healthyAfter("/tmp/up")}`)} }\n`);
      // what it depends on is there to the end
      const last = `process.on("SIGTERM", async () => {
        const seen = await fetch("http://127.0.0.1:${port}/up").then((it) => it.status, String);
        await Bun.write("ended", String(seen));
        process.exit(0);
      });`;
      native("app", "depends_on: { db: { condition: service_healthy } }, ready: { http: / }", last);
      write(
        "web/compose.web.yml",
        `services: { web: ${container('command: [sh, -c, "wget -q -O - http://app && sleep 1000"], depends_on: { app: { condition: service_healthy } }')} }\n`,
      );
      const up = await sandbox.harbor(["up", "-x", "app", "db", "web"]);
      expect(up).toMatchObject({ code: 0 });
      const said = up.stderr.split("\n");
      const place = (text: string): number => said.findIndex((line) => line.startsWith(text));
      expect(place("db: ready")).toBeGreaterThanOrEqual(0);
      expect(place("app: starting as process")).toBeGreaterThan(place("db: ready"));
      expect(place("web: ready")).toBeGreaterThan(place("app: ready"));
      // as they were started: nothing waits for what is there
      expect(await sandbox.harbor(["restart", "app"])).toMatchObject({ code: 0, stdout: "app: restarted\n" });
      const ended = join(sandbox.home, "services/app/ended");
      for (const [verb, ...again] of [["stop", "up"], ["down"]] as const) {
        rmSync(ended);
        expect((await sandbox.harbor([verb])).code).toBe(0);
        expect([verb, readFileSync(ended, "utf8")]).toEqual([verb, "200"]);
        for (const next of again) expect((await sandbox.harbor([next])).code).toBe(0);
      }
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  test(
    "a container waits for a native job to complete, and is not started where that fails",
    async () => {
      write(
        "job/job_native.yml",
        'x-harbor-native: { executable: sh, daemon_args: [-c, "echo migrated; exit ${HARBOR_JOB_CODE:-0}"], restart: { policy: "no" } }\n',
      );
      write(
        "web/compose.web.yml",
        `services: { web: ${container("command: [sleep, '1000'], depends_on: { job: { condition: service_completed_successfully } }")} }\n`,
      );
      const failed = await sandbox.harbor(["up", "-x", "job", "web"], { env: { HARBOR_JOB_CODE: "3" } });
      expect(failed.code).toBe(1);
      expect(failed.stderr).toContain('Cannot start "job": its process ended with exit code 3');
      expect(failed.stderr).toContain("migrated");
      expect(await sandbox.leftovers()).toEqual(NOTHING);
      const up = await sandbox.harbor(["up", "-x", "job", "web"]);
      expect(up.code).toBe(0);
      expect(up.stderr.indexOf("job: completed")).toBeGreaterThanOrEqual(0);
      expect(up.stderr.indexOf("web: ready")).toBeGreaterThan(up.stderr.indexOf("job: completed"));
      expect((await sandbox.harbor(["down"])).code).toBe(0);
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  test.skipIf(Bun.which("socat") === null)(
    "a native that is being started again takes the time it asks for, though its proxy is unhealthy by then (needs socat)",
    async () => {
      const port = freePort();
      const folder = join(sandbox.home, "services/voice");
      write(
        "voice/main.ts",
        `const say = (text: string) => Bun.spawnSync(["socat", "-u", "-", "UNIX-SENDTO:" + process.env.NOTIFY_SOCKET], { stdin: Buffer.from(text) });
say("EXTEND_TIMEOUT_USEC=60000000\\nSTATUS=installing");
while (await Bun.file("slow").exists()) await Bun.sleep(10);
Bun.serve({ hostname: "127.0.0.1", port: ${port}, fetch: () => new Response("voice") });
say("X_HARBOR_HEALTH=degraded\\nSTATUS=no text to speech\\nREADY=1");
`,
      );
      write(
        "voice/voice_native.yml",
        `x-harbor-native: { executable: bun, daemon_args: [main.ts], port: ${port}, container_port: 80, ready: { notify: true, timeout: 5s }, restart: { backoff: 20ms..20ms } }\n`,
      );
      const waits = "depends_on: { voice: { condition: service_healthy } }";
      write("web/compose.web.yml", `services: { web: ${container(`command: [sleep, '1000'], ${waits}`)} }\n`);
      expect(await sandbox.harbor(["up", "-x", "voice", "web"])).toMatchObject({ code: 0 });

      writeFileSync(join(folder, "slow"), "");
      const rows = JSON.parse((await sandbox.harbor(["ps", "voice", "--json"])).stdout) as { pid: number }[];
      process.kill(rows[0]?.pid ?? 0, "SIGKILL");
      const proxyHealth = async (): Promise<string | undefined> =>
        (await listContainers({ engine: engineOf(found), project: sandbox.project, details: false })).find((it) => it.service === "voice")
          ?.health;
      await until(async () => (await proxyHealth()) === "unhealthy", "its proxy is unhealthy", 30_000);
      const up = sandbox.startHarbor(["up"]);
      const said = await readUntil(up.stderr, /voice: installing\n/);
      expect(said.index).toBe(0);
      rmSync(join(folder, "slow"));
      const { exit, stderr } = await resultOf(up);
      expect([exit, stderr]).toEqual([0, expect.stringMatching(/voice is degraded since .*: no text to speech\n$/)]);
      expect((await sandbox.harbor(["down"])).code).toBe(0);
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  test(
    "a native that is asked for in a container makes way for it, and back",
    async () => {
      const port = freePort();
      write("both/main.ts", `Bun.serve({ hostname: "127.0.0.1", port: ${port}, fetch: () => new Response("native") });\n`);
      write("both/both_native.yml", `x-harbor-native: { executable: bun, daemon_args: [main.ts], port: ${port}, container_port: 80 }\n`);
      write(
        "both/compose.both.yml",
        `services: { both: ${container(`command: [sh, -c, "while :; do printf 'HTTP/1.0 200 OK\\r\\n\\r\\ncontainer' | nc -l -p 80; done"], ports: ["127.0.0.1:${port}:80"]`)} }\n`,
      );
      const runtime = async (): Promise<unknown> =>
        (JSON.parse((await sandbox.harbor(["ps", "--json"])).stdout) as { handle: string; runtime: string }[]).map((it) => it.runtime);
      expect((await sandbox.harbor(["up", "-x", "both"])).code).toBe(0);
      expect(await runtime()).toEqual(["native"]);
      expect((await sandbox.harbor(["up", "-c", "both"])).code).toBe(0);
      expect(await runtime()).toEqual(["container"]);
      expect((await sandbox.harbor(["up", "-x", "both"])).code).toBe(0);
      expect(await runtime()).toEqual(["native"]);
      expect((await sandbox.harbor(["down"])).code).toBe(0);
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );
});
