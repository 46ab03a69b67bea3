/** `harbor conductor broadcast`: one message for everybody. */
import { defineCommand, jsonArg } from "../../../routines/_script/command.ts";
import { emit } from "../../../routines/_script/emit.ts";
import { PAYLOAD, readPayload, readSeconds } from "./payload.ts";
import { whereArgs, withConductor, wordsOf } from "./with-conductor.ts";

export const command = defineCommand({
  meta: {
    name: "broadcast",
    description: "Send one message to every component",
    examples: [
      `harbor conductor broadcast '{"in_minutes": 5}' --type maintenance`,
      "harbor conductor broadcast reload --capability search",
    ],
  },
  args: {
    payload: { type: "positional", description: PAYLOAD },
    type: { type: "string", description: "What kind of message it is", valueHint: "TYPE" },
    capability: { type: "string", description: "Only to those that have it", valueHint: "NAME", completes: wordsOf("capabilities") },
    ttl: { type: "string", description: "How long it waits; an hour when left out", valueHint: "T" },
    key: { type: "string", description: "Sent again with the same key, it is kept once", valueHint: "KEY" },
    ...whereArgs,
    ...jsonArg,
  },
  run: ({ args }) =>
    withConductor(args, async (conductor) => {
      const { type, capability, key } = args;
      const payload = await readPayload(args.payload);
      const ttl = readSeconds("--ttl", args.ttl);
      const sent = await conductor.broadcast({ payload, capability, message_type: type, ttl_seconds: ttl, idempotency_key: key });
      const render = ({ recipients }: typeof sent): string => `sent to ${recipients} ${recipients === 1 ? "component" : "components"}`;
      emit(sent, { json: args.json, render });
    }),
});
