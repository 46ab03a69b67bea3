/** A plan with a service for which a server of the user's own stands in. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type MadePlan, makePlan } from "../../../routines/compose/make-plan.ts";
import type { Bridge } from "../../../routines/compose/write-proxy.ts";
import { makeAuthority } from "../../../routines/reach/make-certificate.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

const FILES = {
  "compose.llm.yml": 'x-harbor: { provides: [openai-api] }\nservices:\n  llm: { image: l, ports: ["9001:9000"] }\n  llm-db: { image: d }\n',
  "compose.llm.nvidia.yml": "services:\n  llm: { runtime: nvidia }\n  other: { image: o }\n",
  "compose.web.yml": "services:\n  web: { image: w }\n",
  "compose.x.web.llm.yml":
    "services:\n  web: { environment: { LLM: 'http://llm:9000/v1' }, depends_on: { llm: { condition: service_healthy } } }\n",
  "llm/llm_native.yml":
    "x-harbor-native: { executable: sleep, port: 9001, ready: { http: /health }, env_overrides: { LLM_URL: 'http://n:1' } }\n",
  "compose.tool.yml": "services:\n  tool: { image: t }\n",
  "tool/tool_native.yml":
    "x-harbor-native: { executable: sleep, port: 9002, depends_on: { llm: { condition: service_healthy } }, env: { LLM: 'http://llm:9000/v1', SAME: 'http://llm.internal:9000' } }\n",
  "compose.kv.yml": "services:\n  kv: { image: k, x-harbor-scheme: redis, ports: ['6379:6379'] }\n",
  "compose.quiet.yml": "services:\n  quiet: { image: q }\n",
};

const REMOTE = { HARBOR_LLM_RUNTIME: "connected", HARBOR_LLM_REMOTE_URL: "https://gpu.example/llm" };

interface Question {
  names?: string[];
  exclude?: string[];
  container?: string[];
  native?: boolean;
  env?: Record<string, string>;
  bridge?: Bridge;
  running?: { services: string[]; natives: string[]; connected?: string[]; capabilities: string[] };
}

function plan({
  names = [],
  exclude = [],
  container = [],
  native = false,
  env = REMOTE,
  bridge = "socket",
  running,
}: Question): Promise<MadePlan> {
  const args = { names, exclude, container, native, capability: [], "no-defaults": false, workspace: makeTree(FILES) };
  return makePlan({
    args,
    env: { HARBOR_HOME: makeFolder(), HARBOR_PROJECT: "p", HARBOR_CAPABILITIES_AUTODETECT: "false", ...env },
    bridge,
    running,
  });
}

type Service = Record<string, unknown> & { command?: string[] };
const servicesOf = ({ plan: made }: MadePlan): Record<string, Service> => made.compose.services as Record<string, Service>;
const programOf = (made: MadePlan, name: string): string => String(servicesOf(made)[name]?.command?.[0]).replaceAll("$$", "$");

describe("a connected service", () => {
  test("has no container of its own, nor its companions: a proxy of its name leads to the server", async () => {
    const made = await plan({ names: ["llm", "web"] });
    expect(Object.keys(servicesOf(made)).sort()).toEqual(["llm", "llm-host", "web"]);
    expect(servicesOf(made)).toMatchObject({
      llm: {
        labels: { "harbor.handle": "llm", "harbor.runtime": "connected" },
        networks: { "harbor-network": { aliases: ["llm.internal"] } },
      },
      "llm-host": { network_mode: "host", user: "65534:65534", read_only: true, cap_drop: ["ALL"] },
      web: { labels: { "harbor.runtime": "container" }, depends_on: { llm: { condition: "service_healthy" } } },
    });
    expect(made.plan.natives).toEqual([]);
    expect(made.plan.services.find((it) => it.handle === "llm")).toMatchObject({
      runtime: "connected",
      because: "HARBOR_LLM_RUNTIME is connected (environment), to https://gpu.example/llm",
      containers: ["llm-host", "llm"],
      ports: [],
      urls: ["https://gpu.example/llm"],
      runs: "https://gpu.example/llm",
    });
    expect(made.plan.files.filter((it) => /llm/.test(it.path)).map(({ kind, included, reason }) => [kind, included, reason])).toEqual([
      ["definition", false, "llm is connected: a proxy to its server takes this place"],
      ["contract", false, "llm is connected: no process of it runs here"],
      ["capability", false, "capability nvidia is not selected"],
      ["cross", true, "web, llm are selected"],
    ]);
  });

  test("is asked for by its own name and below its prefix, over TLS that is checked", async () => {
    const program = programOf(await plan({ names: ["llm", "web"] }), "llm-host");
    expect(program).toContain("http-request set-header Host gpu.example\n");
    expect(program).toContain("http-request set-path /llm%[path]\n");
    expect(program).toContain(
      "server remote gpu.example:443 ssl verify required ca-file @system-ca alpn http/1.1 sni str(gpu.example) verifyhost gpu.example\n",
    );
    const insecure = await plan({ names: ["llm", "web"], env: { ...REMOTE, HARBOR_LLM_REMOTE_INSECURE: "true" } });
    expect(programOf(insecure, "llm-host")).toContain("ssl verify none");
  });

  test("D12: its token is in the bridge's environment by name, in no plan and no command line", async () => {
    const made = await plan({ names: ["llm", "web"], env: { ...REMOTE, HARBOR_LLM_REMOTE_TOKEN: "s3cr3t" } });
    expect(JSON.stringify(made.plan)).not.toContain("s3cr3t");
    expect(programOf(made, "llm-host")).toContain('Authorization "Bearer %[env(HARBOR_REMOTE_TOKEN)]"');
    const holders = Object.entries(servicesOf(made)).filter(([, service]) =>
      JSON.stringify(service.environment ?? "").includes("REMOTE_TOKEN"),
    );
    expect(holders.map(([name]) => name)).toEqual(["llm-host"]);
    expect([...made.merged.variables.keys()]).toContain("HARBOR_LLM_REMOTE_TOKEN");
  });

  test("is checked against an authority of the user's own, which the bridge is given as text", async () => {
    const file = join(makeFolder(), "ca.pem");
    const { certificate } = makeAuthority("mine");
    writeFileSync(file, certificate);
    const made = await plan({ names: ["llm", "web"], env: { ...REMOTE, HARBOR_LLM_REMOTE_CA: file } });
    expect(programOf(made, "llm-host")).toContain(`cat > '/sock/llm-9000.ca' << 'FILE'\n${certificate}FILE\n`);
    expect(programOf(made, "llm-host")).toContain("ca-file /sock/llm-9000.ca");
  });

  test("on this host's loopback is reached by the engine's name for it, where the engine is in a machine of its own", async () => {
    const env = { ...REMOTE, HARBOR_LLM_REMOTE_URL: "http://localhost:11434" };
    const made = await plan({ names: ["llm", "web"], env, bridge: "host-gateway" });
    expect(Object.keys(servicesOf(made)).sort()).toEqual(["llm", "web"]);
    expect(programOf(made, "llm")).toContain("server remote host.docker.internal:11434");
    expect(programOf(made, "llm")).toContain("set-header Host localhost:11434");
    expect(programOf(await plan({ names: ["llm", "web"], env }), "llm-host")).toContain("server remote 127.0.0.1:11434");
  });

  test("is reached by processes of this host without the bridge: scheme, port and prefix are the server's", async () => {
    const made = await plan({ names: ["llm"], exclude: ["tool"] });
    expect(made.plan.natives[0]?.env).toMatchObject({ LLM: "https://gpu.example/llm/v1", SAME: "https://gpu.example/llm" });
    expect(made.plan.natives[0]?.dependsOn).toEqual({});
    expect(made.plan.compose).toEqual({ name: "p", services: {} });
  });

  test("says what such processes have to bring themselves", async () => {
    const made = await plan({ names: ["llm"], exclude: ["tool"], env: { ...REMOTE, HARBOR_LLM_REMOTE_TOKEN: "x" } });
    expect(made.selection.warnings).toEqual(["tool, native, talks to llm without the bridge: it has to have its token itself"]);
  });

  test("alone needs no engine", async () => {
    expect((await plan({ names: ["llm"] })).plan.compose).toEqual({ name: "p", services: {} });
  });

  test("is known by its contract's probe, else by the API that it provides", async () => {
    const question = async (): Promise<unknown> => (await plan({ names: ["llm"] })).plan.connected[0]?.question;
    expect(await question()).toEqual({ path: "/health", isJson: false, because: "llm's contract asks for it" });
  });

  test("of another scheme is bytes alone", async () => {
    const made = await plan({ names: ["kv", "web"], env: { HARBOR_KV_RUNTIME: "connected", HARBOR_KV_REMOTE_URL: "redis://box:6380" } });
    const program = programOf(made, "kv-host");
    expect(program).toContain("server remote box:6380\n");
    expect(program).not.toContain("mode http");
    expect(made.plan.connected[0]?.question.path).toBeUndefined();
  });

  test.each([
    [{ HARBOR_LLM_RUNTIME: "connected" }, "HARBOR_LLM_REMOTE_URL is not set"],
    [{ ...REMOTE, HARBOR_LLM_REMOTE_URL: "https://192.168.1.5" }, "a certificate is checked by name, and this is an address"],
    [{ ...REMOTE, HARBOR_LLM_REMOTE_URL: "redis://x:1" }, "it is reached by http or https"],
    [{ HARBOR_RUNTIME: "connected" }, "there is no such runtime"],
  ])("%j is refused", async (env, why) => {
    await expect(plan({ names: ["llm"], env })).rejects.toThrow(why);
  });

  test("without a port that others look for cannot be", async () => {
    const env = { HARBOR_QUIET_RUNTIME: "connected", HARBOR_QUIET_REMOTE_URL: "http://x" };
    await expect(plan({ names: ["quiet"], env })).rejects.toThrow("nothing says at which port other services look for it");
  });
});

describe("which goes first", () => {
  const runtimeOf = async (question: Question): Promise<string | undefined> =>
    (await plan(question)).plan.services.find((it) => it.handle === "llm")?.runtime;
  const isUp = { services: ["llm"], natives: [], capabilities: [] };

  test.each<[string, Question, string]>([
    ["-c", { container: ["llm"] }, "container"],
    ["-x", { exclude: ["llm"] }, "native"],
    ["-n, which is for what would run here", { names: ["llm"], native: true }, "connected"],
    ["a container of it that runs", { names: ["llm"], running: isUp }, "container"],
    ["that it is up connected", { names: ["web"], running: { ...isUp, connected: ["llm"] } }, "connected"],
    [
      "the configuration, once it is no longer connected",
      { names: ["web"], running: { ...isUp, connected: ["llm"] }, env: {} },
      "container",
    ],
  ])("%s", async (_, question, runtime) => {
    expect(await runtimeOf(question)).toBe(runtime);
  });
});
