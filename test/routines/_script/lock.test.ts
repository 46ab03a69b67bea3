import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { describeLock, withLock } from "../../../routines/_script/lock.ts";
import { identifyProcess, type ProcessIdentity } from "../../../routines/_script/process-identity.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "harbor-lock-"));
  path = join(folder, "lock");
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const ROUTINE = join(import.meta.dir, "../../../routines/_script/lock.ts");

/** Takes the lock again and again; a holding that overlaps another fails, as the file it makes is there already. */
const WORKER = `
  import { unlinkSync, writeFileSync, existsSync, readFileSync } from "node:fs";
  import { withLock } from ${JSON.stringify(ROUTINE)};
  const [folder, rounds] = [process.argv[1], Number(process.argv[2])];
  while (!existsSync(folder + "/go")) await Bun.sleep(1);
  for (let round = 0; round < rounds; round++) {
    await withLock(folder + "/lock", async () => {
      writeFileSync(folder + "/inside", "", { flag: "wx" });
      const count = Number(readFileSync(folder + "/count", "utf8"));
      await Bun.sleep(0);
      writeFileSync(folder + "/count", String(count + 1));
      unlinkSync(folder + "/inside");
    });
  }`;

async function race(workers: number, rounds: number): Promise<void> {
  writeFileSync(join(folder, "count"), "0");
  const all = Array.from({ length: workers }, () =>
    Bun.spawn([process.execPath, "-e", WORKER, folder, String(rounds)], { stderr: "inherit" }),
  );
  writeFileSync(join(folder, "go"), "");
  expect(await Promise.all(all.map((worker) => worker.exited))).toEqual(all.map(() => 0));
  expect(readFileSync(join(folder, "count"), "utf8")).toBe(String(workers * rounds));
  expect(readdirSync(folder).sort()).toEqual(["count", "go"]);
}

/** The identity of a process that has ended. */
async function deadIdentity(): Promise<ProcessIdentity> {
  const child = Bun.spawn(["true"]);
  const identity = identifyProcess(child.pid);
  await child.exited;
  if (identity === undefined) throw new Error("no identity");
  return identity;
}

function writeHolder(file: string, holder: object): void {
  writeFileSync(file, JSON.stringify({ host: hostname(), token: "t0", since: "2026-01-01T00:00:00Z", ...holder }));
}

describe("withLock", () => {
  test("returns what the work returns, and leaves nothing", async () => {
    expect(await withLock(path, () => 42)).toBe(42);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("is released when the work fails", async () => {
    await expect(withLock(path, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await withLock(path, () => 1, { waitMs: 0 })).toBe(1);
  });

  test("lets one at a time in, within a process", async () => {
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, ++inside);
      await Bun.sleep(1);
      inside--;
    };
    await Promise.all(Array.from({ length: 5 }, () => withLock(path, work)));
    expect(most).toBe(1);
  });

  test("lets one at a time in, across processes", () => race(4, 10), 20_000);

  test("is taken over once from a holder that died, however many try", async () => {
    writeHolder(path, await deadIdentity());
    await race(5, 4);
  }, 20_000);

  test("is taken over also where the one that took it over died half-way", async () => {
    const dead = await deadIdentity();
    writeHolder(path, dead);
    writeHolder(`${path}.t0`, { ...dead, token: "t1" });
    expect(await withLock(path, () => 1, { waitMs: 1_000 })).toBe(1);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("is taken over from a holder whose pid another process has", async () => {
    writeHolder(path, { ...identifyProcess(process.pid), startTime: "1" });
    expect(await withLock(path, () => 1, { waitMs: 1_000 })).toBe(1);
  });

  test("says who holds it when it waits in vain", async () => {
    const waiting = withLock(path, () => withLock(path, () => 1, { waitMs: 20 }), { purpose: "harbor up" });
    await expect(waiting).rejects.toMatchObject({
      exit: "timeout",
      message: expect.stringContaining(`pid ${process.pid} (harbor up) holds it since`),
    });
  });

  test("is not taken from a holder on another machine", async () => {
    writeHolder(path, { ...(await deadIdentity()), host: "elsewhere" });
    await expect(withLock(path, () => 1, { waitMs: 20 })).rejects.toMatchObject({ exit: "timeout" });
  });

  test("stops waiting when it is interrupted", async () => {
    const abort = new AbortController();
    await withLock(path, async () => {
      const waiting = withLock(path, () => 1, { signal: abort.signal });
      abort.abort();
      await expect(waiting).rejects.toMatchObject({ exit: "interrupted" });
    });
  });

  test("can be looked at without being taken", async () => {
    expect(describeLock(path)).toBeUndefined();
    await withLock(
      path,
      () => expect(describeLock(path)).toMatchObject({ state: "held", holder: expect.stringContaining("(harbor up)") }),
      {
        purpose: "harbor up",
      },
    );
    writeHolder(path, await deadIdentity());
    expect(describeLock(path)?.state).toBe("dead");
    writeFileSync(path, "{");
    expect(describeLock(path)?.state).toBe("unreadable");
  });

  test("does not guess about a file that is no lock", async () => {
    writeFileSync(path, "{");
    await expect(withLock(path, () => 1)).rejects.toThrow(`Cannot read lock "${path}"`);
  });
});
