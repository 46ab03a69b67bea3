#!/usr/bin/env bun
/**
 * A workspace in the older flat layout, as large as av/harbor's own: 660 compose files, a `.env` and a
 * `profiles/default.env` of 1 300 keys. The handles, their kinds and capabilities are its own
 * (flat-handles.tsv); what stands in the files is made up. The same on every machine.
 *
 *   bun bench/make-flat-workspace.ts DIR
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineCommand } from "../routines/_script/command.ts";
import { emitText } from "../routines/_script/emit.ts";
import { runScript } from "../routines/_script/script.ts";

interface Handle {
  name: string;
  kind: string;
  containers: number;
  capabilities: string[];
  port: number;
}

const MODULES = ["librechat", "moltbot", "nanobot", "openclaw", "opencode", "openfang", "postiz"];
/** A module and nothing else. */
const WITHOUT_DEFINITION = "moltbot";
const TRAEFIK_FILES = 118;
const CROSS_FILES = 510;
const THREE_PART_FILES = 24;
const KEYS = 1300;

/** Writes it; returns the number of compose files. */
export function makeFlatWorkspace(directory: string): number {
  const handles = readHandles();
  const files = new Map<string, string>([["compose.yml", "networks:\n  harbor-network:\n    external: false\n"]]);
  for (const handle of handles) {
    if (handle.name !== WITHOUT_DEFINITION) files.set(`services/compose.${handle.name}.yml`, definition(handle));
    if (MODULES.includes(handle.name)) files.set(`services/compose.${handle.name}.ts`, module(handle.name));
  }
  for (const [name, text] of crossFiles(handles)) files.set(`services/${name}`, text);
  for (const { name } of handles) files.set(`services/${name}/override.env`, `# Overrides of ${name}\n${key(name, "LOCAL")}=1\n`);
  const values = environment(handles);
  files.set(".env", values);
  files.set("profiles/default.env", values);
  for (const [name, text] of files) {
    const path = join(directory, name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, text);
  }
  return [...files.keys()].filter((name) => /(^|\/)compose\./.test(name)).length;
}

function readHandles(): Handle[] {
  const rows = readFileSync(join(import.meta.dir, "flat-handles.tsv"), "utf8")
    .trimEnd()
    .split("\n");
  let next = 33_001;
  return rows.map((row) => {
    const [name = "", kind = "", containers = "1", capabilities = "-"] = row.split("\t");
    const port = next;
    next += Number(containers);
    return { name, kind, containers: Number(containers), capabilities: capabilities === "-" ? [] : capabilities.split(","), port };
  });
}

function key(handle: string, word: string): string {
  return `HARBOR_${handle.toUpperCase().replaceAll("-", "_")}_${word}`;
}

function definition(handle: Handle): string {
  const own = container(handle.name, handle, 0);
  const companions = Array.from({ length: handle.containers - 1 }, (_, index) =>
    container(`${handle.name}-${COMPANIONS[index % COMPANIONS.length]}${index || ""}`, handle, index + 1),
  );
  const volumes = companions.length === 0 ? "" : `\nvolumes:\n  ${handle.name}-data: {}\n`;
  return `services:\n${[own, ...companions].join("\n")}${volumes}`;
}

const COMPANIONS = ["init", "db", "worker", "cache", "proxy"];

function container(name: string, { name: handle, port, containers }: Handle, index: number): string {
  const waits =
    index === 0 && containers > 1 ? `    depends_on:\n      ${handle}-${COMPANIONS[0]}:\n        condition: service_started\n` : "";
  const keys = index === 0 ? `    env_file:\n      - ./.env\n      - ./services/${handle}/override.env\n` : "";
  const data = index === 0 ? `./services/${handle}/data:/data` : `${handle}-data:/var/lib/${handle}`;
  return `  ${name}:
    container_name: \${HARBOR_CONTAINER_PREFIX:-harbor}.${name}
    image: \${${key(handle, "IMAGE")}:-example/${name}}:\${${key(handle, "VERSION")}:-1.${index}}
${keys}    environment:
      - PORT=80${String(80 + index).padStart(2, "0")}
      - LOG_LEVEL=\${${key(handle, "LOG_LEVEL")}:-info}
      - MODEL=\${${key(handle, "MODEL")}:-tiny}
    ports:
      - \${${key(handle, index === 0 ? "HOST_PORT" : `HOST_PORT_${index}`)}:-${port + index}}:80${String(80 + index).padStart(2, "0")}
    volumes:
      - ${data}
      - \${HARBOR_HF_CACHE:-./cache}:/root/.cache/huggingface
${waits}    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost:8080/health"]
      interval: 5s
      timeout: 5s
      retries: 5
    networks:
      - harbor-network
`;
}

function crossFiles(handles: readonly Handle[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const handle of handles) {
    for (const capability of handle.capabilities)
      files.set(`compose.x.${handle.name}.${capability}.yml`, CAPABILITIES[capability]?.(handle.name) ?? "");
  }
  files.set("compose.x.comfyui.rocm.yml", CAPABILITIES.rocm?.("comfyui") ?? "");
  const served = handles.filter(({ name }) => name !== "traefik" && name !== WITHOUT_DEFINITION);
  for (const { name } of served.slice(0, TRAEFIK_FILES)) files.set(`compose.x.traefik.${name}.yml`, traefik(name));
  const backends = handles.filter(({ kind }) => kind === "backend");
  const consumers = served.filter(({ kind }) => kind !== "backend");
  // Each consumer with the next backend, then with the one after: every backend gets about as many.
  for (let round = 0; files.size < CROSS_FILES - THREE_PART_FILES; round++) {
    for (const [index, { name }] of consumers.entries()) {
      const backend = backends[(index + round * 7) % backends.length] as Handle;
      if (files.size < CROSS_FILES - THREE_PART_FILES) files.set(`compose.x.${name}.${backend.name}.yml`, pair(name, backend.name));
    }
  }
  for (let index = 0; files.size < CROSS_FILES; index++) {
    const [one, two] = [consumers[index * 3], consumers[index * 3 + 1]] as [Handle, Handle];
    files.set(`compose.x.${one.name}.${two.name}.${(backends[index % backends.length] as Handle).name}.yml`, pair(one.name, two.name));
  }
  return files;
}

const CAPABILITIES: Record<string, (handle: string) => string> = {
  nvidia: (handle) => `services:
  ${handle}:
    image: \${${key(handle, "IMAGE")}:-example/${handle}}:\${${key(handle, "VERSION")}:-1.0}-cuda
    deploy:
      resources:
        reservations:
          devices:
            - driver: nvidia
              count: all
              capabilities: [gpu]
`,
  cdi: (handle) => `services:\n  ${handle}:\n    devices:\n      - nvidia.com/gpu=all\n`,
  rocm: (handle) =>
    `services:\n  ${handle}:\n    image: example/${handle}:rocm\n    devices:\n      - /dev/kfd:/dev/kfd\n      - /dev/dri:/dev/dri\n`,
  build: (handle) => `services:\n  ${handle}:\n    build:\n      context: ./services/${handle}\n`,
};

function traefik(handle: string): string {
  return `services:
  ${handle}:
    labels:
      - traefik.enable=true
      - traefik.http.routers.${handle}.rule=Host(\`${handle}.\${HARBOR_TRAEFIK_DOMAIN:-localhost}\`)
      - traefik.http.services.${handle}.loadbalancer.server.port=8080
    networks:
      - harbor-network
`;
}

function pair(consumer: string, provider: string): string {
  return `services:
  ${consumer}:
    depends_on:
      ${provider}:
        condition: service_healthy
    environment:
      - ${provider.toUpperCase().replaceAll("-", "_")}_BASE_URL=http://${provider}:8080/v1
      - OPENAI_API_KEY_${provider.toUpperCase().replaceAll("-", "_")}=\${${key(provider, "API_KEY")}:-sk-${provider}}
`;
}

function module(handle: string): string {
  return `export default ({ compose }: { compose: { services?: Record<string, Record<string, unknown>> } }) => {
  const service = compose.services?.["${handle}"];
  if (service) service.labels = { "harbor.module": "${handle}" };
  return compose;
};
`;
}

function environment(handles: readonly Handle[]): string {
  const lines = ['HARBOR_CONTAINER_PREFIX="harbor"', 'HARBOR_HF_CACHE="~/.cache/huggingface"', 'HARBOR_TRAEFIK_DOMAIN="localhost"'];
  const words = ["IMAGE", "VERSION", "LOG_LEVEL", "MODEL", "HOST_PORT", "API_KEY", "WORKSPACE", "EXTRA_ARGS", "VOLUMES", "OPEN_URL"];
  for (let index = 0; lines.length < KEYS; index++) {
    const handle = handles[index % handles.length] as Handle;
    const word = words[Math.floor(index / handles.length)] ?? `OPTION_${index}`;
    lines.push(`${key(handle.name, word)}="${exampleOf(handle, word)}"`);
  }
  return `${lines.join("\n")}\n`;
}

function exampleOf(handle: Handle, word: string): string {
  if (word === "HOST_PORT") return String(handle.port);
  if (word === "IMAGE") return `example/${handle.name}`;
  return word === "VERSION" ? "1.0" : `${handle.name} ${word.toLowerCase()}`;
}

const command = defineCommand({
  meta: { name: "make-flat-workspace", description: "Write a workspace in the older flat layout" },
  args: { directory: { type: "positional", description: "Where to write it", required: true } },
  run({ args }) {
    emitText(`${makeFlatWorkspace(args.directory as string)} compose files`);
  },
});

if (import.meta.main) await runScript(command);
