/** What a request is, in the words of access rules. */

const OPERATIONS: Readonly<Record<string, string>> = {
  ...{ services: "discover", resolve: "discover", route: "route", request: "request", broadcast: "broadcast" },
  ...{ requests: "receive", events: "subscribe", dashboard: "observe", metrics: "observe", alerts: "observe" },
};
/** What a component may always do: it is about itself. */
const FREE: ReadonlySet<string> = new Set(["health", "heartbeat", "deregister"]);

/** `path`: as the route is written, so that no other spelling of it is another operation. Undefined where no rule is needed. What has no operation here is called by the first word of its path, which only `*` allows. */
export function operationOf(method: string, path: string): string | undefined {
  const [, first = "", second = ""] = path.split("/");
  if (FREE.has(first)) return undefined;
  if (first === "state") return method === "GET" || method === "HEAD" ? "state-read" : "state-write";
  if (first === "queue") return second.startsWith("send") ? "send" : "receive";
  if (first === "events" && second === "publish") return "publish";
  return Object.hasOwn(OPERATIONS, first) ? OPERATIONS[first] : first;
}
