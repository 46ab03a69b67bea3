/**
 * A download that is killed at random moments, before, in and after the transfer: nothing wrong is ever to be seen in the cache, and the
 * next call goes on. `HARBOR_TEST_KILLS=200` for more of it, `HARBOR_TEST_SEED` for the same choices again (the moments are the
 * machine's all the same).
 */
import { expect, test } from "bun:test";
import { dirname, join } from "node:path";
import { makeFolder } from "../../_workspace.ts";
import { Random } from "../../differential/_random.ts";
import { startModelHub } from "../../fixtures/model-hub.ts";
import { expectNothingWrong, expectSnapshot, listBelow, MODEL, REPO, ROUTINE } from "./_model.ts";

const KILLS = Number(process.env.HARBOR_TEST_KILLS ?? 15);
const SEED = Number(process.env.HARBOR_TEST_SEED ?? Date.now() % 1_000_000);
/** A start takes a third of it, a fast transfer the rest. */
const LONGEST_LIFE_MS = 150;

test(`a download that is killed ${KILLS} times (seed ${SEED})`, async () => {
  await using hub = await startModelHub({ models: { [REPO]: MODEL } });
  const random = new Random(SEED);
  const newCache = (): string => join(makeFolder(), "hub");
  const start = (cache: string): Bun.Subprocess =>
    Bun.spawn([process.execPath, ROUTINE, REPO], {
      env: { HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: cache, HOME: dirname(cache) },
      stdio: ["ignore", "ignore", "ignore"],
    });
  let cache = newCache();
  let downloads = 0;
  for (let kills = 0; kills < KILLS; ) {
    hub.switches.bytesPerSecond = random.next() < 0.5 ? undefined : 1_000_000;
    const child = start(cache);
    const isDone = await Promise.race([child.exited.then(() => true), Bun.sleep(random.next() * LONGEST_LIFE_MS).then(() => false)]);
    child.kill("SIGKILL");
    await child.exited;
    kills++;
    expectNothingWrong(cache, hub.commitOf(REPO), MODEL);
    if (!isDone) continue;
    expectSnapshot(cache, hub.commitOf(REPO), MODEL);
    cache = newCache();
    downloads++;
  }
  hub.switches.bytesPerSecond = undefined;
  expect(await start(cache).exited).toBe(0);
  expectSnapshot(cache, hub.commitOf(REPO), MODEL);
  // one that was killed while it took or gave back its lock leaves that, which nobody minds
  expect(listBelow(join(cache, ".locks")).filter((path) => !/harbor\.lock(?:$|\.)/.test(path))).toEqual([]);
  // each went on from what was there: a whole transfer for each kill would be far more
  const whole = hub.requests.filter(({ at, range }) => at === "cdn" && range === undefined).length;
  expect(whole).toBeLessThanOrEqual(2 * (KILLS + downloads + 1));
}, 120_000);
