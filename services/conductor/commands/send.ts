/** `harbor conductor send`: a message that waits until it is received. */
import { defineCommand, jsonArg } from "../../../routines/_script/command.ts";
import { emit } from "../../../routines/_script/emit.ts";
import { PAYLOAD, readPayload, readSeconds } from "./payload.ts";
import { whereArgs, withConductor, wordsOf } from "./with-conductor.ts";

export const command = defineCommand({
  meta: {
    name: "send",
    description: "Send a message to a component; it waits until that receives it",
    examples: [
      `harbor conductor send sherlock-hub '{"path": "/data"}' --type scan`,
      "harbor conductor send sherlock-hub @job.json --type scan --ttl 1h --key job-7",
      "harbor conductor send sherlock-hub - --type note < note.txt",
    ],
  },
  args: {
    to: { type: "positional", description: "A component's id, or its name", required: true, completes: wordsOf("components") },
    payload: { type: "positional", description: PAYLOAD },
    type: { type: "string", description: "What kind of message it is", valueHint: "TYPE" },
    ttl: { type: "string", description: "How long it waits, such as 1h; a week when left out", valueHint: "T" },
    key: { type: "string", description: "Sent again with the same key, it is kept once", valueHint: "KEY" },
    ...whereArgs,
    ...jsonArg,
  },
  run: ({ args }) =>
    withConductor(args, async (conductor) => {
      const { to, type, key } = args;
      const payload = await readPayload(args.payload);
      const ttl = readSeconds("--ttl", args.ttl);
      const sent = await conductor.send({ to, payload, message_type: type, ttl_seconds: ttl, idempotency_key: key });
      emit(sent, { json: args.json, render: (it) => `${it.message_id}${it.is_duplicate ? "  sent before" : ""}` });
    }),
});
