/** `harbor conductor access`: which component may do what. */
import { type CommandTable, defineCommand, jsonArg } from "../../../routines/_script/command.ts";
import { runNamed } from "../../../routines/_script/dispatch.ts";
import { emit } from "../../../routines/_script/emit.ts";
import { table } from "../../../routines/_script/table.ts";
import { note } from "../../../routines/stack/say.ts";
import type { AccessRule } from "../client/operator.ts";
import { whereArgs, withConductor, wordsOf } from "./with-conductor.ts";

const FROM = {
  type: "positional",
  description: "A component's name or id, with * for any part of one",
  required: true,
  completes: wordsOf("components"),
} as const;
const OPERATIONS = [
  ...["discover", "route", "send", "receive", "request", "broadcast", "publish", "subscribe"],
  ...["state-read", "state-write", "observe", "*"],
];

const ls = defineCommand({
  meta: { name: "ls", description: "Show who may do what", examples: ["harbor conductor access", "harbor conductor access ls --json"] },
  args: { ...whereArgs, ...jsonArg },
  run: ({ args }) =>
    withConductor(args, async (conductor) => {
      const found = await conductor.accessRules();
      if (found.rules.length === 0 && !args.json) note("there is no rule: every component may do everything");
      emit(found, { json: args.json, render: ({ rules }) => render(rules) });
    }),
});

function render(rules: readonly AccessRule[]): string {
  if (rules.length === 0) return "";
  const rows = rules.map(({ from, to, allowed_operations }) => [from, to.join(", ") || "-", allowed_operations.join(", ") || "-"]);
  return table([["FROM", "TO", "MAY"], ...rows]).join("\n");
}

const set = defineCommand({
  meta: {
    name: "set",
    description: "Say what a component may do; once there is a rule, whatever none allows is refused",
    examples: [
      "harbor conductor access set sherlock-hub --to nsds --allow send,request",
      "harbor conductor access set 'tool-*' --allow subscribe,state-read",
    ],
  },
  args: {
    from: FROM,
    to: {
      type: "string",
      description: "With which others; none when left out",
      multiple: true,
      valueHint: "NAME",
      completes: wordsOf("components"),
    },
    allow: {
      type: "string",
      description: "What it may do; * for all; nothing when left out",
      multiple: true,
      valueHint: "WORD",
      completes: OPERATIONS,
    },
    ...whereArgs,
    ...jsonArg,
  },
  run: ({ args }) =>
    withConductor(args, async (conductor) => {
      const rule = await conductor.setAccessRule({ from: args.from, to: args.to, allowed_operations: args.allow });
      if (args.json) emit(rule, { json: true, render: String });
      else note(`the rule for ${rule.from} is set`);
    }),
});

const rm = defineCommand({
  meta: {
    name: "rm",
    description: "Remove a rule; without any, every component may do everything",
    examples: ["harbor conductor access rm sherlock-hub"],
  },
  args: { from: { ...FROM, completes: wordsOf("rules") }, ...whereArgs, ...jsonArg },
  run: ({ args }) =>
    withConductor(args, async (conductor) => {
      await conductor.removeAccessRule(args.from);
      if (args.json) return emit({ removed: args.from }, { json: true, render: String });
      note(`the rule for ${args.from} is removed`);
      const { rules } = await conductor.accessRules();
      if (rules.length === 0) note("it was the last: every component may do everything");
    }),
});

const commands: CommandTable = {
  ls: async () => ({ command: ls }),
  set: async () => ({ command: set }),
  rm: async () => ({ command: rm }),
};

export const command = defineCommand({
  meta: {
    name: "access",
    description: "Show and say which component may do what",
    examples: ["harbor conductor access", "harbor conductor access set sherlock-hub --to nsds --allow send,request"],
  },
  args: {},
  passThrough: true,
  commands,
  run: ({ rest }) => runNamed(commands, rest.length === 0 || rest[0]?.startsWith("-") ? ["ls", ...rest] : rest, "harbor conductor access"),
});
