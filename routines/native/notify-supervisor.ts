#!/usr/bin/env bun
/**
 * Says something of a native service to whoever supervises it: sd_notify(3), for programs in TypeScript and, as
 * systemd-notify does, for shell scripts, on macOS as well. Without `$NOTIFY_SOCKET` nobody asked: nothing is said.
 *
 *   bun routines/native/notify-supervisor.ts READY=1 "STATUS=listens on port 8000"
 */
import { defineCommand } from "../_script/command.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";

export interface Notification {
  /** It can be used now. */
  isReady?: boolean;
  isStopping?: boolean;
  /** It is still alive: due within each interval of a contract's `live: { notify: true }`. */
  isAlive?: boolean;
  /** What it does, or how it is; one line, for people. No more of it than fits is sent. */
  status?: string;
  /** Its start may take at least this much longer. */
  extendTimeoutMs?: number;
  /** A part of it is missing, and the rest works; or nothing is missing any more. */
  health?: "healthy" | "degraded";
}

/** macOS takes 2048 bytes in all; a message that is cut, or refused, would lose what else it says. */
const STATUS_LENGTH = 400;

/**
 * True where somebody listens. Throws where the socket is there by name alone. The supervisor hears a process of the
 * service itself, and a helper of it that has ended since.
 */
export async function notifySupervisor(notification: Notification | readonly string[], env = process.env): Promise<boolean> {
  const path = env.NOTIFY_SOCKET;
  if (path === undefined || path === "") return false;
  const { sendDatagram } = await import("./_datagram-socket.ts");
  await sendDatagram(path, (isLines(notification) ? notification : linesOf(notification)).join("\n"));
  return true;
}

function isLines(notification: Notification | readonly string[]): notification is readonly string[] {
  return Array.isArray(notification);
}

function linesOf({ isReady, isStopping, isAlive, status, extendTimeoutMs, health }: Notification): string[] {
  const lines: string[] = [];
  if (health !== undefined) lines.push(`X_HARBOR_HEALTH=${health}`);
  if (status !== undefined) lines.push(`STATUS=${status.replaceAll("\n", " ").slice(0, STATUS_LENGTH)}`);
  if (extendTimeoutMs !== undefined) lines.push(`EXTEND_TIMEOUT_USEC=${Math.round(extendTimeoutMs * 1_000)}`);
  if (isAlive) lines.push("WATCHDOG=1");
  if (isReady) lines.push("READY=1");
  if (isStopping) lines.push("STOPPING=1");
  return lines;
}

export const command = defineCommand({
  meta: {
    name: "notify-supervisor",
    description: "Say something of a native service to its supervisor, as sd_notify(3) does",
    examples: ['harbor routine notify-supervisor READY=1 "STATUS=listens on port 8000"'],
  },
  args: { assignments: { type: "positional", description: "READY=1, STATUS=…, WATCHDOG=1, …", required: true, multiple: true } },
  async run({ args }) {
    const wrong = args.assignments.find((it) => !/^[A-Z_]+=[^\n]*$/.test(it));
    if (wrong !== undefined) {
      throw new HarborError(`Cannot say "${wrong}": it is no assignment`, { exit: "usage", hint: "Say NAME=value, such as READY=1" });
    }
    if (await notifySupervisor(args.assignments)) return;
    throw new HarborError("Cannot say anything: NOTIFY_SOCKET is not set, nobody asked", {
      exit: "missing",
      hint: "Call it from a native service whose contract says `ready: { notify: true }` or `live: { notify: true }`",
    });
  },
});

if (import.meta.main) await runScript(command);
