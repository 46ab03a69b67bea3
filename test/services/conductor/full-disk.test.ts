/** The running program on a disk that is full: a small one in memory, in a mount namespace of its own. */
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { until } from "../../_until.ts";
import { makeFolder } from "../../_workspace.ts";
import { type Program, usePrograms } from "./_program.ts";

const programs = usePrograms();
const BYTES = 10_000_000;

interface Disk {
  folder: string;
  /** In front of a command that is to see the disk. */
  inside: string[];
  run(script: string): void;
}

const holders: Bun.Subprocess[] = [];
afterEach(async () => {
  for (const holder of holders.splice(0)) {
    holder.kill("SIGKILL");
    await holder.exited;
  }
});

/** Undefined where this machine lets nobody mount anything. */
async function makeDisk(): Promise<Disk | undefined> {
  if (Bun.which("unshare") === null || Bun.which("nsenter") === null) return undefined;
  const folder = makeFolder();
  const isRoot = process.getuid?.() === 0;
  const script = `mount -t tmpfs -o size=${BYTES} tmpfs "$0" && echo mounted && exec sleep 600`;
  const holder = Bun.spawn(["unshare", isRoot ? "-m" : "-rm", "sh", "-c", script, folder], { stdout: "pipe", stderr: "ignore" });
  holders.push(holder);
  const { value } = await holder.stdout.getReader().read();
  if (value === undefined) return undefined;
  const inside = ["nsenter", "-t", String(holder.pid), ...(isRoot ? ["-m"] : ["-U", "-m", "--preserve-credentials"]), "--"];
  const run = (command: string): void => {
    const { success, stderr } = Bun.spawnSync([...inside, "sh", "-c", command, folder]);
    if (!success) throw new Error(stderr.toString());
  };
  return { folder, inside, run };
}

const disk = await makeDisk();
const canMount = disk !== undefined;
if (!canMount && process.env.HARBOR_E2E === "required")
  throw new Error("Cannot fill a disk: nothing can be mounted here (unshare, nsenter of util-linux)");
const payload = "x".repeat(20_000);

/** The numbers that were accepted, until one is not. */
async function sendUntilFull(program: Program, from: number): Promise<{ accepted: number[]; refused: unknown }> {
  const accepted: number[] = [];
  for (let n = from; n < from + 2_000; n++) {
    const reply = await program.ask("POST", "/queue/send", { to: "sink", payload: { n, payload } });
    if (reply.status !== 201) return { accepted, refused: reply };
    accepted.push(n);
  }
  throw new Error("the disk is never full");
}

const name = canMount ? "a full disk" : "a full disk (skipped: nothing can be mounted here)";
test.skipIf(!canMount)(
  `${name}: writes are told to wait and why, reads and beats go on, nothing that was accepted is lost, and with space it goes on`,
  async () => {
    const { folder, inside, run } = (await makeDisk()) as Disk;
    run(`head -c 6000000 /dev/zero > "$0/filler"`);
    const program = await programs({ HARBOR_CONDUCTOR_DATA: join(folder, "data") }, inside).start();
    await program.ask("POST", "/register", { component: "sink", port: 4_001 });
    const first = await sendUntilFull(program, 0);
    expect(first.accepted.length).toBeGreaterThan(5);
    const full = { status: 503, body: { error: { code: "unavailable", retry_after: 1, hint: "Free some space on that disk" } } };
    expect(first.refused).toMatchObject(full);
    expect(await program.ask("PUT", "/state/x", { value: payload.repeat(25) })).toMatchObject({ status: 503 });
    expect((await program.ask("POST", "/heartbeat", { component_id: "sink-001" })).status).toBe(200);
    expect((await program.ask("GET", "/services")).body.total).toBe(1);
    expect((await program.ask("GET", "/queue/depth?component=sink")).body.queues["sink-001"].waiting).toBe(first.accepted.length);
    // some space: it goes on by itself, until it is full again
    run(`head -c 5000000 /dev/zero > "$0/filler"`);
    const second = await sendUntilFull(program, 10_000);
    expect(second.accepted.length).toBeGreaterThan(0);
    // killed while it is full, and started on the full disk
    await program.end("SIGKILL");
    run(`rm "$0/filler"`);
    await program.start();
    await until(async () => (await program.ask("GET", "/health")).body.status === "ok", "it is well");
    const received: number[] = [];
    while (received.length < first.accepted.length + second.accepted.length) {
      const { messages } = (await program.ask("GET", "/queue/receive?component=sink&max=100")).body;
      received.push(...messages.map((message: { payload: { n: number } }) => message.payload.n));
      const receipts = messages.map(({ receipt }: { receipt: string }) => receipt);
      expect((await program.ask("POST", "/queue/ack", { component_id: "sink-001", receipts })).body.acknowledged).toBe(receipts.length);
    }
    expect(received).toEqual([...first.accepted, ...second.accepted]);
    expect(await program.end()).toBe(0);
    expect(program.said).not.toContain(".ts:");
  },
  60_000,
);
