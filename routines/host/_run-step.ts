/** One command of an installer as a step of a request: its lines become progress, its failure the error a person reads. */
import { dirname } from "node:path";
import type { Diagnosis } from "./_diagnose.ts";
import type { PythonEnvError } from "./_env-error.ts";
import type { PythonEnvStep, ReadRequest } from "./_env-request.ts";
import { explainFailure } from "./_explain-failure.ts";
import { runTool, type Tool, type ToolEnd } from "./_run-tool.ts";
import { METADATA_MARK } from "./_wheel-scripts.ts";

/** However it ends; throws `interrupted`. */
export function tryStep({ folder, log, temporary, signal, say }: ReadRequest, step: PythonEnvStep, tool: Tool): Promise<ToolEnd> {
  const tell = (line: string): void => {
    if (!line.startsWith(METADATA_MARK)) say(step, line);
  };
  return runTool(tool, { folder, log, temporary, cwd: dirname(folder), signal }, tell);
}

/** What it printed. `action` follows "Cannot". */
export async function runStep(request: ReadRequest, step: PythonEnvStep, tool: Tool, action: string): Promise<string> {
  const end = await tryStep(request, step, tool);
  if (end.code !== 0) throw failureOf(request, end, action);
  return end.output;
}

export function failureOf(request: ReadRequest, end: ToolEnd, action: string, diagnosis?: Diagnosis): PythonEnvError {
  const options = { end, action, log: request.log, isOffline: request.index.isOffline === true };
  return explainFailure(diagnosis === undefined ? options : { ...options, diagnosis });
}
