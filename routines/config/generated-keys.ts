/** Which of a configuration's keys are credentials that Harbor makes. */
import type { ServiceFile } from "../workspace/list-files.ts";
import { type Declaration, type Generate, readDeclarations } from "./read-declarations.ts";
import type { Values } from "./read-values.ts";

export type GeneratedKey = Declaration & { generate: Generate };

/** Those that these files declare, and that are of use as things are configured. */
export function generatedKeys(files: readonly Pick<ServiceFile, "kind" | "path">[], values: Values): GeneratedKey[] {
  const found = [...readDeclarations(files).found.values()];
  return found.filter((it): it is GeneratedKey => {
    if (it.generate === undefined) return false;
    const { needs } = it.generate;
    return needs === undefined || (values.get(needs) ?? "") !== "";
  });
}
