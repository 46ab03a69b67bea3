/**
 * What speaches computes on: ONNX Runtime's execution providers for text to speech, CTranslate2's device for speech to
 * text. What was found on the host is tried first; what fails at its first use is left out for the next try.
 */
import { detectOnnxProviders, type OnnxDetection, type OnnxProvider } from "harbor/host/detect-onnx-providers";
import type { SpeechCheck } from "./check-speech.ts";
import type { Settings } from "./settings.ts";

export interface Acceleration {
  /** ONNX Runtime's names, the best first, the CPU's last. */
  providers: readonly string[];
  device: string;
}

const CPU = "CPUExecutionProvider";
const CUDA = "CUDAExecutionProvider";
/** Builds an engine for each shape of its input, for minutes: speaches leaves it out, so does the container. */
const TENSORRT = "TensorrtExecutionProvider";

export interface Chosen {
  first: Acceleration;
  detection: OnnxDetection;
}

/** Throws `usage` for an override that names no provider. */
export async function chooseAcceleration(
  settings: Settings,
  python: string,
  env: Record<string, string>,
  signal: AbortSignal,
): Promise<Chosen> {
  const detection = await detectOnnxProviders({ env: { ...env, HARBOR_ONNX_PROVIDER: settings.provider }, python, signal });
  const isAskedFor = /tensorrt/i.test(settings.provider);
  const providers = detection.order.filter((name) => name !== TENSORRT || isAskedFor);
  return { first: { providers, device: settings.device }, detection };
}

/** What to try after a check, and why; undefined where nothing is left to try. */
export function fallBack(now: Acceleration, check: SpeechCheck, canUseCuda: boolean): { next: Acceleration; why: string } | undefined {
  const [provider = CPU, ...others] = now.providers;
  const reasons: string[] = [];
  let next = now;
  if (check.tts !== undefined && provider !== CPU) {
    next = { ...next, providers: others };
    reasons.push(`text to speech does not work with ${nameOf(provider)} (${check.tts}); trying ${nameOf(others[0] ?? CPU)}`);
  }
  const onGpu = now.device === "cuda" || (now.device === "auto" && canUseCuda);
  if (check.stt !== undefined && onGpu) {
    next = { ...next, device: "cpu" };
    reasons.push(`speech to text does not work with CUDA (${check.stt}); trying the CPU`);
  }
  return reasons.length === 0 ? undefined : { next, why: reasons.join("; ") };
}

/** Variables of the server for it. speaches takes every provider that it is not told to leave out, by priority. */
export function accelerationVariables({ providers, device }: Acceleration, known: readonly OnnxProvider[]): Record<string, string> {
  const chosen = known.filter(({ name }) => providers.includes(name));
  const options = chosen.flatMap(({ name, options: own }) => (own === undefined ? [] : [[name, own] as const]));
  const priorities = providers.map((name, index) => [name, 100 * (providers.length - index)]);
  return {
    UNSTABLE_ORT_OPTS__PROVIDER_PRIORITY: JSON.stringify(Object.fromEntries(priorities)),
    UNSTABLE_ORT_OPTS__EXCLUDE_PROVIDERS: JSON.stringify(known.map(({ name }) => name).filter((name) => !providers.includes(name))),
    ...(options.length === 0 ? {} : { UNSTABLE_ORT_OPTS__PROVIDER_OPTS: JSON.stringify(Object.fromEntries(options)) }),
    ...Object.assign({}, ...chosen.map(({ env }) => env)),
    WHISPER__INFERENCE_DEVICE: device,
  };
}

export function canUseCuda({ order }: OnnxDetection): boolean {
  return order.includes(CUDA);
}

/** `CoreMLExecutionProvider` as people say it, by itself or in a sentence. */
export function nameOf(text: string): string {
  return text.replace(/ExecutionProvider\b/g, "");
}

/** What each half runs on; nothing where the server is left to find that out. */
export function describe({ providers, device }: Acceleration): { stt: string; tts: string } {
  return { stt: device === "auto" ? "" : ` on ${device}`, tts: ` on ${providers.map(nameOf).join(", then ")}` };
}
