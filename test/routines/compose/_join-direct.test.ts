/** Services that containers connect to themselves, as a plan of real files has them. */
import { describe, expect, test } from "bun:test";
import { type MadePlan, makePlan } from "../../../routines/compose/make-plan.ts";
import type { Bridge } from "../../../routines/compose/write-proxy.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

interface Question {
  contract?: string;
  files?: Record<string, string>;
  bridge?: Bridge;
  gateway?: string | undefined;
}

const DIRECT = `x-harbor-native:
  executable: serve
  daemon_args: [--listen, "\${HARBOR_NATIVE_ADDRESS}:\${NAT_PORT:-9000}"]
  port: "\${NAT_PORT:-9000}"
  bridge: "\${NAT_BRIDGE:-direct}"
`;

const FILES = {
  "compose.nat.yml": 'services:\n  nat: { image: n, ports: ["9001:9000"] }\n',
  "compose.web.yml": "services:\n  web: { image: w, depends_on: { nat: { condition: service_healthy } } }\n",
};

function plan(
  { contract = DIRECT, files = {}, bridge = "socket", ...rest }: Question,
  env: Record<string, string> = {},
): Promise<MadePlan> {
  const gateway = "gateway" in rest ? rest.gateway : "172.17.0.1";
  const workspace = makeTree({ ...FILES, ...files, "nat/nat_native.yml": contract });
  const args = { names: ["web"], exclude: ["nat"], container: [], native: false, capability: [], "no-defaults": false, workspace };
  return makePlan({
    args,
    env: { HARBOR_HOME: makeFolder(), HARBOR_CAPABILITIES_AUTODETECT: "false", ...env },
    bridge,
    findGateway: () => gateway,
  });
}

const modelOf = (made: MadePlan) => made.plan.compose.services as Record<string, Record<string, unknown>>;

describe("bridge: direct", () => {
  test("has no proxy: containers get the address where it listens, and Harbor waits in their place", async () => {
    const made = await plan({});
    expect(modelOf(made)).toEqual({
      web: expect.objectContaining({ image: "w", extra_hosts: { nat: "172.17.0.1", "nat.internal": "172.17.0.1" } }) as never,
    });
    expect(modelOf(made).web).not.toHaveProperty("depends_on");
    expect(made.plan.dependencies).toEqual({ web: { nat: "service_healthy" } });
    expect(made.plan.natives[0]).toMatchObject({ argv: ["serve", "--listen", "172.17.0.1:9000"], address: "172.17.0.1", port: 9000 });
    expect(made.plan.services[0]).toMatchObject({
      handle: "nat",
      containers: [],
      ports: [{ address: "172.17.0.1", published: 9000, target: 9000, protocol: "tcp" }],
      urls: ["http://172.17.0.1:9000"],
    });
  });

  test("says what that opens", async () => {
    expect((await plan({})).selection.warnings).toEqual([
      "nat listens on 172.17.0.1:9000 (bridge: direct): containers of every network of this host reach it, and so does a host of the LAN that routes to that address",
    ]);
  });

  test("is another's to choose: a contract may leave it to the configuration", async () => {
    const made = await plan({}, { NAT_BRIDGE: "relay" });
    expect(Object.keys(modelOf(made)).sort()).toEqual(["nat", "nat-host", "web"]);
    expect(made.plan.natives[0]).toMatchObject({ argv: ["serve", "--listen", "127.0.0.1:9000"], bridge: "relay" });
    expect(made.plan.natives[0]).not.toHaveProperty("address");
    expect(made.selection.warnings).toEqual([]);
  });

  test("listens on loopback where the engine is on another kernel, which knows the way there", async () => {
    const made = await plan({ bridge: "host-gateway" });
    expect(modelOf(made).web?.extra_hosts).toEqual({ nat: "host-gateway", "nat.internal": "host-gateway" });
    expect(made.plan.natives[0]?.argv).toEqual(["serve", "--listen", "127.0.0.1:9000"]);
    expect(made.selection.warnings).toEqual([]);
  });

  test("leaves names that a container knows already, and containers in another's network, as they are", async () => {
    const files = {
      "compose.web.yml":
        'services:\n  web: { image: w, extra_hosts: ["nat:10.0.0.1"] }\n  peer: { image: p, network_mode: "service:web" }\n  host: { image: h, network_mode: host }\n',
    };
    const { web, peer, host } = modelOf(await plan({ files }));
    expect(web?.extra_hosts).toEqual(["nat:10.0.0.1", "nat.internal:172.17.0.1"]);
    expect(peer).not.toHaveProperty("extra_hosts");
    expect(host?.extra_hosts).toEqual({ nat: "172.17.0.1", "nat.internal": "172.17.0.1" });
  });

  test("takes what cross files say of its service for the process alone", async () => {
    const files = { "compose.x.nat.web.yml": "services: { nat: { environment: { FROM: cross } } }\n" };
    const made = await plan({ files });
    expect(Object.keys(modelOf(made))).toEqual(["web"]);
    expect(made.plan.natives[0]?.env).toEqual({ FROM: "cross" });
  });

  test("gives way to a proxy of the contract's own, and says so", async () => {
    const contract = "services:\n  nat:\n    image: mine\n    x-harbor-native: { executable: serve, port: 9000, bridge: direct }\n";
    const made = await plan({ contract });
    expect(modelOf(made).nat?.image).toBe("mine");
    expect(made.plan.natives[0]?.bridge).toBe("relay");
    expect(made.selection.warnings).toEqual(['nat has a proxy of its own: "bridge: direct" says nothing']);
  });

  test.each([
    [
      "two ports",
      { NAT_PORT: "9001" },
      {},
      'Cannot join "nat" to containers directly: it listens on port 9001, and they look for it on 9000',
      'Set NAT_PORT=9000, or leave out "bridge: direct"',
    ],
    [
      "no bridge of the engine's",
      {},
      { gateway: undefined },
      'Cannot join "nat" to containers directly: this host has no docker0 network',
      'Start the engine first, or leave out "bridge: direct"',
    ],
    [
      "a service that sleeps",
      {},
      { contract: `${DIRECT}  idle: { stop_after: 1m }\n` },
      'Cannot join "nat" to containers directly: it sleeps, and a relay has to wake it',
      'Leave out "idle" or "bridge: direct"',
    ],
  ])("refuses %s", async (_, env, question: Question, message, hint) => {
    const failed: unknown = await plan(question, env).catch((error: unknown) => error);
    expect(failed).toMatchObject({ message, hint });
  });
});
