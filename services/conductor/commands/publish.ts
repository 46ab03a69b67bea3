/** `harbor conductor publish`: an event for whoever listens. */
import { defineCommand, jsonArg } from "../../../routines/_script/command.ts";
import { emit } from "../../../routines/_script/emit.ts";
import { PAYLOAD, readPayload } from "./payload.ts";
import { whereArgs, withConductor } from "./with-conductor.ts";

export const command = defineCommand({
  meta: {
    name: "publish",
    description: "Publish an event for whoever listens",
    examples: [`harbor conductor publish entity-created '{"id": 7}'`, "harbor conductor publish deploy-finished"],
  },
  args: {
    type: { type: "positional", description: "What has happened", required: true },
    data: { type: "positional", description: PAYLOAD },
    ...whereArgs,
    ...jsonArg,
  },
  run: ({ args }) =>
    withConductor(args, async (conductor) => {
      const published = await conductor.publish(args.type, await readPayload(args.data));
      emit(published, { json: args.json, render: (it) => it.event_id });
    }),
});
