#!/usr/bin/env bun
/**
 * Any number of service folders, each with a definition and a cross file for the one before it.
 *
 *   bun bench/make-service-folders.ts DIR 1000
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineCommand } from "../routines/_script/command.ts";
import { runScript } from "../routines/_script/script.ts";

/** Handles are `made-0`, `made-1`, …; host ports are unique. */
export function makeServiceFolders(directory: string, count: number): void {
  for (let index = 0; index < count; index++) {
    const handle = `made-${index}`;
    const folder = join(directory, "services", handle);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `compose.${handle}.yml`), definition(handle, index));
    if (index > 0) writeFileSync(join(folder, `compose.x.${handle}.made-${index - 1}.yml`), cross(handle, index - 1));
  }
}

function definition(handle: string, index: number): string {
  return `x-harbor:
  name: Made ${index}
  description: Nothing that runs
  tags: [satellite]
services:
  ${handle}:
    image: example/${handle}:1
    environment:
      PORT: "\${HARBOR_MADE_${index}_PORT:-8080}"
    ports:
      - "127.0.0.1:\${HARBOR_MADE_${index}_HOST_PORT:-${50_000 + index}}:8080"
    volumes:
      - "\${HARBOR_DATA}/${handle}:/data"
    networks: [harbor-network]
`;
}

function cross(handle: string, other: number): string {
  return `services:\n  ${handle}:\n    environment:\n      OTHER_URL: http://made-${other}:8080\n`;
}

const command = defineCommand({
  meta: { name: "make-service-folders", description: "Write service folders" },
  args: {
    directory: { type: "positional", description: "Where to write them", required: true },
    count: { type: "positional", description: "How many", required: true },
  },
  run({ args }) {
    makeServiceFolders(args.directory as string, Number(args.count));
  },
});

if (import.meta.main) await runScript(command);
