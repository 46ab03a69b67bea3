/** How the manager fails: one exit code for each class, so that a script, or a person reading `harbor ps`, knows which it was. */
import { HarborError, type HarborErrorOptions } from "harbor/_script/error";

/** Those below 10 are Harbor's own (docs/exit-codes.md). */
export const FAILURES = {
  settings: { code: 2, meaning: "a setting is wrong" },
  python: { code: 10, meaning: "no Python that can be used" },
  install: { code: 11, meaning: "speaches could not be installed" },
  network: { code: 12, meaning: "the network, a package index or the model hub could not be reached" },
  models: { code: 13, meaning: "neither of the models is there, or with `--prepare` one of them is not" },
  port: { code: 14, meaning: "the port is taken" },
  start: { code: 15, meaning: "the server did not start" },
  server: { code: 16, meaning: "the server ended, or stopped answering" },
  speech: { code: 17, meaning: "neither speech to text nor text to speech works" },
  disk: { code: 18, meaning: "no space left, or no permission to write" },
  locked: { code: 19, meaning: "another process holds the environment or a model" },
} as const;

export type FailureClass = keyof typeof FAILURES;

/** What a file system refuses with. */
const DISK_CODES: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT", "EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST"]);

/** Also where another error wraps it. */
export function isDiskError(error: unknown): boolean {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return DISK_CODES.has(code) || DISK_CODES.has((cause as { code?: unknown } | undefined)?.code);
}

/** An error that says of which class it is. */
export class ManagerError extends HarborError {
  readonly failure: FailureClass;

  constructor(failure: FailureClass, message: string, options: HarborErrorOptions = {}) {
    super(message, { ...options, code: FAILURES[failure].code });
    this.failure = failure;
  }

  /** The same error, with its class. */
  static of(failure: FailureClass, error: HarborError): ManagerError {
    const { hint, exit, at, details } = error;
    const place = at === undefined ? {} : { at };
    return new ManagerError(failure, error.message, { exit, details, cause: error, ...(hint === undefined ? {} : { hint }), ...place });
  }

  /** Whatever of the file system nobody has put into a class yet; any other error as it is. */
  static from(error: unknown): unknown {
    if (error instanceof ManagerError || !isDiskError(error)) return error;
    if (error instanceof HarborError) return ManagerError.of("disk", error);
    return new ManagerError("disk", `Cannot go on: ${(error as Error).message}`, {
      hint: "Free some space, or look whose that is",
      cause: error,
    });
  }
}
