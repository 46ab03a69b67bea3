/** `harbor conductor request`: a question, and its answer. */
import { defineCommand, jsonArg } from "../../../routines/_script/command.ts";
import { emit } from "../../../routines/_script/emit.ts";
import { printableLines } from "../../../routines/_script/printable.ts";
import { PAYLOAD, readPayload, readSeconds, wordValue } from "./payload.ts";
import { whereArgs, withConductor, wordsOf } from "./with-conductor.ts";

export const command = defineCommand({
  meta: {
    name: "request",
    description: "Ask a component something, and print what it answers",
    examples: [
      "harbor conductor request sherlock-hub ping",
      `harbor conductor request entity-analysis count '{"kind": "person"}' --timeout 5s`,
    ],
  },
  args: {
    to: { type: "positional", description: "A component's id, its name, or a capability", required: true, completes: wordsOf("targets") },
    type: { type: "positional", description: "What is asked; ping is answered for everybody", required: true, completes: ["ping"] },
    payload: { type: "positional", description: PAYLOAD },
    timeout: { type: "string", description: "How long to wait for the answer; 30s when left out", valueHint: "T" },
    ...whereArgs,
    ...jsonArg,
  },
  run: ({ args }) =>
    withConductor(args, async (conductor) => {
      const payload = await readPayload(args.payload);
      const timeout = readSeconds("--timeout", args.timeout);
      const answer = await conductor.request({ to: args.to, request_type: args.type, payload, timeout_seconds: timeout });
      emit(answer, { json: args.json, render: ({ result }) => printableLines(wordValue(result)) });
    }),
});
