#!/usr/bin/env bun
/**
 * Which execution providers of ONNX Runtime this host can use, in the order to try, and why each is or is not usable: from
 * the hardware and its drivers, and of a given Python environment from what its onnxruntime really opens a session with.
 *
 *   bun routines/host/detect-onnx-providers.ts --python .venv/bin/python
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { listenForInterrupt } from "../_script/interrupt.ts";
import { log } from "../_script/log.ts";
import { runScript } from "../_script/script.ts";
import { table } from "../_script/table.ts";
import { chooseOnnxProviders, type OnnxDetection, worthTrying } from "./_onnx-choose.ts";
import { readHostFacts } from "./_onnx-host.ts";
import { readOverride } from "./_onnx-names.ts";
import { readRuntime } from "./_onnx-runtime.ts";

export { chooseOnnxProviders, type OnnxDetection, type OnnxProvider } from "./_onnx-choose.ts";
export type { HostFacts, RuntimeFacts } from "./_onnx-facts.ts";
export { readHostFacts } from "./_onnx-host.ts";

export interface DetectOnnxProvidersOptions {
  /** HARBOR_ONNX_PROVIDER, PATH, LD_LIBRARY_PATH; the interpreter is run with all of it. */
  env: Record<string, string | undefined>;
  /** The root of the file system looked at. */
  root?: string;
  /** An interpreter, whose onnxruntime is asked. */
  python?: string | undefined;
  /** Of each process that is asked; a minute when left out. */
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

/**
 * Throws `usage` for an override that names no provider, `missing` and `failed` for an interpreter that is not there or does not
 * answer, `interrupted`. One without onnxruntime is no error: it is said in `warnings`, and the host's facts decide.
 */
export async function detectOnnxProviders(options: DetectOnnxProvidersOptions): Promise<OnnxDetection> {
  const { env, root, python, timeoutMs, signal } = options;
  const override = env.HARBOR_ONNX_PROVIDER;
  if (python === undefined) readOverride(override); // an unknown word sooner than the drivers' answers
  const host = await readHostFacts({ env, ...(root === undefined ? {} : { root }), signal });
  if (python === undefined) return chooseOnnxProviders(host, { override });
  const choose = (listed: readonly string[]): string[] => worthTrying(host, override, listed);
  const runtime = await readRuntime({ python, env, host, choose, timeoutMs, signal });
  return chooseOnnxProviders(host, { override, runtime });
}

export const command = defineCommand({
  meta: {
    name: "detect-onnx-providers",
    description: "Show which ONNX Runtime execution providers this host can use, and why",
    examples: ["harbor routine detect-onnx-providers", "harbor routine detect-onnx-providers --python .venv/bin/python --json"],
  },
  args: {
    ...jsonArg,
    python: { type: "string", description: "An interpreter, whose onnxruntime is tried", valueHint: "PATH" },
  },
  async run({ args }) {
    using interrupt = listenForInterrupt();
    const detection = await detectOnnxProviders({ env: process.env, python: args.python, signal: interrupt.signal });
    emit(detection, { json: args.json, render: describe });
    for (const warning of detection.warnings) log().warn(warning);
  },
});

function describe({ providers, order }: OnnxDetection): string {
  const rank = (name: string): string => (order.includes(name) ? String(order.indexOf(name) + 1) : "-");
  const rows = providers.map(({ name, isUsable, reason }) => [isUsable ? "yes" : "no", rank(name), name, reason]);
  return table(rows).join("\n");
}

if (import.meta.main) await runScript(command);
