/** A refusal with a name that programs can rely on, words for people, and what to do about it. */

export type ErrorCode =
  | "access_denied"
  | "bad_address"
  | "bad_condition"
  | "invalid_json"
  | "invalid_request"
  | "loop_detected"
  | "method_not_allowed"
  | "no_instance"
  | "no_responder"
  | "not_found"
  | "not_yours"
  | "payload_too_large"
  | "queue_full"
  | "rate_limited"
  | "registry_full"
  | "request_failed"
  | "timestamp_in_the_future"
  | "token_required"
  | "unavailable"
  | "unknown_alert"
  | "unknown_component"
  | "unknown_key"
  | "unknown_rule"
  | "unknown_request"
  | "unknown_token"
  | "upgrade_not_supported"
  | "upstream_failed"
  | "upstream_timeout"
  | "version_mismatch";

export interface ErrorExtras {
  /** The next step. */
  hint?: string;
  /** More fields of the answer: what is known, which field was wrong. */
  details?: Readonly<Record<string, unknown>>;
}

export class ConductorError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, extras: ErrorExtras = {}) {
    super(message);
    this.code = code;
    this.hint = extras.hint;
    this.details = extras.details ?? {};
  }
}
