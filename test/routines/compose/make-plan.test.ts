import { describe, expect, test } from "bun:test";
import { type MadePlan, makePlan } from "../../../routines/compose/make-plan.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

interface Question {
  files: Record<string, string>;
  names: string[];
  exclude?: string[];
  container?: string[];
  env?: Record<string, string>;
}

function plan({ files, names, exclude = [], container = [], env = {} }: Question): Promise<MadePlan> {
  const args = { names, exclude, container, native: false, capability: [], "no-defaults": false, workspace: makeTree(files) };
  return makePlan({
    args,
    env: { HARBOR_HOME: makeFolder(), HARBOR_PROJECT: "p", HARBOR_CAPABILITIES_AUTODETECT: "false", ...env },
    bridge: "socket",
  });
}

const NATIVE =
  "x-harbor-native: { executable: sleep, daemon_args: ['9'], port: 9001, env: { A: contract }, env_overrides: { NAT_URL: 'http://n:1' } }\n";

describe("makePlan", () => {
  test("labels every service with its handle and runtime, companions among them", async () => {
    const files = {
      "compose.web.yml": "name: ignored\nversion: '3'\nservices:\n  web: { image: w, labels: [own=1] }\n  web-db: { image: d }\n",
      "compose.nat.yml": "services:\n  nat: { image: n }\n",
      "nat/nat_native.yml": NATIVE,
    };
    const { plan: made } = await plan({ files, names: ["web"], exclude: ["nat"] });
    expect(made.compose).toMatchObject({
      name: "p",
      services: {
        web: { labels: ["own=1", "harbor.handle=web", "harbor.runtime=container"] },
        "web-db": { labels: { "harbor.handle": "web", "harbor.runtime": "container" } },
        nat: { labels: { "harbor.handle": "nat", "harbor.runtime": "native" } },
      },
    });
    expect(made.compose).not.toHaveProperty("version");
    expect(made.services.map((it) => [it.handle, it.runtime, it.containers])).toEqual([
      ["nat", "native", ["nat-host", "nat"]],
      ["web", "container", ["web", "web-db"]],
    ]);
  });

  test("has no container at all when everything runs natively", async () => {
    const files = { "compose.nat.yml": "services:\n  nat: { image: n }\n", "nat/nat_native.yml": NATIVE };
    const { plan: made } = await plan({ files, names: [], exclude: ["nat"] });
    expect(made.compose).toEqual({ name: "p", services: {} });
    expect(made.natives.map((it) => it.argv)).toEqual([["sleep", "9"]]);
  });

  test("injects a native's overrides into what depends on it, below what that has itself", async () => {
    const files = {
      "compose.a.yml": "services:\n  a: { image: a, depends_on: [nat] }\n",
      "compose.b.yml": "services:\n  b: { image: b, depends_on: [nat], environment: [NAT_URL=own, MY_TOKEN] }\n",
      "compose.c.yml": "services:\n  c: { image: c }\n",
      "compose.d.yml": "services:\n  d: { image: d, depends_on: [nat], environment: [MY_TOKEN] }\n",
      "compose.nat.yml": "services:\n  nat: { image: n }\n",
      "nat/nat_native.yml": NATIVE,
    };
    const made = await plan({ files, names: ["a", "b", "c", "d"], exclude: ["nat"], env: { MY_TOKEN: "s3$cr3t" } });
    const services = made.plan.compose.services as Record<string, { environment?: object }>;
    expect(services.a?.environment).toEqual({ NAT_URL: "http://n:1" });
    expect(services.b?.environment).toEqual(["NAT_URL=own", "MY_TOKEN"]);
    expect(services.c?.environment).toBeUndefined();
    expect(services.d?.environment).toEqual(["NAT_URL=http://n:1", "MY_TOKEN"]);
    expect(JSON.stringify(made.plan)).not.toContain("cr3t");
    expect([...made.merged.variables.keys()]).toContain("MY_TOKEN");
  });

  test("injects overrides with what is left open in them for compose, and says of what they name", async () => {
    const block = (more: string): string => `x-harbor-native: { executable: sleep, port: 9001, env_overrides: { ${more} } }\n`;
    const files = {
      "compose.a.yml": "services:\n  a: { image: 'a:${NAT_URL:-none}', depends_on: [nat] }\n",
      "compose.c.yml": "services:\n  c: { image: 'c:${NAT_URL:-none}' }\n",
      "nat/nat_native.yml": block("NAT_URL: 'http://n:${NAT_PORT:-1}', NAT_KEY: '${MY_KEY}', NAT_MORE: '${NAT_URL:-http://user}/v1'"),
    };
    const env = { MY_KEY: "s3$cr3t", NAT_PORT: "7", NAT_URL: "http://u$er" };
    const made = await plan({ files, names: ["a", "c"], exclude: ["nat"], env });
    const services = made.plan.compose.services as Record<string, { environment?: object }>;
    expect(services.a?.environment).toEqual({ NAT_URL: "http://n:${NAT_PORT:-1}", NAT_KEY: "${MY_KEY}", NAT_MORE: "http://u$$er/v1" });
    expect(services.c?.environment).toBeUndefined();
    // and as configuration, for whatever file asks for it
    expect(made.plan.services.map((it) => it.runs)).toEqual(["a:http://n:7", "c:http://n:7", "sleep"]);
    expect([...made.merged.variables.keys()]).toEqual(expect.arrayContaining(["NAT_PORT", "MY_KEY"]));
    expect(JSON.stringify(made.plan)).not.toContain("cr3t");
  });

  test("gives a native what the natives it depends on say, with addresses of this host, and no other native", async () => {
    const files = {
      "compose.box.yml": 'services:\n  box: { image: b, ports: ["127.0.0.1:9300:80", "9301:81/udp"] }\n',
      "compose.x.user.box.yml":
        "services:\n  user: { environment: { BOX: 'http://box:80/x', UDP: 'http://box:81', ELSE: 'http://other:80' } }\n",
      "brain/brain_native.yml":
        "x-harbor-native: { executable: sleep, port: 9101, container_port: 80, env_overrides: { BRAIN_URL: 'http://brain:80/v1', SHARED: brain } }\n",
      "twin/twin_native.yml":
        "x-harbor-native: { executable: sleep, port: 9102, env_overrides: { SHARED: twin, TWIN_KEY: '${MY_KEY}' } }\n",
      "user/user_native.yml":
        "x-harbor-native: { executable: sleep, port: 9103, depends_on: [brain, twin, box], env: { OWN: '${BRAIN_URL:-none}?a=http://me@brain:80' } }\n",
      "loner/loner_native.yml": "x-harbor-native: { executable: sleep, port: 9104 }\n",
    };
    const natives = ["brain", "twin", "user", "loner"];
    const made = await plan({ files, names: ["box"], exclude: natives, env: { MY_KEY: "k" } });
    const envOf = (handle: string) => made.plan.natives.find((it) => it.handle === handle)?.env;
    expect(envOf("user")).toEqual({
      BRAIN_URL: "http://127.0.0.1:9101/v1",
      SHARED: "brain",
      TWIN_KEY: "k",
      BOX: "http://127.0.0.1:9300/x",
      UDP: "http://box:81",
      ELSE: "http://other:80",
      OWN: "http://127.0.0.1:9101/v1?a=http://me@127.0.0.1:9101",
    });
    for (const handle of ["brain", "twin", "loner"]) expect(envOf(handle)).toEqual({});
  });

  test("gives a process the environment of cross files, below its contract's own", async () => {
    const files = {
      "compose.web.yml": "services:\n  web: { image: w }\n",
      "compose.nat.yml": "services:\n  nat: { image: n }\n",
      "compose.x.web.nat.yml": "services:\n  nat: { environment: { A: cross, B: '${B_LEVEL:-low}', C: null } }\n",
      "nat/nat_native.yml": NATIVE,
    };
    const { plan: made } = await plan({ files, names: ["web"], exclude: ["nat"], env: { C: "a$b" } });
    expect(made.natives[0]?.env).toEqual({ A: "contract", B: "low", C: "a$b" });
  });

  test("is the same however often it is made, and survives JSON", async () => {
    const files = { "compose.web.yml": "services:\n  web: { image: 'w:${V:-1}', ports: ['127.0.0.1:80:8080'] }\n" };
    const { plan: made } = await plan({ files, names: ["web"] });
    expect(JSON.parse(JSON.stringify(made))).toEqual(made);
    expect(made.services).toEqual([
      {
        handle: "web",
        runtime: "container",
        because: "it has no contract",
        containers: ["web"],
        ports: [{ address: "127.0.0.1", published: 80, target: 8080, protocol: "tcp" }],
        urls: ["http://127.0.0.1:80"],
        runs: "w:1",
      },
    ]);
  });

  test("runs what has a contract alone natively, unless a container is asked for", async () => {
    const files = { "compose.a.yml": "", "web/web_native.yml": NATIVE };
    const { plan: made } = await plan({ files, names: ["web"] });
    expect(made.services[0]).toMatchObject({ runtime: "native", because: "it has a contract and no definition" });
    const failed: unknown = await plan({ files, names: [], container: ["web"] }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ message: 'Cannot run "web" in a container: it has no definition (compose.web.yml)' });
  });

  test.each([
    ["a definition without services", { "compose.web.yml": "# later\n" }, 'Cannot run "web": its definition has no services'],
    [
      "two claims to a port",
      { "compose.web.yml": "services:\n  web: { image: a, ports: ['80:1'] }\n  web-b: { image: b, ports: ['127.0.0.1:80:2'] }\n" },
      "Cannot publish port 80 twice",
    ],
  ])("refuses %s", async (_, files, message) => {
    const failed: unknown = await plan({ files, names: ["web"] }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ exit: "failed", message: expect.stringContaining(message) });
  });
});
