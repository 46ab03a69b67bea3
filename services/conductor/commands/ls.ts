/** `harbor conductor ls`: who is registered, and how they are. */
import { defineCommand, jsonArg } from "../../../routines/_script/command.ts";
import { emit } from "../../../routines/_script/emit.ts";
import { table } from "../../../routines/_script/table.ts";
import { note } from "../../../routines/stack/say.ts";
import type { ComponentStatus } from "../client/operator.ts";
import { ago } from "./payload.ts";
import { whereArgs, withConductor, wordsOf } from "./with-conductor.ts";

export const command = defineCommand({
  meta: {
    name: "ls",
    description: "Show the components that are registered, and how they are",
    examples: ["harbor conductor ls", "harbor conductor ls --capability openai-api --status healthy", "harbor conductor ls --json"],
  },
  args: {
    component: { type: "positional", description: "Only those of this name or id", completes: wordsOf("components") },
    capability: {
      type: "string",
      description: "Only those that have all of these",
      multiple: true,
      valueHint: "NAME",
      completes: wordsOf("capabilities"),
    },
    status: {
      type: "string",
      description: "Only those that are one of these",
      multiple: true,
      valueHint: "STATUS",
      completes: ["starting", "healthy", "degraded", "offline"],
    },
    version: { type: "string", description: "Only those of this version or range, such as ^1.2.0", valueHint: "RANGE" },
    ...whereArgs,
    ...jsonArg,
  },
  run: ({ args }) =>
    withConductor(args, async (conductor) => {
      const { component, version } = args;
      const [capability, status] = [args.capability, args.status].map((words) => (words.length === 0 ? undefined : words.join(",")));
      const services = await conductor.services({ component, capability, status, version });
      const isAsked = [component, capability, status, version].some((it) => it !== undefined);
      if (services.length === 0 && !args.json) note(isAsked ? "nobody is registered who is so" : "nobody is registered");
      emit(services, { json: args.json, render });
    }),
});

function render(services: readonly ComponentStatus[]): string {
  if (services.length === 0) return "";
  const rows = services.map((it) => [
    it.component_id,
    it.causes.length === 0 ? it.status : `${it.status}: ${it.causes.join(", ")}`,
    it.version === "" ? "-" : it.version,
    ago(it.last_heartbeat),
    loadOf(it),
    it.url,
    it.capabilities.join(", "),
  ]);
  return table([["ID", "STATUS", "VERSION", "LAST SEEN", "LOAD", "URL", "CAPABILITIES"], ...rows]).join("\n");
}

const LOADS = ["load", "active_requests", "queue_depth", "cpu_percent"];

/** The first that it reports of what requests are spread by. */
function loadOf({ metrics }: ComponentStatus): string {
  const name = LOADS.find((it) => metrics[it] !== undefined);
  return name === undefined ? "-" : `${name} ${Math.round((metrics[name] ?? 0) * 100) / 100}`;
}
