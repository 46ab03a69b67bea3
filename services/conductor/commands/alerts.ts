/** `harbor conductor alerts`: what is to be told, and what is wrong right now. */
import { readFileSync } from "node:fs";
import { type CommandTable, defineCommand, jsonArg } from "../../../routines/_script/command.ts";
import { runNamed } from "../../../routines/_script/dispatch.ts";
import { emit } from "../../../routines/_script/emit.ts";
import { HarborError } from "../../../routines/_script/error.ts";
import { table } from "../../../routines/_script/table.ts";
import { note } from "../../../routines/stack/say.ts";
import type { AlertRule, FiringAlert } from "../client/operator.ts";
import { ago, readSeconds } from "./payload.ts";
import { whereArgs, withConductor, wordsOf } from "./with-conductor.ts";

const NAME = { type: "positional", description: "The alert's name", required: true, completes: wordsOf("alerts") } as const;

const ls = defineCommand({
  meta: {
    name: "ls",
    description: "Show alerts, and which of them fire",
    examples: ["harbor conductor alerts", "harbor conductor alerts ls --json"],
  },
  args: { ...whereArgs, ...jsonArg },
  run: ({ args }) =>
    withConductor(args, async (conductor) => {
      const found = await conductor.alerts();
      if (found.alerts.length + found.firing.length === 0 && !args.json) note("no alert is configured, and none fires");
      emit(found, { json: args.json, render });
    }),
});

function render({ alerts, firing }: { alerts: readonly AlertRule[]; firing: readonly FiringAlert[] }): string {
  const rules = alerts.map((it) => [
    it.alert_name,
    it.condition,
    it.for_seconds === 0 ? "-" : `${it.for_seconds} s`,
    it.components.join(", ") || "all",
    it.notification_channels.map(({ type, host, to }) => [type, host ?? to].filter(Boolean).join(" ")).join(", ") || "-",
    it.silenced_until === null || Date.parse(it.silenced_until) < Date.now() ? "-" : it.silenced_until,
  ]);
  const now = firing.map((it) => [it.alert_name, it.component_id, ago(it.since)]);
  return [
    ...(now.length === 0 ? [] : table([["FIRING", "OF", "SINCE"], ...now])),
    ...(now.length > 0 && rules.length > 0 ? [""] : []),
    ...(rules.length === 0 ? [] : table([["ALERT", "CONDITION", "FOR", "COMPONENTS", "CHANNELS", "SILENT UNTIL"], ...rules])),
  ].join("\n");
}

const set = defineCommand({
  meta: {
    name: "set",
    description: "Have the conductor tell of something, in place of the alert of that name",
    examples: [
      "harbor conductor alerts set many-errors 'errors_per_minute > 5' --for 1m --channel desktop",
      "harbor conductor alerts set full 'memory_bytes > 2 GB' --component 'sherlock-*' --channel slack:@slack-url.txt",
    ],
  },
  args: {
    name: NAME,
    condition: { type: "positional", description: "Such as 'cpu_percent > 90 and errors_per_minute > 5'", required: true },
    for: { type: "string", description: "How long it has to hold first; at once when left out", valueHint: "T" },
    component: {
      type: "string",
      description: "Only for these, with * for any part; all when left out",
      multiple: true,
      valueHint: "NAME",
      completes: wordsOf("components"),
    },
    channel: {
      type: "string",
      description: "Who is told: desktop, email:ADDRESS, webhook:@FILE, slack:@FILE; the file has the URL, which is a secret",
      multiple: true,
      valueHint: "CHANNEL",
    },
    severity: { type: "string", description: "info, warning or critical", valueHint: "WORD", completes: ["info", "warning", "critical"] },
    ...whereArgs,
    ...jsonArg,
  },
  run: ({ args }) =>
    withConductor(args, async (conductor) => {
      const rule = await conductor.configureAlert({
        alert_name: args.name,
        condition: args.condition,
        components: args.component,
        for_seconds: readSeconds("--for", args.for),
        severity: args.severity,
        notification_channels: args.channel.map(readChannel),
      });
      if (args.json) emit(rule, { json: true, render: String });
      else note(`${rule.alert_name} is configured`);
    }),
});

function readChannel(text: string): object {
  const [, type, rest] = /^(desktop|email|webhook|slack)(?::(.+))?$/s.exec(text) ?? [];
  if (type === "desktop" && rest === undefined) return { type };
  if (type === "email" && rest !== undefined) return { type, to: rest };
  if ((type === "webhook" || type === "slack") && rest !== undefined)
    return { type, url: rest.startsWith("@") ? readUrl(rest.slice(1)) : rest };
  throw new HarborError(`Cannot use the channel "${text}"`, {
    exit: "usage",
    hint: "Write it like desktop, email:me@example.com, slack:@FILE",
  });
}

function readUrl(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new HarborError(`Cannot read "${path}": ${(error as Error).message}`);
  }
}

const rm = defineCommand({
  meta: { name: "rm", description: "Remove an alert", examples: ["harbor conductor alerts rm many-errors"] },
  args: { name: NAME, ...whereArgs, ...jsonArg },
  run: ({ args }) =>
    withConductor(args, async (conductor) => {
      await conductor.removeAlert(args.name);
      if (args.json) emit({ removed: args.name }, { json: true, render: String });
      else note(`${args.name} is removed`);
    }),
});

const silence = defineCommand({
  meta: {
    name: "silence",
    description: "Notify nobody of an alert for a while",
    examples: ["harbor conductor alerts silence many-errors 2h", "harbor conductor alerts silence many-errors --end"],
  },
  args: {
    name: NAME,
    time: { type: "positional", description: "How long, such as 2h; an hour when left out" },
    end: { type: "boolean", description: "End the silence" },
    ...whereArgs,
    ...jsonArg,
  },
  run: ({ args }) =>
    withConductor(args, async (conductor) => {
      const seconds = args.end ? 0 : (readSeconds("the time", args.time) ?? 3_600);
      const rule = await conductor.silenceAlert(args.name, seconds);
      if (args.json) emit(rule, { json: true, render: String });
      else note(args.end ? `${args.name} is told of again` : `${args.name} is silent until ${rule.silenced_until}`);
    }),
});

const commands: CommandTable = {
  ls: async () => ({ command: ls }),
  set: async () => ({ command: set }),
  rm: async () => ({ command: rm }),
  silence: async () => ({ command: silence }),
};

export const command = defineCommand({
  meta: {
    name: "alerts",
    description: "Show what fires; say what is to be told to whom",
    examples: ["harbor conductor alerts", "harbor conductor alerts set many-errors 'errors_per_minute > 5' --channel desktop"],
  },
  args: {},
  passThrough: true,
  commands,
  run: ({ rest }) => runNamed(commands, rest.length === 0 || rest[0]?.startsWith("-") ? ["ls", ...rest] : rest, "harbor conductor alerts"),
});
