#!/usr/bin/env bun
/**
 * `harbor volumes`: what you mount into a service's container beside what its files do.
 *
 *   bun routines/volumes.ts webui add ~/notes:/notes:ro
 */
import { findPlace, noteIfUp, type Place, readConfigured, requireHandle, workspaceArg } from "./_configuration.ts";
import { type ChangedList, changeList, emitList } from "./_list-value.ts";
import { type CommandTable, defineCommand, jsonArg } from "./_script/command.ts";
import { runForHandle } from "./_script/dispatch.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { runScript } from "./_script/script.ts";
import { workingDirectory } from "./_script/working-directory.ts";
import { removeItems } from "./config/change-list.ts";
import { readPreference } from "./config/runtime-preference.ts";
import { checkSource, formatMount, type Mount, readMount, splitMounts, volumesVariable } from "./config/service-volumes.ts";
import { note } from "./stack/say.ts";
import { describeService } from "./workspace/describe-service.ts";

const handleArg = { handle: { type: "positional", description: "Service handle", required: true } } as const;
const more = { ...workspaceArg, ...jsonArg } as const;

function placeFor(handle: string, directory: string | undefined): Place {
  const place = findPlace(directory);
  requireHandle(handle, place.workspace);
  return place;
}

/** Throws for a service that runs natively: nothing is mounted for a process. */
function checkContainer(handle: string, { record, workspace }: Place, directory: string | undefined): void {
  const why = (what: string): HarborError =>
    new HarborError(`Cannot mount anything into "${handle}": ${what}, and a process sees this host's files as they are`, {
      hint: "Give it the path itself: `harbor config search` shows its keys, `harbor env` what it is told",
    });
  if (!describeService(handle, workspace).runtimes.includes("container")) throw why("it runs natively alone");
  if (record?.services.includes(handle)) {
    if (record.natives.includes(handle)) throw why("it runs natively");
    if (record.connected?.includes(handle)) throw why("it is connected to a server of yours");
    return;
  }
  const { values } = readConfigured(directory);
  const preferred = readPreference(values, handle) ?? readPreference(values);
  if (preferred?.runtime === "native" && describeService(handle, workspace).runtimes.includes("native")) {
    throw why(`it runs natively (${preferred.because})`);
  }
}

function report(handle: string, { items, file }: ChangedList, { json, record }: { json: boolean; record: Place["record"] }): void {
  if (json) {
    emit({ handle, volumes: items, file }, { json, render: String });
    return;
  }
  note(`${items.length === 0 ? `nothing more is mounted into ${handle}` : `mounted into ${handle}: ${items.join(", ")}`} (${file})`);
  noteIfUp(handle, record);
}

const ls = defineCommand({
  meta: { name: "ls", description: "Show what you mount into it", examples: ["harbor volumes webui", "harbor volumes webui ls --json"] },
  args: { ...handleArg, ...more },
  run({ args }) {
    const handle = String(args.handle);
    placeFor(handle, args.workspace);
    const { values } = readConfigured(args.workspace);
    const nothing = `you mount nothing into ${handle}; \`harbor volumes ${handle} add <source>:<target>\` does`;
    emitList(splitMounts(values.get(volumesVariable(handle)) ?? ""), { json: args.json, nothing });
  },
});

const add = defineCommand({
  meta: {
    name: "add",
    description: "Mount files, folders or named volumes into its container",
    examples: ["harbor volumes webui add ~/notes:/notes:ro", "harbor volumes webui add ./templates:/app/templates cache:/var/cache"],
  },
  changes: "done",
  args: {
    ...handleArg,
    mounts: { type: "positional", description: "source:target[:options], as docker has it", required: true, multiple: true },
    ...more,
  },
  async run({ args }) {
    const handle = String(args.handle);
    const place = placeFor(handle, args.workspace);
    checkContainer(handle, place, args.workspace);
    const env = process.env;
    const mounts = args.mounts.map((text) => readMount(text, { directory: workingDirectory(), env }));
    for (const mount of mounts) checkSource(mount);
    const change = (items: readonly string[]): string[] => mounts.reduce((list, mount) => withMount(list, mount, place.home), [...items]);
    const changed = await changeList({ place, name: volumesVariable(handle), split: splitMounts, change });
    report(handle, changed, { json: args.json, record: place.record });
  },
});

/** One target holds one thing. Throws where something else is mounted there already. */
function withMount(items: string[], mount: Mount, home: string): string[] {
  const text = formatMount(mount);
  const other = items.find((item) => targetOf(item, home) === mount.target);
  if (other === undefined) return [...items, text];
  if (other === text) return items;
  throw new HarborError(`Cannot mount "${text}": "${other}" is mounted at ${mount.target} already`, {
    hint: "Take that one out first, with `rm`",
  });
}

/** Undefined for an item that somebody has written wrong: it is in nobody's way. */
function targetOf(item: string, home: string): string | undefined {
  try {
    return readMount(item, { directory: home, env: process.env }).target;
  } catch {
    return undefined;
  }
}

const rm = defineCommand({
  meta: {
    name: "rm",
    description: "Take mounts out, by what they are or by number",
    examples: ["harbor volumes webui rm 0", "harbor volumes webui rm cache:/var/cache"],
  },
  changes: "done",
  args: {
    ...handleArg,
    mounts: { type: "positional", description: "Mounts, or numbers as `ls` shows them", required: true, multiple: true },
    ...more,
  },
  async run({ args }) {
    const handle = String(args.handle);
    const place = placeFor(handle, args.workspace);
    const change = (items: readonly string[]): string[] => removeItems(items, args.mounts, `what you mount into ${handle}`);
    const changed = await changeList({ place, name: volumesVariable(handle), split: splitMounts, change });
    report(handle, changed, { json: args.json, record: place.record });
  },
});

const clear = defineCommand({
  meta: { name: "clear", description: "Take all of them out", examples: ["harbor volumes webui clear"] },
  changes: "done",
  args: { ...handleArg, ...more },
  async run({ args }) {
    const handle = String(args.handle);
    const place = placeFor(handle, args.workspace);
    const changed = await changeList({ place, name: volumesVariable(handle), split: splitMounts, change: () => [] });
    report(handle, changed, { json: args.json, record: place.record });
  },
});

const commands: CommandTable = {
  ls: async () => ({ command: ls }),
  add: async () => ({ command: add }),
  rm: async () => ({ command: rm }),
  clear: async () => ({ command: clear }),
};

export const command = defineCommand({
  meta: {
    name: "volumes",
    description: "Show and change what you mount into a service's container",
    examples: [
      "harbor volumes webui",
      "harbor volumes webui add ~/notes:/notes:ro",
      "harbor volumes webui rm 0",
      "harbor volumes webui clear",
    ],
  },
  args: {},
  passThrough: true,
  commands,
  run: ({ rest }) => runForHandle(commands, rest, "harbor volumes"),
});

if (import.meta.main) await runScript(command);
