/** What a person types into a service against a real engine: `harbor exec`, `shell`, and `run` of one that has no contract. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "../../routines/engine/connect-engine.ts";
import { listContainers } from "../../routines/engine/list-containers.ts";
import { freePort } from "../_ports.ts";
import { resultOf } from "../_process.ts";
import { until } from "../_until.ts";
import { echoService, readUntil } from "../cli/_sandbox.ts";
import { engineOf, findTestEngine } from "./_engine.ts";
import { createSandbox, NOTHING, type Sandbox } from "./_sandbox.ts";

const found = await findTestEngine();
const TIMEOUT_MS = 60_000;

const BOX = `
services:
  box:
    image: busybox:local
    command: [sh, -c, "echo box is here; trap 'echo box says more' USR1; while :; do sleep 0.05; done"]
    stop_grace_period: 0s
    environment: { WORD: "\${HARBOR_BOX_WORD:-plain}" }
    volumes: ["\${HARBOR_DATA}/box:/data"]
    networks: [harbor-network]
    depends_on: [box-db]
  box-db:
    image: busybox:local
    command: [sleep, "1000"]
    stop_grace_period: 0s
    networks: [harbor-network]
`;

describe.skipIf(found.engine === undefined)("in a container", () => {
  let sandbox: Sandbox;
  let engine: Engine;

  beforeAll(async () => {
    engine = engineOf(found);
    sandbox = createSandbox(engine);
    mkdirSync(join(sandbox.home, "services/box"), { recursive: true });
    writeFileSync(join(sandbox.home, "services/box/compose.box.yml"), BOX);
    expect(await sandbox.harbor(["up", "box"], { env: { HARBOR_BOX_WORD: "from up" } })).toMatchObject({ code: 0 });
  }, TIMEOUT_MS);

  afterAll(() => sandbox?.[Symbol.asyncDispose]());

  /** With something on its stdin. */
  async function type(input: string, ...words: string[]) {
    const child = Bun.spawn([join(import.meta.dir, "../../bin/harbor"), ...words], {
      env: sandbox.env,
      stdin: new Blob([input]),
      stdout: "pipe",
      stderr: "pipe",
    });
    return resultOf(child);
  }

  test(
    "exec runs a program with its words as they are, and ends as it does",
    async () => {
      const words = ["a b", "$HOME", "--json", "--", "*", ""];
      const said = await sandbox.harbor([
        "exec",
        "box",
        "--",
        "sh",
        "-c",
        'echo "$WORD"; for w; do echo "[$w]"; done; exit 7',
        "sh",
        ...words,
      ]);
      expect(said).toEqual({ code: 7, stdout: `from up\n${words.map((word) => `[${word}]\n`).join("")}`, stderr: "" });
      expect(await type("through a pipe", "exec", "-T", "box", "cat")).toEqual({ exit: 0, stdout: "through a pipe", stderr: "" });
      expect((await sandbox.harbor(["exec", "-w", "/tmp", "--user=1000", "box", "sh", "-c", "pwd; id -u"])).stdout).toBe("/tmp\n1000\n");
      expect([126, 127]).toContain((await sandbox.harbor(["exec", "box", "no-such-program"])).code);
    },
    TIMEOUT_MS,
  );

  test(
    "exec finds a companion by its name",
    async () => {
      const { stdout } = await sandbox.harbor(["exec", "box-db", "hostname"]);
      const companion = (await listContainers({ engine, project: sandbox.project })).find((it) => it.service === "box-db");
      expect(companion?.id).toStartWith(stdout.trim());
    },
    TIMEOUT_MS,
  );

  test(
    "shell takes bash, else sh; it has a terminal where there is one",
    async () => {
      expect(await type("echo in $0, $WORD\nexit 5\n", "shell", "box")).toEqual({ exit: 5, stdout: "in sh, from up\n", stderr: "" });
      expect((await type("", "shell", "box", "echo", "another program")).stdout).toBe("another program\n");
      const line = `${join(import.meta.dir, "../../bin/harbor")} shell box`;
      const child = Bun.spawn(["script", "-qec", line, "/dev/null"], {
        env: sandbox.env,
        stdin: new Blob(["tty; exit 9\n"]),
        stdout: "pipe",
        stderr: "pipe",
      });
      expect(await resultOf(child)).toMatchObject({ exit: 9, stdout: expect.stringContaining("/dev/pts/") });
    },
    TIMEOUT_MS,
  );

  test(
    "shell prefers bash, and says where an image has no shell at all",
    async () => {
      const bash = "printf '#!/bin/sh\\necho this is bash\\n' >/bin/bash; chmod +x /bin/bash";
      expect((await sandbox.harbor(["exec", "box-db", "sh", "-c", bash])).code).toBe(0);
      expect((await sandbox.harbor(["shell", "box-db"])).stdout).toBe("this is bash\n");
      expect((await sandbox.harbor(["exec", "box-db", "rm", "/bin/sh"])).code).toBe(0);
      expect(await sandbox.harbor(["shell", "box-db"])).toEqual({
        code: 3,
        stdout: "",
        stderr:
          'harbor: Cannot open a shell in "box-db": its image busybox:local has none\n  Run a program that it has: harbor exec box-db <program>\n',
      });
    },
    TIMEOUT_MS,
  );

  test(
    "run makes a container of its own, with the selection's files and the configuration as it is now, and leaves nothing of it",
    async () => {
      const before = await listContainers({ engine, project: sandbox.project });
      const env = { HARBOR_BOX_WORD: "from run" };
      const { code, stdout } = await sandbox.harbor(["run", "box", "sh", "-c", 'echo "$WORD"; hostname; exit 3'], { env });
      expect([code, stdout]).toEqual([3, expect.stringMatching(/^from run\n[0-9a-f]{12}\n$/)]);
      expect(stdout).not.toContain(String(before.find((it) => it.service === "box")?.id.slice(0, 12)));
      expect(await listContainers({ engine, project: sandbox.project })).toEqual(
        before.map((it) => ({ ...it, status: expect.any(String) as unknown as string })),
      );
      expect(await oneOffs()).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    "run -c takes a container for a service that runs natively, and leaves that one alone",
    async () => {
      const port = freePort();
      const files = {
        ...echoService("both", port),
        "both/compose.both.yml": 'services:\n  both: { image: "busybox:local", environment: { ECHO_PORT: inside } }\n',
      };
      mkdirSync(join(sandbox.home, "services/both"), { recursive: true });
      for (const [name, text] of Object.entries(files)) writeFileSync(join(sandbox.home, "services", name), text);
      expect(await sandbox.harbor(["up", "-x", "both", "--no-defaults"])).toMatchObject({ code: 0 });
      const pid = async (): Promise<number> =>
        (JSON.parse((await sandbox.harbor(["ps", "--json"])).stdout) as { handle: string; pid: number }[]).find(
          (it) => it.handle === "both",
        )?.pid ?? 0;
      const before = await pid();
      expect(before).toBeGreaterThan(0);
      expect((await sandbox.harbor(["run", "both", "-e", "console.log(process.env.ECHO_PORT)"])).stdout).toBe(`${port}\n`);
      expect((await sandbox.harbor(["run", "-c", "both", "sh", "-c", "echo $ECHO_PORT"])).stdout).toBe("inside\n");
      expect(await pid()).toBe(before);
      expect((await sandbox.harbor(["down", "both"])).code).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    "run passes on what tells it to end, ends as the command does, and leaves no container behind",
    async () => {
      const child = sandbox.startHarbor(["run", "box", "sh", "-c", 'trap "exit 7" TERM; echo ready; while :; do sleep 0.05; done']);
      await readUntil(child.stdout, /ready/);
      expect(await oneOffs()).toHaveLength(1);
      child.kill("SIGTERM");
      expect(await child.exited).toBe(7);
      expect(await oneOffs()).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    "attach prints what it prints for as long as it runs, then says how it ended; Ctrl-C leaves it running",
    async () => {
      const attached = sandbox.startHarbor(["attach", "box"]);
      let hasMore = false;
      const more = readUntil(attached.stdout, /box is here\n(?:.*\n)*box says more\n/).then(() => {
        hasMore = true;
      });
      await until(
        async () => (await sandbox.harbor(["exec", "box", "kill", "-USR1", "1"])).code === 0 && hasMore,
        "what comes later is printed",
        20_000,
      );
      await more;
      attached.kill("SIGINT");
      expect(await attached.exited).toBe(0);

      const second = sandbox.startHarbor(["attach", "box"]);
      await readUntil(second.stdout, /box is here/);
      expect((await sandbox.harbor(["stop", "box"])).code).toBe(0);
      expect([await second.exited, await second.stderr.text()]).toEqual([
        1,
        'harbor: Cannot follow "box" further: it ended with code 137\n  Start it again: harbor up box\n',
      ]);
    },
    TIMEOUT_MS,
  );

  test(
    "with the stack down, run starts nothing else, says what is missing, and leaves not even a network",
    async () => {
      expect((await sandbox.harbor(["down"])).code).toBe(0);
      expect(await sandbox.harbor(["exec", "box", "true"])).toMatchObject({
        code: 4,
        stderr: expect.stringContaining('Cannot run a program in "box": it is not up\n  Start it: harbor up box\n'),
      });
      const ran = await sandbox.harbor(["run", "box", "sh", "-c", "echo alone; ls -d /data"]);
      expect(ran).toMatchObject({ code: 0, stdout: "alone\n/data\n", stderr: expect.stringContaining('"box" depends on box-db') });
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  async function oneOffs(): Promise<string[]> {
    const label = [`com.docker.compose.project=${sandbox.project}`, "com.docker.compose.oneoff=True"];
    return (await engine.api.listContainers({ all: true, filters: { label } })).map((it) => it.Id);
  }
});
