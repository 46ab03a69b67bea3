import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type Bridge, writeProxy } from "../../../routines/compose/write-proxy.ts";
import { readContract } from "../../../routines/native/read-contract.ts";
import { type OfferingSpec, resolveContract } from "../../../routines/native/resolve-contract.ts";
import { resultOf } from "../../_process.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

type Service = Record<string, unknown> & { command?: string[]; healthcheck?: { test: string[] } };

const asItIs = (text: string): string => text;

function write(bridge: Bridge, block = "ready: { http: /up }", around = asItIs): { services: Record<string, Service>; volumes?: object } {
  const text = around(`x-harbor-native: { executable: sleep, port: "\${NAT_PORT:-9001}", container_port: 9000, ${block} }`);
  const path = join(makeTree({ "nat_native.yml": text }), "nat_native.yml");
  const contract = readContract({ path, handle: "nat" });
  const spec = resolveContract({ contract, values: () => undefined });
  return writeProxy({ contract, spec: spec as OfferingSpec, bridge }) as never;
}

/** As the container's shell gets it, once compose has filled it in. */
const program = (service: Service | undefined): string => service?.command?.[0]?.replaceAll("$$", "$") ?? "";
const health = (service: Service | undefined): string => service?.healthcheck?.test[1]?.replaceAll("$$", "$") ?? "";

describe("writeProxy", () => {
  test("hands the proxy's socket to a relay in the host's network, through a volume; neither publishes a port", () => {
    const { services, volumes } = write("socket");
    expect(Object.keys(services)).toEqual(["nat-host", "nat"]);
    expect(services["nat-host"]).toMatchObject({ network_mode: "host", volumes: ["harbor-native:/sock"] });
    expect(services.nat).toMatchObject({ networks: { "harbor-network": { aliases: ["nat.internal"] } }, depends_on: ["nat-host"] });
    expect(program(services.nat)).toContain("$ip:9000 ;;");
    expect(program(services["nat-host"])).toContain("server native 127.0.0.1:9001\n");
    expect(JSON.stringify(services)).not.toContain('"ports"');
    expect(volumes).toHaveProperty("harbor-native");
  });

  test("listens on nothing that the host's network has: a relay without its socket opens none there", () => {
    const bind = /^ *bind (.*)$/m;
    const { services } = write("socket");
    for (const service of Object.values(services)) expect(bind.exec(program(service))?.[1]).toBe("$addresses");
  });

  test("goes through host.docker.internal where the engine is on another kernel", () => {
    const { services, volumes } = write("host-gateway");
    expect(Object.keys(services)).toEqual(["nat"]);
    expect(program(services.nat)).toContain("bind :9000\n  server native host.docker.internal:9001\n");
    expect(volumes).toBeUndefined();
  });

  test.each<Bridge>(["socket", "host-gateway"])("gives a container nothing it could do harm with (%s)", (bridge) => {
    for (const service of Object.values(write(bridge).services)) {
      expect(service).toMatchObject({ user: "65534:65534", read_only: true, cap_drop: ["ALL"], security_opt: ["no-new-privileges:true"] });
    }
  });

  test("writes programs that a shell can read", async () => {
    for (const service of [...Object.values(write("socket").services), ...Object.values(write("host-gateway").services)]) {
      const child = Bun.spawn(["sh", "-n"], { stdin: new Blob([program(service)]), stdout: "pipe", stderr: "pipe" });
      expect(await resultOf(child)).toEqual({ exit: 0, stdout: "", stderr: "" });
    }
  });

  test("is as healthy as the process: asked through the proxy, by HTTP or by a connection", () => {
    expect(health(write("socket").services.nat)).toEndWith(`wget -Y off -q -O /dev/null "http://$at"'/up'`);
    expect(health(write("host-gateway").services.nat)).toStartWith("at=127.0.0.1:9000\n");
    expect(health(write("socket", "ready: { tcp: true }").services.nat)).toContain("timeout 1 nc ");
    expect(write("socket").services.nat?.volumes).toEqual(["harbor-native:/sock"]);
  });

  test.each(["exec: ./check", "log: up", "notify: true", "http: /up, status: 204", 'http: /up, body: "ok"'])(
    "takes the supervisor's word for what it alone knows: { %s }",
    (ready) => {
      for (const bridge of ["socket", "host-gateway"] as const) {
        const { nat } = write(bridge, `ready: { ${ready} }`).services;
        expect(health(nat)).toContain("file='/health/nat'");
        expect(health(nat)).toContain("timeout 1 nc ");
        expect(nat?.volumes).toContainEqual({
          type: "bind",
          source: "${HARBOR_HOME}/state/health",
          target: "/health",
          read_only: true,
          bind: { create_host_path: true },
        });
      }
    },
  );

  test.each([
    ["ready: { exec: ./check }", "starting", 1, "it is starting\n"],
    ["ready: { exec: ./check }", "asleep", 1, "it is asleep\n"],
    ["ready: { http: /up }, daemon_args: ['${NAT_PORT:-9001}'], idle: { stop_after: 1m }", "asleep", 0, ""],
    ["ready: { http: /up }, daemon_args: ['${NAT_PORT:-9001}'], idle: { stop_after: 1m }", "failed", 1, "it is failed\n"],
  ])("with { %s } and the word %s, the check ends with %i and asks nobody", async (block, word, exit, stdout) => {
    const folder = makeFolder();
    await Bun.write(join(folder, "nat"), `${word}\n`);
    const check = health(write("host-gateway", block).services.nat).replace("/health/nat", join(folder, "nat"));
    const child = Bun.spawn(["sh", "-c", check], { env: { PATH: "" }, stdout: "pipe", stderr: "pipe" });
    expect(await resultOf(child)).toEqual({ exit, stdout, stderr: "" });
  });

  test("keeps what the contract says of the proxy", () => {
    const { services } = write("host-gateway", "ready: { tcp: true }", (text) => `services:\n  nat:\n    labels: { a: b }\n    ${text}\n`);
    expect(services.nat).toMatchObject({ labels: { a: "b" }, networks: { "harbor-network": {} } });
  });
});
