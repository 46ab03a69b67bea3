/** `harbor conductor status`: how all of it is, on one screen. */
import { defineCommand, jsonArg } from "../../../routines/_script/command.ts";
import { emit } from "../../../routines/_script/emit.ts";
import { printableLines } from "../../../routines/_script/printable.ts";
import type { Dashboard, QueueDepth } from "../client/operator.ts";
import { ago } from "./payload.ts";
import { whereArgs, withConductor } from "./with-conductor.ts";

export const command = defineCommand({
  meta: {
    name: "status",
    description: "Show how all is: components by status, alerts, queues, store",
    examples: ["harbor conductor status", "harbor conductor status --json"],
  },
  args: { ...whereArgs, ...jsonArg },
  run: ({ args }) =>
    withConductor(args, async (conductor) => {
      const [dashboard, queues] = await Promise.all([conductor.dashboard(), conductor.depth()]);
      const { components: _, ...rest } = dashboard as Dashboard & { components?: unknown };
      emit({ ...rest, queues: total(Object.values(queues)) }, { json: args.json, render });
    }),
});

function total(depths: readonly QueueDepth[]): QueueDepth {
  const sum = (of: (depth: QueueDepth) => number): number => depths.reduce((all, depth) => all + of(depth), 0);
  return { waiting: sum((it) => it.waiting), in_flight: sum((it) => it.in_flight), dead: sum((it) => it.dead) };
}

function render({ overall_status, uptime_seconds, store, components_total, components_by_status, alerts, queues }: Shown): string {
  const counts = Object.entries(components_by_status).flatMap(([status, count]) => (count > 0 ? [`${count} ${status}`] : []));
  const since = ago(new Date(Date.now() - uptime_seconds * 1_000).toISOString());
  const lines = [
    `${overall_status}, started ${since}`,
    `components  ${components_total}${counts.length === 0 ? "" : `: ${counts.join(", ")}`}`,
    `messages    ${queues.waiting} waiting, ${queues.in_flight} being read, ${queues.dead} dead`,
    `store       ${store.ok ? "well" : "away"}${store.reason ? `: ${store.reason}` : ""}`,
    ...alerts.map((it) => `alert       ${it.alert_name} of ${it.component_id}, ${ago(it.since)}`),
  ];
  return printableLines(lines.join("\n"));
}

type Shown = Dashboard & { readonly queues: QueueDepth };
