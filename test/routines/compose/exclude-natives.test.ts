import { describe, expect, test } from "bun:test";
import { type ExcludedNatives, excludeNatives } from "../../../routines/compose/exclude-natives.ts";
import type { ComposeModel } from "../../../routines/compose/merge-compose.ts";
import { resolveFiles } from "../../../routines/compose/resolve-files.ts";
import type { Bridge } from "../../../routines/compose/write-proxy.ts";
import { readContract } from "../../../routines/native/read-contract.ts";
import { findWorkspace } from "../../../routines/workspace/find-workspace.ts";
import { listFiles } from "../../../routines/workspace/list-files.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

const known = new Set(["nvidia"]);
const values = (name: string): string | undefined => (name === "LEVEL" ? "hi$h" : undefined);

function exclude(files: Record<string, string>, bridge: Bridge = "socket"): ExcludedNatives {
  const workspace = findWorkspace({ home: makeFolder(), directory: makeTree(files) });
  const services = new Set(["nat", "web"]);
  const listed = listFiles({ workspace, handles: [...services], capabilities: known });
  const resolved = resolveFiles({
    files: listed,
    services,
    natives: new Set(["nat"]),
    connections: new Map(),
    capabilities: known,
    knownCapabilities: known,
    workspace,
  });
  const contract = listed.find((file) => file.kind === "contract")?.path ?? "";
  return excludeNatives({
    resolved,
    contracts: new Map([["nat", readContract({ path: contract, handle: "nat" })]]),
    connections: new Map(),
    values,
    bridge,
  });
}

const FILES = {
  "compose.nat.yml": 'services:\n  nat: { image: a, ports: ["9001:9000"] }\n  nat-db: { image: b }\n',
  "compose.nat.nvidia.yml": "services:\n  nat: { image: gpu, environment: { GPU: '1' } }\n  nat-db: { image: c }\n  other: { image: d }\n",
  "compose.web.yml": "services:\n  web: { image: w }\n",
  "compose.x.web.nat.yml": "services:\n  web: { depends_on: [nat] }\n  nat: { environment: [FROM_CROSS=1, LEVEL, NOT_SET] }\n",
  "nat/nat_native.yml": "x-harbor-native: { executable: sleep, port: 9001 }\n",
};

const names = (excluded: ExcludedNatives): string[] => excluded.files.map((file) => file.path.split("/").at(-1) ?? "");

describe("excludeNatives", () => {
  test("puts the contract in the definition's place, and gives the process its container's port", () => {
    const excluded = exclude(FILES);
    expect(names(excluded)).toEqual(["nat_native.yml", "compose.web.yml", "compose.nat.nvidia.yml", "compose.x.web.nat.yml"]);
    expect(excluded.natives.get("nat")).toMatchObject({ spec: { port: 9001, containerPort: 9000 }, proxies: ["nat-host", "nat"] });
  });

  test.each([
    ["several documents", 'services:\n  nat: { image: a }\n---\nservices:\n  nat: { ports: ["9001:9000"] }\n  nat-db: { image: b }\n'],
    ["extends", "services:\n  nat: { extends: { file: base.yml, service: base } }\n  nat-db: { image: b }\n"],
    ["include", "include: [more.yml]\nservices:\n  nat: { image: a, ports: ['9001:9000'] }\n"],
  ])("reads a definition with %s as it would be merged", (_, definition) => {
    const others = {
      "base.yml": "services:\n  base: { image: a, ports: ['9001:9000'] }\n",
      "more.yml": "services:\n  nat-db: { image: b }\n",
    };
    const excluded = exclude({ ...FILES, ...others, "compose.nat.yml": definition });
    expect(excluded.natives.get("nat")?.spec.containerPort).toBe(9000);
    const file = excluded.files.find((it) => it.path.endsWith("compose.nat.nvidia.yml"));
    expect(file?.transform?.({ services: { "nat-db": {} } })).toEqual({ services: {} });
  });

  test("keeps of a capability file what is neither the service's nor its companions'", () => {
    const excluded = exclude(FILES);
    const file = excluded.files.find((it) => it.path.endsWith("compose.nat.nvidia.yml"));
    const document: ComposeModel = { services: { nat: { environment: { GPU: "1" } }, "nat-db": {}, other: { image: "d" } } };
    expect(file?.transform?.(document)).toEqual({ services: { other: { image: "d" } } });
    expect(excluded.natives.get("nat")?.environment).toEqual({ GPU: { text: "1", origin: file?.path ?? "" } });
  });

  test("leaves cross files whole, and notes the environment that they set for the process", () => {
    const excluded = exclude(FILES);
    const file = excluded.files.find((it) => it.path.endsWith("compose.x.web.nat.yml"));
    const document: ComposeModel = { services: { nat: { environment: ["FROM_CROSS=1", "LEVEL", "NOT_SET"] } } };
    expect(file?.transform?.(document)).toBe(document);
    const origin = file?.path ?? "";
    expect(excluded.natives.get("nat")?.environment).toEqual({ FROM_CROSS: { text: "1", origin }, LEVEL: { text: "hi$$h", origin } });
  });

  test("takes a contract's own proxy as it is", () => {
    const own = "services:\n  nat:\n    image: mine\n    x-harbor-native: { executable: sleep, port: 9001 }\n";
    const excluded = exclude({ ...FILES, "nat/nat_native.yml": own });
    expect(excluded.files[0]?.document).toEqual({ services: { nat: { image: "mine" } } });
    expect(excluded.natives.get("nat")?.proxies).toEqual(["nat"]);
  });
});

const GATEWAY = `services:
  nat:
    image: alpine/socat:1
    command: tcp-listen:9000,fork tcp-connect:host.docker.internal:9001
    healthcheck: { test: [CMD-SHELL, nc -z host.docker.internal 9001] }
    networks: [theirs]
    x-harbor-native: { executable: sleep, port: 9001 }
`;

const proxies = (excluded: ExcludedNatives) => (excluded.files[0]?.document?.services ?? {}) as Record<string, Record<string, unknown>>;

describe("a contract's own proxy to host.docker.internal", () => {
  const files = { ...FILES, "nat/nat_native.yml": GATEWAY };

  test("gives way to ours on Linux, where it leads nowhere, and keeps what is not about how it works", () => {
    const services = proxies(exclude(files));
    expect(Object.keys(services).sort()).toEqual(["nat", "nat-host"]);
    expect(services.nat).toMatchObject({ command: [expect.stringContaining("expose-fd listeners")], networks: ["theirs"] });
    expect(JSON.stringify(services)).not.toContain("host.docker.internal");
  });

  test("is one that uses the name, not one that only knows it", () => {
    const knows = GATEWAY.replaceAll("host.docker.internal:9001", "10.1.2.3:9001").replaceAll("host.docker.internal 9001", "10.1.2.3 9001");
    const own = knows.replace("networks:", 'extra_hosts: ["host.docker.internal:host-gateway"]\n    networks:');
    expect(proxies(exclude({ ...FILES, "nat/nat_native.yml": own })).nat).toMatchObject({ image: "alpine/socat:1" });
  });

  test("is taken as it is where that name is the host's loopback", () => {
    const services = proxies(exclude(files, "host-gateway"));
    expect(services.nat).toMatchObject({ image: "alpine/socat:1", networks: ["theirs"] });
  });
});
