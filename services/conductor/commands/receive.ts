/** `harbor conductor receive`: a component's messages, taken in its place. */
import { defineCommand, jsonArg } from "../../../routines/_script/command.ts";
import { emit } from "../../../routines/_script/emit.ts";
import { printable } from "../../../routines/_script/printable.ts";
import { note } from "../../../routines/stack/say.ts";
import type { DeliveredMessage } from "../client/operator.ts";
import { readCount, readSeconds } from "./payload.ts";
import { whereArgs, withConductor, wordsOf } from "./with-conductor.ts";

export const command = defineCommand({
  meta: {
    name: "receive",
    description: "Take messages of a component in its place: printed, they are acknowledged",
    examples: ["harbor conductor receive sherlock-hub-001", "harbor conductor receive sherlock-hub-001 --keep --max 100 --json"],
  },
  args: {
    component: { type: "positional", description: "Its id, or its name", required: true, completes: wordsOf("components") },
    max: { type: "string", description: "How many at most; 10 when left out", valueHint: "N" },
    wait: { type: "string", description: "How long to wait for one, up to 60s", valueHint: "T" },
    keep: { type: "boolean", description: "Give them back once they are printed; it counts as an attempt" },
    ...whereArgs,
    ...jsonArg,
  },
  run: ({ args }) =>
    withConductor(args, async (conductor) => {
      const { component } = args;
      const max = readCount("--max", args.max) ?? 10;
      const messages = await conductor.receive(component, { max, waitSeconds: Math.round(readSeconds("--wait", args.wait) ?? 0) });
      const receipts = messages.map(({ receipt }) => receipt);
      if (receipts.length === 0 && !args.json) note("no message waits");
      emit(messages, { json: args.json, render });
      if (receipts.length === 0) return;
      await (args.keep ? conductor.release(component, receipts) : conductor.ack(component, receipts));
    }),
});

function render(messages: readonly DeliveredMessage[]): string {
  return messages
    .map(({ message_id, from, message_type, payload }) => printable(`${message_id}  ${from}  ${message_type}  ${JSON.stringify(payload)}`))
    .join("\n");
}
