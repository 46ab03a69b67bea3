/** What can go wrong with a model, by what a caller does about it: the kind decides, the message tells a person. */
import { type Exit, HarborError, type HarborErrorOptions } from "../_script/error.ts";

/**
 * - `network`: the hub was reached and did not give all of it; what was received stays
 * - `unknown-model`: the hub has no such model, revision or file, or shows it to nobody without a token
 * - `denied`: gated or private, and there is no token or not the right one
 * - `disk`: no space, no permission, not a file system for it
 * - `checksum`: what came is not what the hub says it has, twice
 * - `offline`: it is not here, and the hub may not or cannot be asked
 * - `interrupted`: the caller's signal
 */
export type ModelErrorKind = "network" | "unknown-model" | "denied" | "disk" | "checksum" | "offline" | "interrupted";

/** Offline and denied are for want of something the user can supply. */
const EXITS: Record<ModelErrorKind, Exit> = {
  network: "failed",
  "unknown-model": "unknown",
  denied: "missing",
  disk: "failed",
  checksum: "failed",
  offline: "missing",
  interrupted: "interrupted",
};

/** Message: `Cannot fetch model "<repo>": <why>`. */
export class ModelError extends HarborError {
  readonly kind: ModelErrorKind;
  /** The message without what cannot be done. */
  readonly why: string;

  constructor(kind: ModelErrorKind, repo: string, why: string, options: Omit<HarborErrorOptions, "exit"> = {}) {
    super(`Cannot fetch model "${repo}": ${why}`, { ...options, exit: EXITS[kind] });
    this.name = "ModelError";
    this.kind = kind;
    this.why = why;
  }
}

/** Whatever the file system says → `disk`; what is a ModelError stays one. */
export function asDiskError(repo: string, doing: string, cause: unknown): Error {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === undefined || cause instanceof HarborError) return cause as Error;
  const why: Record<string, string> = {
    ENOSPC: "no space is left on the device",
    EDQUOT: "your quota of disk space is used up",
    EACCES: "no permission",
    EPERM: "the system does not permit it",
    EROFS: "the file system is read-only",
    ENOTDIR: "a file is where a folder should be",
  };
  const isFull = code === "ENOSPC" || code === "EDQUOT";
  return new ModelError("disk", repo, `${doing}: ${why[code] ?? message}`, {
    cause,
    hint: isFull ? "Free some space and call again: it goes on from what was received" : "Choose another folder, or mend this one",
  });
}
