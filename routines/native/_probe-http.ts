/** One GET: whether it is answered with a status, and a body, that count. */
import { askSocket } from "./_ask-socket.ts";
import { HttpAnswer } from "./_http-answer.ts";
import type { ProbeQuestion } from "./_types.ts";
import { type AttemptOptions, excerpt, failed, OK, type Verdict } from "./_verdict.ts";

export interface HttpTarget {
  address: string;
  port: number;
}

const DEFAULT_STATUS = "200-399";
const EXCERPT_LENGTH = 80;

/** A redirect is an answer like any other, and is not followed. */
export async function probeHttp(
  question: Pick<ProbeQuestion, "http" | "status" | "body">,
  target: HttpTarget,
  options: AttemptOptions,
): Promise<Verdict> {
  const host = `${target.address.includes(":") ? `[${target.address}]` : target.address}:${target.port}`;
  const path = encodePath(question.http ?? "/");
  const what = `GET http://${host}${path}`;
  const pattern = question.body === undefined ? undefined : compilePattern(question.body);
  if (pattern === null) return failed(`${what}: /${question.body}/ is no regular expression`);
  const answer = new HttpAnswer({ wantsBody: pattern !== undefined });
  const close = (): Verdict => {
    answer.close();
    return (
      judge() ??
      failed(`${what}: the connection was closed ${answer.state === "head" ? "without an answer" : "in the middle of its answer"}`)
    );
  };
  const judge = (): Verdict | undefined => judgeAnswer(answer, { what, status: question.status, pattern });
  const hear = (piece: string): Verdict | undefined => {
    answer.hear(piece);
    return judge();
  };
  const text = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: harbor\r\nAccept: */*\r\nConnection: close\r\n\r\n`;
  return askSocket({ ...target, what, question: { text, hear, close } }, options);
}

/** As it is written, `%` and all, but for what would end the word or the line. */
function encodePath(path: string): string {
  for (let at = 0; at < path.length; at++) {
    const code = path.charCodeAt(at);
    if (code <= 0x20 || code >= 0x7f) return path.toWellFormed().replace(/[^\x21-\x7e]/gu, encodeURIComponent);
  }
  return path;
}

interface Expected {
  what: string;
  status: string | undefined;
  pattern: RegExp | undefined;
}

/** The body is looked at only where something is expected of it, and as a whole: half of one may match by chance. */
function judgeAnswer(answer: HttpAnswer, { what, status, pattern }: Expected): Verdict | undefined {
  if (answer.state === "broken") return failed(`${what} answered, but not in HTTP`);
  if (answer.status === undefined) return undefined;
  if (!includesStatus(status ?? DEFAULT_STATUS, answer.status))
    return failed(`${what} answered ${answer.status}${status === undefined ? "" : `, not ${status}`}`);
  if (pattern === undefined) return OK;
  if (answer.state !== "whole") return undefined;
  const { body } = answer;
  if (pattern.test(body)) return OK;
  const seen = body === "" ? "an empty body" : `"${excerpt(body, EXCERPT_LENGTH)}"`;
  return failed(`${what} answered ${answer.status} with ${seen}, which does not match ${pattern}`);
}

/** Whether a list like `200-299,401` names it. */
function includesStatus(list: string, status: number): boolean {
  return list.split(",").some((range) => {
    const [lowest = "", highest = lowest] = range.split("-").map((each) => each.trim());
    return Number(lowest) <= status && status <= Number(highest);
  });
}

function compilePattern(text: string): RegExp | null {
  try {
    return new RegExp(text);
  } catch {
    return null;
  }
}
