import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type Bridge, writeProxy } from "../../../routines/compose/write-proxy.ts";
import { readContract } from "../../../routines/native/read-contract.ts";
import { type OfferingSpec, resolveContract } from "../../../routines/native/resolve-contract.ts";
import { makeTree } from "../../_workspace.ts";

type Services = Record<string, Record<string, unknown>>;

function write(
  bridge: Bridge,
  block = "ready: { http: /up }",
  around = (text: string): string => text,
): { services: Services; volumes?: object } {
  const text = around(`x-harbor-native: { executable: sleep, port: 9001, container_port: 9000, ${block} }`);
  const path = join(makeTree({ "nat_native.yml": text }), "nat_native.yml");
  const contract = readContract({ path, handle: "nat" });
  return writeProxy({ contract, spec: resolveContract({ contract, values: () => undefined }) as OfferingSpec, bridge }) as never;
}

describe("writeProxy", () => {
  test("joins a relay in the host's network to the proxy by a socket in a volume; neither publishes a port", () => {
    const { services, volumes } = write("socket");
    expect(services["nat-host"]).toMatchObject({ network_mode: "host", volumes: ["harbor-native:/sock"], read_only: true });
    expect(services["nat-host"]?.command).toEqual([
      "-b65536",
      expect.stringContaining("UNIX-LISTEN:/sock/nat,"),
      expect.stringContaining("TCP:127.0.0.1:9001,"),
    ]);
    expect(services.nat).toMatchObject({ networks: ["harbor-network"], depends_on: ["nat-host"], cap_drop: ["ALL"] });
    expect(JSON.stringify(services.nat?.command)).toContain("TCP-LISTEN:9000,");
    expect(JSON.stringify(services)).not.toContain('"ports"');
    expect(volumes).toHaveProperty("harbor-native");
  });

  test("goes through host.docker.internal where the engine is on another kernel", () => {
    const { services, volumes } = write("host-gateway");
    expect(Object.keys(services)).toEqual(["nat"]);
    expect(JSON.stringify(services.nat?.command)).toContain("TCP:host.docker.internal:9001,");
    expect(volumes).toBeUndefined();
  });

  test("is as healthy as the process: asked through the proxy, by HTTP or by a connection", () => {
    expect(write("socket").services.nat?.healthcheck).toMatchObject({ test: expect.arrayContaining(["http://127.0.0.1:9000/up"]) });
    expect(write("socket", "ready: { tcp: true }").services.nat?.healthcheck).toMatchObject({
      test: ["CMD-SHELL", expect.stringContaining("TCP:127.0.0.1:9000")],
    });
  });

  test("keeps what the contract says of the proxy", () => {
    const { services } = write("host-gateway", "ready: { tcp: true }", (text) => `services:\n  nat:\n    labels: { a: b }\n    ${text}\n`);
    expect(services.nat).toMatchObject({ labels: { a: "b" }, networks: ["harbor-network"] });
  });
});
