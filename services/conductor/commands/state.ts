/** `harbor conductor state`: the state that components share. */
import { type CommandTable, defineCommand, jsonArg } from "../../../routines/_script/command.ts";
import { runNamed } from "../../../routines/_script/dispatch.ts";
import { emit } from "../../../routines/_script/emit.ts";
import { HarborError } from "../../../routines/_script/error.ts";
import { printable, printableLines } from "../../../routines/_script/printable.ts";
import { table } from "../../../routines/_script/table.ts";
import { note } from "../../../routines/stack/say.ts";
import type { Operator } from "../client/operator.ts";
import type { Change, Entry } from "../client/state.ts";
import { PAYLOAD, readCount, readPayload, readSeconds, wordValue } from "./payload.ts";
import { follow, whereArgs, withConductor, wordsOf } from "./with-conductor.ts";

const KEY = { type: "positional", description: "The key", required: true, completes: wordsOf("keys") } as const;
const IF_VERSION = {
  type: "string",
  description: "Only where it is still this version; 0: only where there is none",
  valueHint: "N",
} as const;
const PAGE = 1_000;
const SHOWN = 100;

const ls = defineCommand({
  meta: {
    name: "ls",
    description: "Show the keys that there are",
    examples: ["harbor conductor state", "harbor conductor state ls scan/ --json"],
  },
  args: { prefix: { type: "positional", description: "Only keys that begin so", completes: wordsOf("keys") }, ...whereArgs, ...jsonArg },
  run: ({ args }) =>
    withConductor(args, async (conductor) => {
      const entries = await listAll(conductor, args.prefix ?? "");
      if (entries.length === 0 && !args.json) note("no key is there");
      emit(entries, { json: args.json, render });
    }),
});

async function listAll({ state }: Operator, prefix: string): Promise<Entry[]> {
  const all: Entry[] = [];
  while (true) {
    const after = all.at(-1)?.key;
    const page = await state.list(prefix, { limit: PAGE, ...(after === undefined ? {} : { after }) });
    all.push(...page);
    if (page.length < PAGE) return all;
  }
}

function render(entries: readonly Entry[]): string {
  if (entries.length === 0) return "";
  const rows = entries.map(({ key, version, value }) => [key, String(version), JSON.stringify(value).slice(0, SHOWN)]);
  return table([["KEY", "VERSION", "VALUE"], ...rows]).join("\n");
}

const get = defineCommand({
  meta: { name: "get", description: "Print the value of a key", examples: ["harbor conductor state get scan/mode"] },
  args: { key: KEY, ...whereArgs, ...jsonArg },
  run: ({ args }) =>
    withConductor(args, async ({ state }) => {
      const entry = await state.get(args.key);
      if (entry === undefined) throw unknownKey(args.key);
      emit(entry, { json: args.json, render: ({ value }) => printableLines(wordValue(value)) });
    }),
});

const set = defineCommand({
  meta: {
    name: "set",
    description: "Set a key",
    examples: [
      `harbor conductor state set scan/mode '{"depth": 2}'`,
      "harbor conductor state set scan/leader hub --if-version 0 --ttl 30s    Only where there is none",
    ],
  },
  args: {
    key: KEY,
    value: { type: "positional", description: PAYLOAD, required: true },
    "if-version": IF_VERSION,
    ttl: { type: "string", description: "How long it is kept; for good when left out", valueHint: "T" },
    ...whereArgs,
    ...jsonArg,
  },
  run: ({ args }) =>
    withConductor(args, async ({ state }) => {
      const value = await readPayload(args.value);
      const [ifVersion, ttlSeconds] = [readCount("--if-version", args["if-version"]), readSeconds("--ttl", args.ttl)];
      const options = { ...(ifVersion === undefined ? {} : { ifVersion }), ...(ttlSeconds === undefined ? {} : { ttlSeconds }) };
      const entry = await state.put(args.key, value, options);
      emit(entry, { json: args.json, render: ({ version }) => `version ${version}` });
    }),
});

const rm = defineCommand({
  meta: { name: "rm", description: "Remove a key", examples: ["harbor conductor state rm scan/mode"] },
  args: { key: KEY, "if-version": IF_VERSION, ...whereArgs, ...jsonArg },
  run: ({ args }) =>
    withConductor(args, async ({ state }) => {
      const ifVersion = readCount("--if-version", args["if-version"]);
      if (!(await state.delete(args.key, ifVersion === undefined ? {} : { ifVersion }))) throw unknownKey(args.key);
      if (args.json) emit({ removed: args.key }, { json: true, render: String });
      else note(`${args.key} is removed`);
    }),
});

const watch = defineCommand({
  meta: {
    name: "watch",
    description: "Show what is there, then each change, until Ctrl-C",
    examples: ["harbor conductor state watch scan/", "harbor conductor state watch --json"],
  },
  args: {
    prefix: { type: "positional", description: "Only keys that begin so", completes: wordsOf("keys") },
    json: { type: "boolean", description: "Print each as a line of JSON" },
    ...whereArgs,
  },
  run: ({ args }) =>
    withConductor(args, async (conductor) => {
      const describe = ({ key, entry }: Change): string => {
        if (args.json) return JSON.stringify({ key, entry });
        return printable(entry === null ? `${key}  removed` : `${key}  ${entry.version}  ${JSON.stringify(entry.value)}`);
      };
      await follow(conductor, (print) => conductor.state.watch(args.prefix ?? "", (change) => print(describe(change))));
    }),
});

function unknownKey(key: string): HarborError {
  return new HarborError(`Cannot find the key "${key}" in the shared state`, {
    exit: "unknown",
    hint: "`harbor conductor state ls` shows what is there",
  });
}

const commands: CommandTable = {
  ls: async () => ({ command: ls }),
  get: async () => ({ command: get }),
  set: async () => ({ command: set }),
  rm: async () => ({ command: rm }),
  watch: async () => ({ command: watch }),
};

export const command = defineCommand({
  meta: {
    name: "state",
    description: "Show and change the state that components share",
    examples: ["harbor conductor state", "harbor conductor state get scan/mode", `harbor conductor state set scan/mode '{"depth": 2}'`],
  },
  args: {},
  passThrough: true,
  commands,
  run: ({ rest }) => runNamed(commands, rest.length === 0 || rest[0]?.startsWith("-") ? ["ls", ...rest] : rest, "harbor conductor state"),
});
