/** Whether the servers that stand in for services answer, and as those would. */
import { connectionVariable, isLoopback, readServerUrl } from "../config/connection.ts";
import { type ListedConnection, listConnections } from "../stack/list-connections.ts";
import type { Check } from "./check.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface ConnectedFacts {
  connections: readonly ListedConnection[];
  /** Of services whose connection cannot be read. */
  problems: readonly string[];
}

export function judgeConnected({ connections, problems }: ConnectedFacts): Finding[] {
  if (connections.length + problems.length === 0) return [ok("no service is connected")];
  return [...problems.map(unreadable), ...connections.flatMap(judgeOne)];
}

function unreadable(what: string): Finding {
  return failed({
    what,
    why: "`harbor up` of what needs it fails",
    fix: "harbor connect <url> --as <handle>, or harbor disconnect <handle>",
  });
}

function judgeOne(connection: ListedConnection): Finding[] {
  const { handle, url, isUp, isInsecure, hasToken, answer } = connection;
  const found: Finding[] = [];
  const fix = `Start it there; harbor connect <url> --as ${handle} where it has moved, harbor disconnect ${handle} to run it here`;
  if (answer.kind === "silent" || answer.kind === "other" || (answer.kind === "locked" && hasToken)) {
    const trouble = { what: `${handle} is connected to ${url}: ${answer.what}`, why: "What uses it gets no answer, or a wrong one", fix };
    found.push(isUp ? failed(trouble) : warning(trouble));
  }
  if (isInsecure) {
    found.push(
      warning({
        what: `${handle}'s certificate at ${url} is not checked`,
        why: "Whoever is between this host and that one can read and change all that is said",
        fix: `harbor connect ${url} --as ${handle} --ca FILE, with the authority that signed it`,
      }),
    );
  }
  if (hasToken && isReadable(url)) {
    found.push(
      warning({
        what: `${handle}'s token goes to ${url} in the clear`,
        why: "Whoever is on the way can read it",
        fix: `harbor config unset ${connectionVariable(handle, "TOKEN")}, or connect to it by https`,
      }),
    );
  }
  return found.length > 0 ? found : [ok(`${handle} is ${url}: ${answer.what}`)];
}

function isReadable(url: string): boolean {
  const address = readServerUrl(url);
  return address.scheme === "http" && !isLoopback(address);
}

const TIMEOUT_MS = 3_000;

export const checkConnected: Check = {
  name: "connected",
  group: "services",
  about: "whether servers that stand in for services answer",
  async run(context) {
    const { env } = context;
    return judgeConnected(await listConnections({ workspace: context.workspace(), record: context.record(), env, timeoutMs: TIMEOUT_MS }));
  },
};
