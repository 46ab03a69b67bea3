/** What every service folder promises (docs/adding-a-service.md), read off the files themselves. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { parsePlainYaml } from "../../routines/_script/_plain-yaml.ts";
import { isSecretName } from "../../routines/_script/secret-name.ts";
import { readDeclarations } from "../../routines/config/read-declarations.ts";
import {
  type CatalogueFile,
  environmentOf,
  type Folder,
  isCapability,
  type Mapping,
  ROOT,
  readCatalogue,
  variablePrefix,
  variablesOf,
  withDefaults,
} from "./_catalogue.ts";

const INTERFACES = [
  "openai-api",
  "openai-responses",
  "anthropic-api",
  "gemini-api",
  "ollama-api",
  "embeddings",
  "stt",
  "tts",
  "web-search",
  "image-generation",
  "chat-ui",
  "llm-gateway",
  "redis",
];
const TAGS = ["backend", "frontend", "satellite", "api", "audio", "image", "search", "infra", "built-in", "test", "nvidia", "cdi", "rocm"];
const SHARED = [
  "HARBOR_HOME",
  "HARBOR_DATA",
  "HARBOR_USER_ID",
  "HARBOR_GROUP_ID",
  "HARBOR_BIND_ADDRESS",
  "HARBOR_RESTART_POLICY",
  "HARBOR_HF_TOKEN",
  "HARBOR_NATIVE_ADDRESS",
];

const catalogue = readCatalogue();
const handles = catalogue.map((folder) => folder.handle);

function list(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function main(folder: Folder): Mapping {
  const service = folder.definition.services[folder.handle];
  if (service === undefined) throw new Error(`compose.${folder.handle}.yml does not define ${folder.handle}`);
  return service;
}

function publishedPorts(folder: Folder): string[] {
  return Object.values(folder.definition.services).flatMap((service) => list(service.ports).map(withDefaults));
}

test("the base file is the network, and what runs when nothing is asked for", () => {
  const { networks, "x-harbor": data, ...rest } = parse(readFileSync(join(ROOT, "compose.yml"), "utf8")) as Mapping;
  expect(networks).toEqual({ "harbor-network": {} });
  expect(list((data as Mapping).default).filter((handle) => !handles.includes(handle))).toEqual([]);
  expect(rest).toEqual({});
});

test("no two services publish one host port by default", () => {
  const ports = catalogue.flatMap((folder) => publishedPorts(folder).map((port) => port.split(":")[1] ?? ""));
  expect(ports.filter((port, index) => ports.indexOf(port) !== index)).toEqual([]);
});

describe.each(catalogue.map((folder) => [folder.handle, folder] as const))("%s", (handle, folder) => {
  test("has metadata out of the known words", () => {
    const data = folder.definition.document["x-harbor"] as Mapping;
    for (const key of ["name", "description", "homepage", "docs"]) expect(data[key]).toBeString();
    for (const key of ["homepage", "docs"]) expect(String(data[key])).toMatch(/^https:\/\//);
    for (const key of ["tags", "provides", "consumes"]) expect(data[key]).toBeArray();
    expect(list(data.tags).filter((tag) => !TAGS.includes(tag))).toEqual([]);
    expect([...list(data.provides), ...list(data.consumes)].filter((word) => !INTERFACES.includes(word))).toEqual([]);
    expect(list(data.tags).filter(isCapability).sort()).toEqual(folder.capabilities.map((file) => file.parts[1] ?? "").sort());
  });

  test("pins every image, and lets the user choose another", () => {
    for (const file of folder.files) {
      for (const { image } of Object.values(file.services)) {
        if (image === undefined) continue;
        expect(String(image)).toContain(`\${${variablePrefix(handle)}IMAGE:-`);
        expect(String(image)).toContain(`\${${variablePrefix(handle)}VERSION:-`);
        expect(withDefaults(String(image))).toMatch(/^[a-z0-9./-]+:[\w.-]*\d[\w.-]*(@sha256:[0-9a-f]{64})?$/);
        expect(withDefaults(String(image))).not.toMatch(/:(latest|main|stable|edge|nightly)\b/);
      }
    }
  });

  test("tells whether it is healthy", () => {
    const { test: check, ...rest } = main(folder).healthcheck as Mapping;
    expect(list(check)[0]).toMatch(/^CMD(-SHELL)?$/);
    expect(Object.keys(rest).sort()).toEqual(["interval", "retries", "start_period", "timeout"]);
  });

  test("publishes on this host's loopback unless asked", () => {
    expect(publishedPorts(folder).filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port))).toEqual([]);
    expect(list(main(folder).ports)[0]).toStartWith(`\${HARBOR_BIND_ADDRESS:-127.0.0.1}:\${${variablePrefix(handle)}HOST_PORT:-`);
    expect(main(folder).networks).toEqual(["harbor-network"]);
    expect(main(folder).network_mode).toBeUndefined();
  });

  test("is given only its own variables", () => {
    for (const file of folder.files) {
      const prefixes = file.parts.filter((part) => !isCapability(part)).map(variablePrefix);
      const foreign = variablesOf(file.text).filter(
        (name) => !SHARED.includes(name) && !prefixes.some((prefix) => name.startsWith(prefix)),
      );
      expect({ file: file.name, foreign }).toEqual({ file: file.name, foreign: [] });
      for (const service of Object.values(file.services)) expect(service.env_file).toBeUndefined();
    }
  });

  test("has a definition that the fast reader can read: the exact one takes as long as all else of a plan", () => {
    expect(parsePlainYaml(folder.definition.text)).toBeDefined();
  });

  test("declares keys that are its own, its port among them, each with words for it", () => {
    const { found, wrong } = readDeclarations([{ kind: "definition", path: join(ROOT, handle, `compose.${handle}.yml`) }]);
    expect([...wrong.values()].map(String)).toEqual([]);
    const named = new Set(folder.files.flatMap((file) => [...file.text.matchAll(/\bHARBOR_\w+/g)].map(([name]) => name)));
    expect([...found.keys()].filter((name) => !named.has(name))).toEqual([]);
    expect(found.get(`${variablePrefix(handle)}HOST_PORT`)?.type).toBe("port");
    for (const { name, description } of found.values()) expect({ name, description }).toEqual({ name, description: expect.any(String) });
    const secrets = [...found.values()].filter(({ isSecret }) => isSecret).map(({ name }) => name);
    expect([...found.keys()].filter((name) => isSecretName(name) && !secrets.includes(name))).toEqual([]);
  });

  test("gives no default to what is always set", () => {
    for (const file of folder.files) expect(file.text).not.toMatch(/\$\{HARBOR_(HOME|DATA|USER_ID|GROUP_ID|NATIVE_ADDRESS):?[-?+]/);
  });

  test("keeps its data in its own folder", () => {
    for (const file of folder.files) {
      for (const volume of Object.values(file.services).flatMap((service) => list(service.volumes))) {
        expect(volume).toMatch(
          new RegExp(`^(\\$\\{HARBOR_DATA\\}/${handle}(/[\\w-]+)?:/[^:]+|\\./?[^:]*:/[^:]+:ro|${handle}-[\\w-]+:/[^:]+)$`),
        );
      }
    }
  });

  test("has no secret that everybody knows", () => {
    for (const service of folder.files.flatMap((file) => Object.values(file.services))) {
      const secrets = Object.entries(environmentOf(service)).filter(([name]) => /(KEY|SECRET|PASSWORD|TOKEN)$|_KEY_(?!FILE)/.test(name));
      for (const [name, value] of secrets) expect({ name, value }).toEqual({ name, value: expect.stringMatching(/^(none|true)?$/) });
    }
  });
});

const capabilities = catalogue.flatMap((folder) => folder.capabilities.map((file) => [file.name, folder, file] as const));

describe.each(capabilities)("%s", (_name, folder, file) => {
  test("brings the image and the devices of its capability", () => {
    const service = file.services[folder.handle] as Mapping;
    expect(Object.keys(file.services)).toEqual([folder.handle]);
    expect(service.image).toBeString();
    expect(devicesOf(service)).toEqual(DEVICES[file.parts[1] ?? ""]);
  });
});

const DEVICES: Record<string, unknown> = {
  nvidia: [{ driver: "nvidia", count: "all", capabilities: ["gpu"] }],
  cdi: [{ driver: "cdi", device_ids: ["nvidia.com/gpu=all"], capabilities: ["gpu"] }],
  rocm: ["/dev/kfd", "/dev/dri"],
};

function devicesOf(service: Mapping): unknown {
  const { devices, deploy } = service as { devices?: unknown; deploy?: { resources: { reservations: { devices: unknown } } } };
  return devices ?? deploy?.resources.reservations.devices;
}

const crosses = catalogue.flatMap((folder) => folder.crosses.map((file) => [file.name, folder, file] as const));

describe.each(crosses)("%s", (_name, folder, file) => {
  test("is about services that exist, and changes its own folder's alone", () => {
    expect(file.parts.filter((part) => !handles.includes(part) && !isCapability(part))).toEqual([]);
    expect(file.parts).toContain(folder.handle);
    expect(Object.keys(file.services)).toEqual([folder.handle]);
  });

  test("starts it once the others are healthy", () => {
    const others = file.parts.filter((part) => part !== folder.handle && !isCapability(part));
    const expected = Object.fromEntries(others.map((other) => [other, { condition: "service_healthy" }]));
    expect((file.services[folder.handle] as Mapping).depends_on).toEqual(expected);
  });

  test("reaches the others where their definitions listen", () => {
    for (const [, name = "", , other = "", port = ""] of file.text.matchAll(
      /\$\{(HARBOR_([A-Z0-9_]+)_INTERNAL_URL):-http:\/\/([a-z0-9-]+):(\d+)\}/g,
    )) {
      const target = catalogue.find((candidate) => candidate.handle === other);
      expect(name).toBe(`${variablePrefix(other)}INTERNAL_URL`);
      expect(publishedPorts(target as Folder)[0]).toEndWith(`:${port}`);
    }
  });
});

const contracts = catalogue.flatMap(({ handle, contract, ...folder }) =>
  contract === undefined ? [] : [[handle, { handle, contract, ...folder }, contract] as const],
);

describe.each(contracts)("%s_native.yml", (handle: string, folder: Folder, contract: CatalogueFile) => {
  const block = (contract.document["x-harbor-native"] ?? contract.services[handle]?.["x-harbor-native"]) as Mapping;

  test("is found under the same URLs as the container", () => {
    const [, published = "", target = ""] = publishedPorts(folder)[0]?.split(":") ?? [];
    expect(withDefaults(String(block.port))).toBe(published);
    if (block.container_port !== undefined) expect(String(block.container_port)).toBe(target);
  });

  test("says what to run, when it is ready, and how to install it", () => {
    expect(block.executable).toBeString();
    expect(block.ready).toBeObject();
    // Bun is what runs Harbor.
    if (block.executable !== "bun") expect(Object.keys(block.install as Mapping).sort()).toEqual(["darwin", "linux"]);
  });
});
