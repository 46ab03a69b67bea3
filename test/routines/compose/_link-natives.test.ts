/** Dependencies between natives and containers, as a plan of real files has them. */
import { describe, expect, test } from "bun:test";
import { type MadePlan, makePlan } from "../../../routines/compose/make-plan.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

function plan(files: Record<string, string>, names: string[], exclude: string[]): Promise<MadePlan> {
  const args = { names, exclude, container: [], native: false, capability: [], "no-defaults": false, workspace: makeTree(files) };
  return makePlan({ args, env: { HARBOR_HOME: makeFolder(), HARBOR_CAPABILITIES_AUTODETECT: "false" }, bridge: "socket" });
}

const native = (more = ""): string => `x-harbor-native: { executable: sleep, port: 9001${more} }\n`;
const job = (more = ""): string => `x-harbor-native: { executable: make, restart: { policy: no }${more} }\n`;
const container = (name: string, more = ""): string => `services:\n  ${name}: { image: i${more} }\n`;

type Model = Record<string, { depends_on?: unknown }>;
const modelOf = (made: MadePlan): Model => made.plan.compose.services as Model;
const waitsOf = (made: MadePlan, handle: string) => made.plan.natives.find((it) => it.handle === handle)?.dependsOn;

describe("linkNatives", () => {
  test("joins a contract's own with what cross files say, natives by handle, without its own relay", async () => {
    const files = {
      "compose.db.yml": container("db"),
      "compose.nat.yml": container("nat"),
      "compose.x.nat.db.yml": "services:\n  nat: { depends_on: { db: { condition: service_healthy } } }\n",
      "compose.x.nat.other.yml": "services:\n  nat: { depends_on: [inner] }\n",
      "nat/nat_native.yml": native(", depends_on: { db: { condition: service_started }, web: { condition: service_healthy } }"),
      // a block in a service of another name: that is what compose files call it
      "other/other_native.yml": "services:\n  inner:\n    x-harbor-native: { executable: sleep, port: 9002 }\n",
      "compose.web.yml": container("web"),
    };
    const made = await plan(files, ["db", "web"], ["nat", "other"]);
    expect(waitsOf(made, "nat")).toEqual({ db: "service_started", other: "service_started", web: "service_healthy" });
    expect(waitsOf(made, "other")).toEqual({});
    expect(made.plan.dependencies).toEqual({});
  });

  test("knows what containers wait for, proxies by the native's handle", async () => {
    const files = {
      "compose.web.yml": container(
        "web",
        ", depends_on: { nat: { condition: service_healthy }, web-db: { condition: service_started } }",
      ).concat("  web-db: { image: d }\n"),
      "nat/nat_native.yml": native(),
    };
    const made = await plan(files, ["web"], ["nat"]);
    expect(made.plan.dependencies).toEqual({ web: { nat: "service_healthy", "web-db": "service_started" } });
    expect(Object.keys(modelOf(made).web?.depends_on as object)).toEqual(["nat", "web-db"]);
  });

  test("takes a native without a port out of the model: its definition, its cross files' part, what depends on it", async () => {
    const files = {
      "compose.job.yml": 'services:\n  job: { image: j, ports: ["9001:9000"] }\n  job-db: { image: d }\n',
      "compose.web.yml": container("web", ", depends_on: { job: { condition: service_completed_successfully } }"),
      "compose.list.yml": container("list", ", depends_on: [job, web]"),
      "compose.x.job.web.yml": "services:\n  job: { environment: { FROM: cross } }\n",
      "job/job_native.yml": job(", env_overrides: { JOB_RESULT: here }"),
    };
    const made = await plan(files, ["web", "list"], ["job"]);
    expect(Object.keys(modelOf(made)).sort()).toEqual(["list", "web"]);
    expect(modelOf(made).web).not.toHaveProperty("depends_on");
    expect(modelOf(made).list?.depends_on).toEqual(["web"]);
    expect(modelOf(made).web).toMatchObject({ environment: { JOB_RESULT: "here" } });
    expect(made.plan.dependencies).toEqual({
      web: { job: "service_completed_successfully" },
      list: { job: "service_started", web: "service_started" },
    });
    expect(made.plan.natives[0]).toMatchObject({ handle: "job", env: { FROM: "cross" }, restart: { policy: "no" } });
    expect(made.plan.natives[0]).not.toHaveProperty("port");
    expect(made.plan.services[0]).toEqual({
      handle: "job",
      runtime: "native",
      because: "-x asks for it",
      containers: [],
      ports: [],
      urls: [],
      runs: "make",
    });
  });

  test("needs no engine for natives that wait for natives alone", async () => {
    const made = await plan({ "a/a_native.yml": native(", depends_on: [b]"), "b/b_native.yml": job() }, [], ["a", "b"]);
    expect(made.plan.compose.services).toEqual({});
    expect(waitsOf(made, "a")).toEqual({ b: "service_started" });
  });

  const refused: [string, Record<string, string>, string[], string[], string, object][] = [
    [
      "a name that nothing has",
      { "compose.redis.yml": container("redis"), "nat/nat_native.yml": "x-harbor-native:\n  executable: sleep\n  depends_on: [rediss]\n" },
      ["redis"],
      ["nat"],
      'Cannot start "nat": it depends on "rediss", which nothing defines; did you mean "redis"?',
      { line: 3, column: 3 },
    ],
    [
      "a service that is not selected",
      { "compose.db.yml": container("db"), "nat/nat_native.yml": native(", depends_on: { db: { condition: service_healthy } }") },
      [],
      ["nat"],
      'Cannot start "nat": it depends on "db", which is not selected',
      { line: 1 },
    ],
    [
      "a circle of natives",
      { "a/a_native.yml": native(", depends_on: [b]"), "b/b_native.yml": job(", depends_on: [a]") },
      [],
      ["a", "b"],
      "Cannot order services: a depends on b depends on a",
      { line: 1 },
    ],
    [
      "a circle by way of a container",
      { "a/a_native.yml": native(", depends_on: [web]"), "compose.web.yml": container("web", ", depends_on: [a]") },
      ["web"],
      ["a"],
      "Cannot order services: ",
      { line: expect.any(Number) as never },
    ],
  ];
  test.each(refused)("refuses %s, with the place", async (_, files, names, exclude, message, at) => {
    const failed: unknown = await plan(files, names, exclude).catch((error: unknown) => error);
    expect(failed).toMatchObject({ exit: "failed", message: expect.stringContaining(message), at });
  });
});
