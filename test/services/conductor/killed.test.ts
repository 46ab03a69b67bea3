/**
 * The running program under load, killed in random places and started again; on Redis, redis-server as well: what was promised is kept.
 * `HARBOR_TEST_KILLS=100 bun test --timeout 1800000 test/services/conductor/killed.test.ts` for many times, `HARBOR_TEST_SEED` for the
 * same moments.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { writeAll } from "../../../routines/_script/emit.ts";
import { until } from "../../_until.ts";
import { makeFolder } from "../../_workspace.ts";
import { type Program, usePrograms } from "./_program.ts";
import { seededRandom } from "./_random.ts";
import { Traffic } from "./_traffic.ts";
import { HAS_REDIS, RedisServer } from "./store/_redis.ts";

const SEED = Number(process.env.HARBOR_TEST_SEED ?? Date.now() % 1_000_000);
const ASKED = process.env.HARBOR_TEST_KILLS;
/** Who comes after a conductor that was killed waits for Redis to notice: fewer of those unless asked for. */
const KILLS = { sqlite: Number(ASKED ?? 8), redis: Number(ASKED ?? 4) };
const LATEST_MS = 400;
const programs = usePrograms();
const servers: RedisServer[] = [];

afterAll(async () => {
  for (const server of servers) await server.kill();
});

/** Some of it under way, then the end at any moment of it. */
async function killAll(program: Program, traffic: Traffic, kills: number, kill: (count: number) => Promise<void>): Promise<void> {
  const random = seededRandom(SEED);
  await traffic.start();
  for (let count = 0; count < kills; count++) {
    const before = traffic.done;
    await until(() => traffic.done > before + 50, "there is load", 20_000);
    await Bun.sleep(random.upTo(LATEST_MS));
    await kill(count);
  }
  await traffic.finish();
  const { sent, writes, redelivered } = traffic;
  if (ASKED !== undefined) writeAll(2, `${kills} kills: ${sent} messages, ${redelivered} of them again, ${writes} writes\n`);
  expect(traffic.problems).toEqual([]);
  expect(sent).toBeGreaterThan(kills * 20);
  expect(writes).toBeGreaterThan(kills);
  expect(program.said).not.toContain(".ts:");
}

describe(`kill -9 (HARBOR_TEST_SEED=${SEED})`, () => {
  test(
    `${KILLS.sqlite} times, with SQLite: every promise is kept`,
    async () => {
      const program = await programs({ HARBOR_CONDUCTOR_DATA: makeFolder() }).start();
      await killAll(program, new Traffic(program), KILLS.sqlite, async () => {
        await program.end("SIGKILL");
        await program.start();
      });
    },
    60_000 + KILLS.sqlite * 5_000,
  );

  test.skipIf(!HAS_REDIS)(
    `${KILLS.redis} times, with Redis, which is killed every second time: every promise is kept`,
    async () => {
      const redis = await new RedisServer(["--appendonly", "yes", "--appendfsync", "always"]).start();
      servers.push(redis);
      const program = await programs({ HARBOR_CONDUCTOR_DATA: makeFolder(), HARBOR_CONDUCTOR_REDIS_URL: redis.url }).start();
      await killAll(program, new Traffic(program), KILLS.redis, async (count) => {
        const killed = count % 2 === 0 ? program : redis;
        if (killed === program) await program.end("SIGKILL");
        else await redis.kill();
        await killed.start();
      });
    },
    60_000 + KILLS.redis * 15_000,
  );
});

test("asked to end under load it does so by itself, soon and with nothing to say; what was promised is kept", async () => {
  const program = await programs({ HARBOR_CONDUCTOR_DATA: makeFolder() }).start();
  const traffic = new Traffic(program);
  await killAll(program, traffic, 3, async () => {
    const since = performance.now();
    expect(await program.end("SIGTERM")).toBe(0);
    expect(performance.now() - since).toBeLessThan(7_000);
    await program.start();
  });
  expect(program.said.trimEnd().split("\n")).toEqual(Array.from({ length: 4 }, () => `conductor listens on ${program.url}`));
}, 60_000);
