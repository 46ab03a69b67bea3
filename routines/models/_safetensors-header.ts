/**
 * The type of number that most of a safetensors file consists of. The file begins with the length of a JSON object, then that: tensor →
 * type, shape, and from where to where its bytes are (https://github.com/huggingface/safetensors, "Format").
 */
import { readHead } from "./_read-head.ts";
import type { ModelDetails } from "./_stored-model.ts";

/** The format itself allows 100 MB; one of a real model has some hundred kilobytes. */
const MOST_BYTES = 16 << 20;

/** Undefined for a file that is none. */
export function readSafetensorsHeader(path: string): ModelDetails | undefined {
  const start = readHead(path, 8);
  if (start === undefined || start.length < 8) return undefined;
  const length = Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, true));
  if (length < 2 || length > MOST_BYTES) return undefined;
  const head = readHead(path, 8 + length);
  if (head === undefined || head.length < 8 + length) return undefined;
  try {
    return { format: "safetensors", quantisation: mostly(JSON.parse(new TextDecoder().decode(head.subarray(8)))) };
  } catch {
    return undefined;
  }
}

function mostly(header: unknown): string | undefined {
  const bytes = new Map<string, number>();
  for (const [name, tensor] of Object.entries((header ?? {}) as Record<string, unknown>)) {
    const { dtype, data_offsets: offsets } = (tensor ?? {}) as { dtype?: unknown; data_offsets?: unknown };
    if (name === "__metadata__" || typeof dtype !== "string" || !Array.isArray(offsets)) continue;
    bytes.set(dtype, (bytes.get(dtype) ?? 0) + Number(offsets[1]) - Number(offsets[0]));
  }
  const [most] = [...bytes].sort(([, a], [, b]) => b - a);
  return most !== undefined && /^\w{1,16}$/.test(most[0]) ? most[0] : undefined;
}
