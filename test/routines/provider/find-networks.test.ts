import { expect, test } from "bun:test";
import { findNetworks } from "../../../routines/provider/_find-networks.ts";
import { startFakeEngine } from "../engine/_fake-engine.ts";

const network = (Name: string, project?: string, key?: string): object => ({
  Name,
  Labels: project === undefined ? {} : { "com.docker.compose.project": project, "com.docker.compose.network": key },
});

const NETWORKS = [
  network("bridge"),
  network("shared"),
  network("demo_default", "demo", "default"),
  network("b", "demo", "back"),
  network("x_back", "x", "back"),
];

function find(wanted: string[], networks: () => object[] = () => NETWORKS, project = "demo"): Promise<string[]> {
  const fake = startFakeEngine((_, { pathname }) => (pathname.endsWith("/networks") ? Response.json(networks()) : undefined));
  const startedAt = performance.now();
  return findNetworks({ engine: fake.engine, project, wanted, startedAt, signal: new AbortController().signal }).finally(() =>
    fake[Symbol.dispose](),
  );
}

test("all of the project, or those that are named: by the file's names, or by their own", async () => {
  expect(await find([])).toEqual(["b", "demo_default"]);
  expect(await find(["back"])).toEqual(["b"]);
  expect(await find(["shared", "default"])).toEqual(["demo_default", "shared"]);
});

test("one that compose makes meanwhile is waited for", async () => {
  let looks = 0;
  expect(await find([], () => (++looks < 3 ? [] : NETWORKS))).toEqual(["b", "demo_default"]);
});

test("a project without networks has none; one that is named and not there is an error", async () => {
  const none = find([], undefined, "other");
  const absent = find(["front"]);
  expect(await none).toEqual([]);
  await expect(absent).rejects.toMatchObject({
    exit: "unknown",
    message: 'Cannot join network "front": compose project "demo" has none of that name',
    hint: "It has back, default",
  });
});
