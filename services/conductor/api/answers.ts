/** Answers: refusals in one shape, with the status that goes with each. */
import { ConductorError, type ErrorCode } from "../core/conductor-error.ts";
import { StoreError } from "../store/store.ts";

const RECEIVERS_SHOWN = 20;
export const STATUSES: Readonly<Record<ErrorCode, number>> = {
  access_denied: 403,
  bad_address: 400,
  bad_condition: 400,
  invalid_json: 400,
  invalid_request: 400,
  loop_detected: 508,
  method_not_allowed: 405,
  no_instance: 503,
  no_responder: 503,
  not_found: 404,
  not_yours: 403,
  payload_too_large: 413,
  queue_full: 429,
  rate_limited: 429,
  registry_full: 503,
  request_failed: 502,
  timestamp_in_the_future: 400,
  token_required: 401,
  unavailable: 503,
  unknown_alert: 404,
  unknown_component: 404,
  unknown_key: 404,
  unknown_rule: 404,
  unknown_request: 404,
  unknown_token: 401,
  upgrade_not_supported: 501,
  upstream_failed: 502,
  upstream_timeout: 504,
  version_mismatch: 412,
};

/** `{"error": {"code", "message", "hint", …}}`. Undefined for what is no refusal but a defect. */
export function refusal(error: unknown): Response | undefined {
  const known = asConductorError(error);
  if (known === undefined) return undefined;
  const { code, message, hint, details } = known;
  const status = STATUSES[code];
  const headers: Record<string, string> = {};
  if (status === 401) headers["www-authenticate"] = 'Bearer realm="harbor conductor"';
  if (typeof details.retry_after === "number") headers["retry-after"] = String(details.retry_after);
  if (Array.isArray(details.allowed)) headers.allow = details.allowed.join(", ");
  return Response.json({ error: { code, message, ...(hint === undefined ? {} : { hint }), ...details } }, { status, headers });
}

/** What is said of a defect. */
export const DEFECT = { code: "internal", message: "The conductor has a defect here", hint: "its log says more" };

/** Why a stream ends that had begun: in the words of a refusal, or of a defect, which goes into the log alone. */
export function explainEnd(error: unknown, complain: (problem: string) => void): { code: string; message: string } {
  const known = asConductorError(error);
  if (known === undefined) complain(`a stream ended: ${(error as Error).stack}`);
  const { code, message } = known ?? DEFECT;
  return { code, message };
}

/** Undefined for a defect. */
export function codeOf(error: unknown): string | undefined {
  return asConductorError(error)?.code;
}

/** What the store could not do is a matter of time. */
function asConductorError(error: unknown): ConductorError | undefined {
  if (error instanceof ConductorError) return error;
  if (!(error instanceof StoreError)) return undefined;
  if (error.code === "full") {
    return new ConductorError("queue_full", error.message, {
      hint: "nothing of it was accepted: send again when they have received and acknowledged some, or raise conductor.max_waiting",
      details: { receivers: error.receivers.slice(0, RECEIVERS_SHOWN), retry_after: 1 },
    });
  }
  const hint = error.hint ?? (error.isUnsure ? "it may have been done all the same: look before you ask again" : "ask again in a moment");
  return new ConductorError("unavailable", `The store cannot do it now: ${error.message}`, { hint, details: { retry_after: 1 } });
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
