/** Whether a container engine answers, which it is, and what decided that it is this one. */
import { HarborError } from "../_script/error.ts";
import type { EngineKind } from "../engine/detect-engine-kind.ts";
import { type Endpoint, listEndpoints, productOf } from "../engine/find-endpoint.ts";
import type { Check } from "./check.ts";
import type { EngineInfo } from "./context.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface EngineFacts {
  /** Undefined where not even that could be told. */
  endpoint: Endpoint | undefined;
  answer: { version: string; kind: EngineKind; info: EngineInfo } | HarborError;
  /** Services that need it. */
  needing: readonly string[];
  /** Addresses of engines that have a socket here. */
  here: readonly string[];
}

/** No engine is a failure where something names one, or needs one: native services go on without. */
export function judgeEngine({ endpoint, answer, needing, here }: EngineFacts): Finding {
  const others = here.filter((host) => host !== endpoint?.host).map((host) => `Also here: ${productOf({ host })} at ${host}`);
  if (!(answer instanceof HarborError) && endpoint !== undefined) {
    const name = nameEngine(endpoint, answer.info);
    return ok(`${name} ${answer.version} (${answer.kind}) at ${endpoint.host}, ${wordOrigin(endpoint)}`, others);
  }
  const { message, hint } = answer as HarborError;
  const isNamed = endpoint === undefined || endpoint.origin === "DOCKER_HOST" || endpoint.origin === "context";
  const isRefused = message.includes("no permission");
  const trouble = {
    what: message,
    why:
      needing.length > 0
        ? `No container can run without it: it is needed for ${needing.join(", ")}`
        : "No container can run without it; native services can",
    fix: hint ?? "Start the engine",
    details: others,
  };
  return isNamed || isRefused || needing.length > 0 ? failed(trouble) : warning(trouble);
}

function wordOrigin({ origin, context }: Endpoint): string {
  if (origin === "DOCKER_HOST") return "which DOCKER_HOST names";
  if (origin === "context") return `which docker's context "${context}" names`;
  return origin === "found" ? "found where nothing names one" : "the usual place; nothing names another";
}

/** By its own words first: several stand behind the usual socket. */
export function nameEngine(endpoint: Pick<Endpoint, "host" | "context">, { OperatingSystem = "", Name = "" }: EngineInfo): string {
  const named = ["Docker Desktop", "OrbStack"].find((product) => OperatingSystem.includes(product));
  if (named !== undefined) return named;
  if (/rancher-desktop/i.test(Name)) return "Rancher Desktop";
  if (/^colima/i.test(Name)) return "Colima";
  return productOf(endpoint);
}

export const checkEngine: Check = {
  name: "engine",
  group: "engine",
  about: "whether a container engine answers, and which",
  async run(context) {
    const { env, platform } = context;
    const here = listEndpoints({ env, platform });
    const needing = await context.contained();
    let endpoint: Endpoint | undefined;
    try {
      endpoint = context.endpoint();
      const { engine, info, kind } = await context.engine();
      return judgeEngine({ endpoint, answer: { version: engine.version, kind, info }, needing, here });
    } catch (error) {
      if (!(error instanceof HarborError)) throw error;
      return judgeEngine({ endpoint, answer: error, needing, here });
    }
  },
};
