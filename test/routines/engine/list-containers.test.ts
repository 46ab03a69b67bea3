import { describe, expect, test } from "bun:test";
import { listContainers } from "../../../routines/engine/list-containers.ts";
import { containerInfo, startFakeEngine } from "./_fake-engine.ts";

const list = async (infos: object[]) => {
  using fake = startFakeEngine(() => Response.json(infos));
  return await listContainers({ engine: fake.engine, project: "p", details: false });
};

describe("listContainers", () => {
  test("asks for the project's containers alone, in one question", async () => {
    const filters: (string | null)[] = [];
    using fake = startFakeEngine((_, url) => {
      filters.push(url.searchParams.get("filters"));
      return Response.json([]);
    });
    expect(await listContainers({ engine: fake.engine, project: "p" })).toEqual([]);
    expect(filters).toEqual(['{"label":["com.docker.compose.project=p"]}']);
    expect(fake.asked).toEqual(["GET /containers/json"]);
  });

  const states: [string, string, { health: string; exitCode: number | null }][] = [
    ["running", "Up 3 seconds", { health: "", exitCode: null }],
    ["running", "Up 2 minutes (healthy)", { health: "healthy", exitCode: null }],
    ["running", "Up 1 second (health: starting)", { health: "starting", exitCode: null }],
    ["running", "Up About an hour (unhealthy)", { health: "unhealthy", exitCode: null }],
    ["exited", "Exited (137) 4 weeks ago", { health: "", exitCode: 137 }],
    ["restarting", "Restarting (1) 2 seconds ago", { health: "", exitCode: 1 }],
    ["created", "Created", { health: "", exitCode: null }],
  ];
  test.each(states)("reads health and exit code of %s: %s", async (State, Status, expected) => {
    expect((await list([containerInfo("a", { State, Status })]))[0]).toMatchObject({ state: State, ...expected });
  });

  test("takes handle and runtime from Harbor's labels, else the service's name", async () => {
    const relay = containerInfo("ollama-host", { Labels: { "harbor.handle": "ollama", "harbor.runtime": "native" } });
    const [plain, native] = await list([relay, containerInfo("a")]);
    expect(plain).toMatchObject({ service: "a", handle: "a", runtime: "container" });
    expect(native).toMatchObject({ service: "ollama-host", handle: "ollama", runtime: "native" });
  });

  test("shows a port published on IPv4 and IPv6 once", async () => {
    const published = { PrivatePort: 80, PublicPort: 8080, Type: "tcp" };
    const Ports = [
      { IP: "::", ...published },
      { IP: "0.0.0.0", ...published },
      { PrivatePort: 53, Type: "udp" },
    ];
    expect((await list([containerInfo("a", { Ports })]))[0]?.ports).toEqual([
      { host: "", containerPort: 53, protocol: "udp" },
      { host: "0.0.0.0", hostPort: 8080, containerPort: 80, protocol: "tcp" },
    ]);
  });

  test("leaves out what `compose run` made", async () => {
    expect(await list([containerInfo("a", { Labels: { "com.docker.compose.oneoff": "True" } })])).toEqual([]);
  });

  test("asks when each was started, and bears one that is gone meanwhile", async () => {
    const State = { StartedAt: "2026-11-21T11:00:00.123456789Z" };
    using fake = startFakeEngine((_, url) =>
      url.pathname === "/containers/json"
        ? Response.json([containerInfo("a"), containerInfo("b")])
        : url.pathname.includes("id-a")
          ? Response.json({ State })
          : undefined,
    );
    const containers = await listContainers({ engine: fake.engine, project: "p" });
    expect(containers.map((it) => it.startedAt)).toEqual(["2026-11-21T11:00:00.123Z", null]);
  });

  test("an engine that has stopped is a missing one", async () => {
    const fake = startFakeEngine(() => undefined);
    fake[Symbol.dispose]();
    await expect(listContainers({ engine: fake.engine, project: "p" })).rejects.toMatchObject({ exit: "missing" });
  });
});
