/** `harbor conductor metrics`: the last numbers of components. */
import { defineCommand, jsonArg } from "../../../routines/_script/command.ts";
import { emit } from "../../../routines/_script/emit.ts";
import { table } from "../../../routines/_script/table.ts";
import { note } from "../../../routines/stack/say.ts";
import { whereArgs, withConductor, wordsOf } from "./with-conductor.ts";

export const command = defineCommand({
  meta: {
    name: "metrics",
    description: "Show what components report, and what the conductor sees of them",
    examples: ["harbor conductor metrics", "harbor conductor metrics sherlock-hub-001 --json"],
  },
  args: {
    component: { type: "positional", description: "The id of one; all when left out", completes: wordsOf("ids") },
    ...whereArgs,
    ...jsonArg,
  },
  run: ({ args }) =>
    withConductor(args, async (conductor) => {
      const all = await conductor.metrics(args.component);
      if (all.length === 0 && !args.json) note("nobody is registered");
      emit(all, { json: args.json, render });
    }),
});

function render(all: readonly { component_id: string; metrics: Readonly<Record<string, number>> }[]): string {
  const rows = all.flatMap(({ component_id, metrics }) =>
    Object.entries(metrics).map(([name, value]) => [component_id, name, String(Math.round(value * 1_000) / 1_000)]),
  );
  return rows.length === 0 ? "" : table([["ID", "METRIC", "VALUE"], ...rows]).join("\n");
}
