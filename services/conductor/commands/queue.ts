/** `harbor conductor queue`: what waits, what could not be delivered, and that again. */
import { type CommandTable, defineCommand, jsonArg } from "../../../routines/_script/command.ts";
import { runNamed } from "../../../routines/_script/dispatch.ts";
import { emit } from "../../../routines/_script/emit.ts";
import { HarborError } from "../../../routines/_script/error.ts";
import { table } from "../../../routines/_script/table.ts";
import { note } from "../../../routines/stack/say.ts";
import type { DeadMessage, QueueDepth } from "../client/operator.ts";
import { ago } from "./payload.ts";
import { whereArgs, withConductor, wordsOf } from "./with-conductor.ts";

const COMPONENT = { type: "positional", description: "Only of this component, by its id", completes: wordsOf("ids") } as const;
const SHOWN = 60;

const ls = defineCommand({
  meta: {
    name: "ls",
    description: "Show how many messages wait, and for whom",
    examples: ["harbor conductor queue", "harbor conductor queue ls sherlock-hub-001 --json"],
  },
  args: { component: COMPONENT, ...whereArgs, ...jsonArg },
  run: ({ args }) =>
    withConductor(args, async (conductor) => {
      const queues = await conductor.depth(args.component);
      if (Object.keys(queues).length === 0 && !args.json) note("no message waits");
      emit(queues, { json: args.json, render: renderDepths });
    }),
});

function renderDepths(queues: Readonly<Record<string, QueueDepth>>): string {
  const rows = Object.entries(queues).map(([id, it]) => [id, String(it.waiting), String(it.in_flight), String(it.dead)]);
  return rows.length === 0 ? "" : table([["ID", "WAITING", "BEING READ", "DEAD"], ...rows]).join("\n");
}

const dead = defineCommand({
  meta: {
    name: "dead",
    description: "Show messages that were received too often, or waited too long",
    examples: ["harbor conductor queue dead", "harbor conductor queue dead sherlock-hub-001 --json"],
  },
  args: { component: COMPONENT, ...whereArgs, ...jsonArg },
  run: ({ args }) =>
    withConductor(args, async (conductor) => {
      const { messages, total } = await conductor.deadLetters(args.component);
      if (messages.length === 0 && !args.json) note("none is dead");
      emit(messages, { json: args.json, render: renderDead });
      if (total > messages.length && !args.json) note(`${total - messages.length} more are not shown`);
    }),
});

function renderDead(messages: readonly DeadMessage[]): string {
  if (messages.length === 0) return "";
  const rows = messages.map(({ message_id, from, to, message_type, reason, died_at, payload }) => [
    ...[message_id, from, to, message_type, reason, ago(died_at)],
    JSON.stringify(payload).slice(0, SHOWN),
  ]);
  return table([["MESSAGE", "FROM", "TO", "TYPE", "REASON", "DIED", "PAYLOAD"], ...rows]).join("\n");
}

const redrive = defineCommand({
  meta: {
    name: "redrive",
    description: "Put dead messages back where they were",
    examples: ["harbor conductor queue redrive 1793448000000-0", "harbor conductor queue redrive --all --component sherlock-hub-001"],
  },
  args: {
    messages: { type: "positional", description: "Ids, as `queue dead` shows them", multiple: true },
    all: { type: "boolean", description: "All that are dead" },
    component: { type: "string", description: "With --all: only of this component", valueHint: "ID", completes: wordsOf("ids") },
    ...whereArgs,
    ...jsonArg,
  },
  run: ({ args }) =>
    withConductor(args, async (conductor) => {
      if (args.all === args.messages.length > 0) {
        throw new HarborError("Cannot redrive: say which messages, or --all", {
          exit: "usage",
          hint: "`harbor conductor queue dead` shows them",
        });
      }
      const ids = args.all ? (await conductor.deadLetters(args.component)).messages.map((it) => it.message_id) : args.messages;
      const redriven = ids.length === 0 ? 0 : await conductor.redrive(ids);
      if (redriven === 0 && !args.all) throw new HarborError("Cannot redrive: none of these is dead", { exit: "unknown" });
      emit({ redriven }, { json: args.json, render: () => `${redriven} ${redriven === 1 ? "waits" : "wait"} again` });
    }),
});

const commands: CommandTable = {
  ls: async () => ({ command: ls }),
  dead: async () => ({ command: dead }),
  redrive: async () => ({ command: redrive }),
};

export const command = defineCommand({
  meta: {
    name: "queue",
    description: "Show what waits and what is dead, and put it back",
    examples: ["harbor conductor queue", "harbor conductor queue dead", "harbor conductor queue redrive --all"],
  },
  args: {},
  passThrough: true,
  commands,
  run: ({ rest }) => runNamed(commands, rest.length === 0 || rest[0]?.startsWith("-") ? ["ls", ...rest] : rest, "harbor conductor queue"),
});
