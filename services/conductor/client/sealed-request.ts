/** A question and its answer, each of which only the other one opens. */
import type { Encryption } from "./encryption.ts";
import { isEnvelope } from "./envelope.ts";
import { ConductorClientError } from "./http.ts";

/** What `POST /request` answers. */
export interface Answered {
  readonly answered_by: string;
  readonly result: unknown;
}

interface Question {
  readonly type: string;
  readonly payload: unknown;
}

type Inner = { readonly result: unknown } | { readonly error: unknown };

/** One that asks nothing but whether somebody is there. */
export function isPing(type: string, payload: unknown): boolean {
  return type === "ping" && payload === null;
}

/** Throws `request_failed` where the other one could not answer, with its reason. */
export async function askSealed<T>(
  encryption: Encryption,
  post: (to: string, payload: unknown) => Promise<Answered>,
  { to, type, payload }: Question & { readonly to: string },
): Promise<T> {
  const sealed = await encryption.sealFor(to, payload, { kind: "request", type });
  const { answered_by: by, result } = await post(sealed.to, sealed.payload);
  if (!isEnvelope(sealed.payload)) return result as T;
  // another's answer would be opened as another's
  if (by !== sealed.to) throw new ConductorClientError("forged", `${sealed.to} was asked, and ${by} answered`);
  const inner = await encryption.openAnswer<Inner>(sealed.payload, by, type, result);
  if ("result" in inner) return inner.result as T;
  throw new ConductorClientError("request_failed", `${by} could not answer "${type}"`, {
    details: { reason: inner.error, component_id: by },
  });
}

/** What is sent to POST /requests/answer. What cannot be opened is refused in plain text: it says nothing but why. */
export async function answerSealed(
  encryption: Encryption,
  { from, type, payload }: Question & { readonly from: string },
  run: (payload: unknown) => Promise<object>,
): Promise<object> {
  try {
    const answer = await run(await encryption.open(payload, { from, kind: "request", type }));
    return isEnvelope(payload) ? { result: await encryption.sealAnswer(payload, from, type, answer) } : answer;
  } catch (error) {
    const { code, message } = error as ConductorClientError;
    return { error: { code, message } };
  }
}
