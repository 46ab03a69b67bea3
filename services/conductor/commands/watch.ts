/** `harbor conductor watch`: events as they come, through restarts of the conductor, until Ctrl-C. */
import { defineCommand } from "../../../routines/_script/command.ts";
import { printable } from "../../../routines/_script/printable.ts";
import { warn } from "../../../routines/stack/say.ts";
import type { SentEvent } from "../client/stream.ts";
import { follow, whereArgs, withConductor } from "./with-conductor.ts";

interface WireEvent {
  readonly event_id: string;
  readonly event_type: string;
  readonly source: string;
  readonly timestamp: string;
  readonly data: unknown;
}

/** Nobody has missed what there was before. */
const ALL = "0-0";

export const command = defineCommand({
  meta: {
    name: "watch",
    description: "Show events as they come, until Ctrl-C",
    examples: [
      "harbor conductor watch",
      "harbor conductor watch --type 'component-*,alert-*'",
      "harbor conductor watch --since 0-0 --json    From the first that is kept, a line of JSON each",
    ],
  },
  args: {
    type: { type: "string", description: "Only these types, with * for any part of one", multiple: true, valueHint: "TYPE" },
    since: { type: "string", description: "First those after the event with this id; 0-0: all that are kept", valueHint: "ID" },
    json: { type: "boolean", description: "Print each as a line of JSON" },
    ...whereArgs,
  },
  run: ({ args }) =>
    withConductor(args, async (conductor) => {
      const types = args.type.length === 0 ? "*" : args.type.join(",");
      await follow(conductor, (print) => conductor.events(types, (event) => show(event, args, print), args.since));
    }),
});

interface Shown {
  readonly json: boolean;
  readonly since: string | undefined;
}

function show({ event, data }: SentEvent, { json, since }: Shown, print: (line: string) => void): void {
  const { event_id, event_type, source, timestamp, data: inner } = data as WireEvent;
  if (event === "conductor-lost") {
    if (since !== ALL) warn(["Some events were missed: they are no longer kept"]);
  } else if (event === "conductor-dropped") warn(["More events came than could be shown: what was missed follows"]);
  else if (event_id === undefined) warn([`${event}: ${JSON.stringify(data)}`]);
  else if (json) print(JSON.stringify(data));
  else print(printable(`${new Date(timestamp).toTimeString().slice(0, 8)}  ${event_type}  ${source}  ${JSON.stringify(inner)}`));
}
