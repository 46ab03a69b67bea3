/** Tells the desktop of an alert with this condition, in a process with a PATH of its own, and prints what went wrong. */
import { Notifier } from "../../../../services/conductor/core/notify.ts";

const [condition = ""] = process.argv.slice(2);
const failed = (_: string, __: unknown, reason: string): boolean => process.stdout.write(reason);
const notifier = new Notifier({ smtpUrl: "", mailFrom: "harbor@localhost", failed, pausesMs: [] });
const rule = {
  name: "disk",
  condition,
  components: [],
  channels: [{ type: "desktop" }],
  forMs: 0,
  severity: "critical",
  silencedUntil: 0,
} as const;
await notifier.tell([{ kind: "firing", rule, componentId: "hub-001", values: {}, since: 0 }]);
