import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readProcess } from "../../../routines/_script/process-identity.ts";
import { listLogFolders, listServices } from "../../../routines/supervisor/list-services.ts";
import { until } from "../../_until.ts";
import { useHomes } from "./_home.ts";

const newHome = useHomes();

test("is empty where nothing was ever started, and makes nothing", async () => {
  const home = newHome();
  expect([await listServices(home), listLogFolders(home.home), existsSync(home.state)]).toEqual([[], [], false]);
});

test("tells of each by handle: what it is, since when and why", async () => {
  const home = newHome();
  const specs = [home.service("b", "", "exec sleep 60"), home.service("a", "restart: { policy: 'no' }", "exit 3")];
  await home.start(specs, { waitFor: { b: "ready", a: "settled" } });
  await home.untilState("a", "failed");
  const listed = await listServices(home);
  expect(listed).toMatchObject([
    { handle: "a", state: "failed", why: "its process ended with exit code 3", pid: null },
    { handle: "b", state: "ready", why: "it runs", pid: await home.pid("b"), contract: specs[0]?.contract },
  ]);
  expect(listed.every(({ since }) => Date.now() - Date.parse(since) < 60_000)).toBe(true);
  expect(listLogFolders(home.home)).toEqual(["a", "b"].map((handle) => ({ handle, folder: join(home.state, "native", handle) })));
});

test("needs no supervisor for what is at rest, and starts one where something should run", async () => {
  const home = newHome();
  await home.start([home.service("a", "", "exec sleep 60")]);
  await home.stop("a");
  const { pid } = home.supervisor;
  await until(() => readProcess(pid) === undefined, "it leaves");
  expect(await listServices(home)).toMatchObject([{ handle: "a", state: "stopped", pid: null, isWanted: false }]);
  expect(home.supervisors()).toEqual([]);
  await home.start([home.service("a", "", "exec sleep 60")]);
  await home.kill();
  expect(await listServices(home)).toMatchObject([{ handle: "a", state: "ready" }]);
  expect(home.supervisors()).toHaveLength(1);
});
