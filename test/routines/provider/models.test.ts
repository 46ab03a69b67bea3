import { expect, test } from "bun:test";
import { makePlan } from "../../../routines/compose/make-plan.ts";
import { companionModel, mirrorModel } from "../../../routines/provider/_models.ts";
import { makeTree } from "../../_workspace.ts";

const lease = { project: "demo", service: "llm" };

async function planOf(contract: string) {
  const home = makeTree({ "services/own/own_native.yml": contract });
  const args = { names: [], exclude: ["own"], container: [], native: false, capability: [], "no-defaults": true, workspace: undefined };
  const env = { HARBOR_HOME: home, HARBOR_CAPABILITIES_AUTODETECT: "false", HOME: home };
  return { home, made: await makePlan({ args, env, cwd: home, bridge: "socket" }) };
}

const PLAIN = `x-harbor-native: { executable: sh, port: "4711", container_port: 80 }\n`;

test("what stands in for a service has the name of the user's file, in the user's networks alone", async () => {
  const { made } = await planOf(PLAIN);
  const model = companionModel({ made, handle: "own", lease, project: "demo-harbor-llm", networks: ["demo_back", "demo_default"] });
  const services = model.services as Record<string, Record<string, unknown>>;
  expect(model.name).toBe("demo-harbor-llm");
  expect(model.networks).toEqual({ "user-1": { name: "demo_back", external: true }, "user-2": { name: "demo_default", external: true } });
  expect(Object.keys(services).sort()).toEqual(["llm", "own-host"]);
  expect(services.llm).toMatchObject({
    networks: ["user-1", "user-2"],
    depends_on: ["own-host"],
    labels: { "harbor.handle": "own", "harbor.runtime": "native" },
  });
  expect(services["own-host"]).toMatchObject({ network_mode: "host" });
  expect(services["own-host"]).not.toHaveProperty("networks");
});

test("a contract's own proxy is taken as it is, but for what two projects cannot both have", async () => {
  const { made } = await planOf(`
services:
  own:
    image: some/proxy:1
    container_name: own
    ports: ["127.0.0.1:4712:80"]
    networks: [harbor-network]
  helper: { image: some/helper:1, depends_on: { own: { condition: service_started } } }
${PLAIN}`);
  const { services } = companionModel({ made, handle: "own", lease, project: "x", networks: ["demo_default"] });
  expect(services).toEqual({
    llm: { image: "some/proxy:1", networks: ["user-1"], labels: expect.anything() },
    helper: {
      image: "some/helper:1",
      depends_on: { llm: { condition: "service_started" } },
      networks: ["user-1"],
      labels: expect.anything(),
    },
  });
});

test("the mirror has nothing but its two folders, and no network", async () => {
  const { made } = await planOf(PLAIN);
  const model = mirrorModel({ made, handle: "own", lease, stateDirectory: "/home/$me/state" });
  const mirror = (model.services as Record<string, Record<string, unknown>>).llm;
  expect(model.name).toBe("demo");
  expect(Object.keys(model.services as object)).toEqual(["llm"]);
  expect(mirror).toMatchObject({
    network_mode: "none",
    cap_drop: ["ALL"],
    user: `${process.getuid?.()}:${process.getgid?.()}`,
    volumes: [
      { source: "/home/$$me/state/native/own", target: "/log", read_only: true },
      { source: "/home/$$me/state/health", target: "/health", read_only: true },
    ],
  });
  expect(mirror).not.toHaveProperty("ports");
});

/** What the container runs, run here on a folder of this test's. */
async function programOf(): Promise<string> {
  const { made } = await planOf(PLAIN);
  const model = mirrorModel({ made, handle: "own", lease, stateDirectory: "/s" });
  const [program] = (model.services as Record<string, { command: string[] }>).llm?.command ?? [];
  return (program ?? "").replaceAll("$$", "$");
}

const shells = [["sh"], ["dash"], ["bash", "--posix"], ["busybox", "ash"]].filter(([shell]) => Bun.which(shell as string) !== null);

test.each(shells)("it prints the log without its stamps, and once restarted what has come since, under %s", async (...shell) => {
  const stamp = (day: number, rest: string): string => `2026-01-0${day}T12:00:00.123Z ${rest}\n`;
  const folder = makeTree({
    "log/log":
      stamp(1, "log 1 0.0 0.0") +
      stamp(1, "out 1.6 hello") +
      stamp(2, "err 1.9   -n $HOME \\t *") +
      stamp(2, "out 1.7 ") +
      stamp(3, "out! 1.7 said by Harbor"),
  });
  const program = (await programOf()).replace("/tmp/mirrored", `${folder}/note`).replace("cd /log ", `cd ${folder}/log `);
  const run = async (count: number): Promise<string[]> => {
    const child = Bun.spawn([...shell, "-c", program], { stdout: "pipe", stderr: "pipe", detached: true });
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      if (text.split("\n").length > count) break;
    }
    child.kill("SIGTERM");
    const exit = await child.exited;
    process.kill(-child.pid, "SIGKILL");
    return [...text.trimEnd().split("\n"), String(exit)];
  };
  expect(await run(4)).toEqual(["hello", "  -n $HOME \\t *", "", "said by Harbor", "0"]);
  // everything so far is older than that end
  await Bun.write(`${folder}/log/log`, `${stamp(1, "out 1.6 hello")}2999-01-01T00:00:00.000Z out 2.4 new\n`);
  expect(await run(1)).toEqual(["new", "0"]);
});
