/**
 * `harbor conductor`: the conductor as whoever runs the stack uses it. Words that are none of its own are about the service:
 * `harbor conductor up` is `harbor up conductor`.
 */
import { type CommandTable, defineCommand } from "../../routines/_script/command.ts";
import { runNamedOrAbout } from "../../routines/_script/dispatch.ts";

const commands: CommandTable = {
  ls: () => import("./commands/ls.ts"),
  status: () => import("./commands/status.ts"),
  watch: () => import("./commands/watch.ts"),
  metrics: () => import("./commands/metrics.ts"),
  alerts: () => import("./commands/alerts.ts"),
  send: () => import("./commands/send.ts"),
  broadcast: () => import("./commands/broadcast.ts"),
  receive: () => import("./commands/receive.ts"),
  queue: () => import("./commands/queue.ts"),
  request: () => import("./commands/request.ts"),
  publish: () => import("./commands/publish.ts"),
  state: () => import("./commands/state.ts"),
  access: () => import("./commands/access.ts"),
};

export const command = defineCommand({
  meta: {
    name: "conductor",
    description: "See and reach the components of the stack: who is there, events, messages, requests, shared state, alerts",
    examples: [
      "harbor conductor ls",
      "harbor conductor watch --type 'component-*'",
      "harbor conductor request sherlock-hub ping",
      "harbor conductor state get scan/mode",
      "harbor conductor up                  The service itself, as `harbor up conductor`",
    ],
  },
  args: {},
  passThrough: true,
  commands,
  run: ({ rest, verbs }) =>
    runNamedOrAbout("conductor", commands, rest.length === 0 || rest[0]?.startsWith("-") ? ["ls", ...rest] : rest, verbs),
});
