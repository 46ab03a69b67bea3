/**
 * A supervisor that is killed at random moments of up, restart, stop and down: whatever it was about to do, no service
 * ever has two processes, none is left behind, and no line that was written is lost or doubled. `HARBOR_TEST_KILLS=200`
 * for more of it, `HARBOR_TEST_SEED` for the same choices again.
 */
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { HarborError } from "../../../routines/_script/error.ts";
import { readProcess } from "../../../routines/_script/process-identity.ts";
import type { NativeSpec } from "../../../routines/native/start-process.ts";
import { until } from "../../_until.ts";
import { Random } from "../../differential/_random.ts";
import { type TestHome, useHomes } from "./_home.ts";

const KILLS = Number(process.env.HARBOR_TEST_KILLS ?? 40);
const SEED = Number(process.env.HARBOR_TEST_SEED ?? Date.now() % 1_000_000);
/** A start, and what it takes over, is half of that: it is killed before, in the middle, and after. */
const LONGEST_LIFE_MS = 120;

const newHome = useHomes();

const PRINTER = `
const { openSync, writeSync } = require("node:fs");
const count = openSync(\`count.\${process.pid}\`, "w");
let isOver = false;
process.on("SIGTERM", () => { isOver = true; });
writeSync(1, "printing\\n");
for (let n = 0; !isOver; n++) {
  writeSync(1, \`\${process.pid} \${n}\\n\`);
  writeSync(count, String(n), 0);
  await Bun.sleep(2);
}`;

/** Three that wait for each other. Each has a lock that only the end of all its processes gives back. */
function makeServices(home: TestHome, alarms: string): NativeSpec[] {
  const alone = (handle: string): string => `exec 9>lock; flock -n 9 || { echo "${handle}: $$ is the second" >>"${alarms}"; exit 1; }`;
  const rules = "restart: { backoff: 5ms..20ms, max: 1000 }\nstop: { grace: 4s }\nready: ";
  const base = home.service("base", `${rules}{ exec: ['true'] }`, `${alone("base")}; sleep 600 & wait`);
  const printer = home.service(
    "printer",
    `${rules}{ log: ^printing$ }\ndepends_on: [base]\npre_start: { command: [sh, -c, 'sleep 0.01'] }`,
    `${alone("printer")}; exec "${process.execPath}" main.ts`,
  );
  writeFileSync(home.file("printer", "main.ts"), PRINTER);
  const web = home.service(
    "web",
    `${rules}{ exec: [test, -e, up], start_interval: 5ms }\ndepends_on: { printer: { condition: service_healthy } }`,
    `${alone("web")}; rm -f up; sleep 0.02; touch up; exec sleep 600`,
  );
  return [web, printer, base];
}

/** Until so many are killed; a child that was just forked has the supervisor's name and environment. */
async function kill(home: TestHome, random: Random, signal: AbortSignal): Promise<void> {
  for (let kills = 0; kills < KILLS && !signal.aborted; ) {
    await Bun.sleep(random.next() * LONGEST_LIFE_MS);
    const all = home.supervisors();
    const pid = all.find((it) => !all.includes(readProcess(it)?.parent ?? 0));
    if (pid === undefined) continue;
    process.kill(pid, "SIGKILL");
    kills++;
  }
}

/** Killed too often in a row, or asked for what needs something that was stopped. */
const EXPECTED = /^Cannot reach the supervisor: |it was asked to stop$|: it was never started$/;

/** One thing that somebody does. */
async function actOnce(home: TestHome, specs: readonly NativeSpec[], random: Random): Promise<void> {
  const handles = specs.map((it) => it.handle);
  const actions = [
    async () => {
      const { last } = await home.start(specs);
      expect(Object.values(last).map((it) => `${it.handle} ${it.state}: ${it.why}`)).toEqual(
        handles.map((handle) => expect.stringContaining(`${handle} ready: `)).toSorted(),
      );
    },
    () => home.restart(...random.some(handles)),
    () => home.stop(...random.some(handles)),
    () => home.down("web"),
  ];
  try {
    // most of the time something is to run
    await (random.chance(0.4) ? actions[0] : random.pick(actions))?.();
  } catch (error) {
    if (!(error instanceof HarborError) || !EXPECTED.test(error.message)) throw error;
  }
}

/** Of each printer: where its numbers do not follow each other, or end before the last that it is known to have written. */
async function lostLines(home: TestHome): Promise<string[]> {
  const seen = new Map<string, number>();
  const wrong: string[] = [];
  for (const line of await home.log("printer")) {
    const [pid, number] = line.split(" ");
    if (pid === undefined || number === undefined) continue;
    const expected = (seen.get(pid) ?? -1) + 1;
    if (Number(number) !== expected) wrong.push(`${pid}: ${number} instead of ${expected}`);
    seen.set(pid, Number(number));
  }
  const folder = dirname(home.file("printer", "x"));
  for (const name of readdirSync(folder).filter((it) => it.startsWith("count."))) {
    const written = Number(readFileSync(join(folder, name), "utf8") || "-1");
    const last = seen.get(name.slice("count.".length)) ?? -1;
    if (last < written) wrong.push(`${name}: ${last} is the last of ${written}`);
  }
  return wrong;
}

test.skipIf(Bun.which("flock") === null)(
  `${KILLS} kills, seed ${SEED} (needs flock)`,
  async () => {
    const home = newHome();
    const alarms = join(home.root, "alarms");
    const specs = makeServices(home, alarms);
    const over = new AbortController();
    const killing = kill(home, new Random(SEED), over.signal).finally(() => over.abort());
    const random = new Random(SEED + 1);
    try {
      await home.start(specs).catch(() => undefined);
      while (!over.signal.aborted) await actOnce(home, specs, random);
    } finally {
      over.abort();
      await killing;
    }
    expect(Object.values((await home.start(specs)).last).map((it) => it.state)).toEqual(["ready", "ready", "ready"]);
    await until(() => home.processes().length === 4, "one of each, and base's child");
    await home.stop();
    expect(home.processes()).toEqual([]);
    expect(existsSync(alarms) ? readFileSync(alarms, "utf8") : "").toBe("");
    expect(await lostLines(home)).toEqual([]);
  },
  30_000 + KILLS * 1_000,
);
