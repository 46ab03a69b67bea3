/** What speech models run on: the execution providers of ONNX Runtime that this host can use. */

import { HarborError } from "../_script/error.ts";
import { detectOnnxProviders, type OnnxDetection } from "../host/detect-onnx-providers.ts";
import type { Check } from "./check.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

/** `override`: HARBOR_ONNX_PROVIDER. */
export function judgeOnnx(
  { order, providers, warnings }: Pick<OnnxDetection, "order" | "providers" | "warnings">,
  override?: string,
): Finding {
  const details = providers.filter(({ isUsable }) => !isUsable).map(({ name, reason }) => `not ${name}: ${reason}`);
  const what = order.length === 0 ? "no provider can be used" : `in this order: ${order.join(", ")}`;
  if (warnings.length === 0 && order.length > 0) return ok(what, details);
  return warning({
    what,
    why: warnings.join("; ") || "Speech models do not run",
    fix:
      override === undefined
        ? "harbor routine detect-onnx-providers says more"
        : "harbor config unset onnx_provider, or name one that is usable",
    details,
  });
}

export const checkOnnx: Check = {
  name: "onnx",
  group: "gpu",
  about: "what speech models can run on",
  async run(context) {
    const { env, signal } = context;
    const override = context.values().get("HARBOR_ONNX_PROVIDER");
    try {
      return judgeOnnx(await detectOnnxProviders({ env: { ...env, HARBOR_ONNX_PROVIDER: override }, signal }), override);
    } catch (error) {
      if (!(error instanceof HarborError) || error.exit !== "usage") throw error;
      const why = "Services that speak or listen do not start";
      return failed({ what: error.message, why, fix: error.hint ?? "harbor config unset onnx_provider" });
    }
  },
};
