/** An error in OpenAI's shape, or in Anthropic's. */

export interface ApiErrorOptions {
  status?: number;
  type?: string;
  param?: string;
  code?: string;
}

/** Thrown anywhere while answering; the server turns it into a response. */
export class ApiError extends Error {
  readonly status: number;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;

  constructor(message: string, options: ApiErrorOptions = {}) {
    super(message);
    this.status = options.status ?? 400;
    this.type = options.type ?? "invalid_request_error";
    this.param = options.param ?? null;
    this.code = options.code ?? null;
  }
}

/** The response that says so. */
export function toResponse(error: ApiError, headers: Record<string, string> = {}): Response {
  const { message, type, param, code, status } = error;
  return Response.json({ error: { message, type, param, code } }, { status, headers });
}

/** The same in the shape of Anthropic's interface. */
export function toMessagesResponse({ message, status }: ApiError): Response {
  const type = status === 401 ? "authentication_error" : status === 404 ? "not_found_error" : "invalid_request_error";
  return Response.json({ type: "error", error: { type, message } }, { status });
}
