/** HTTP proxies: of this shell, of the engine that pulls images, and of the containers that docker hands them to. */
import { readFileSync } from "node:fs";
import type { Env } from "../config/read-values.ts";
import { ifReadable } from "./_if-readable.ts";
import type { Check } from "./check.ts";
import { dockerConfigFile } from "./check-context.ts";
import type { EngineInfo } from "./context.ts";
import { type Finding, ok, warning } from "./finding.ts";

export interface ProxyFacts {
  /** As a program of this shell has them; the lower-case names where both are there. */
  shell: { http: string; https: string; none: string };
  /** Undefined where no engine answers. */
  engine: { http: string; https: string; none: string } | undefined;
  /** What docker's configuration gives to every container. */
  containers: { proxy: string; none: string } | undefined;
}

export function judgeProxies({ shell, engine, containers }: ProxyFacts): Finding[] {
  const found: Finding[] = [];
  const proxy = shell.https || shell.http;
  if (proxy !== "" && !coversLoopback(shell.none)) {
    found.push(
      warning({
        what: `a proxy (${show(proxy)}), and NO_PROXY names neither localhost nor 127.0.0.1`,
        why: "Programs ask the proxy for services of this very host, which it does not know",
        fix: `export NO_PROXY=${[shell.none, "localhost,127.0.0.1,::1"].filter((it) => it !== "").join(",")}`,
      }),
    );
  }
  if (proxy !== "" && engine !== undefined && engine.https === "" && engine.http === "") {
    found.push(
      warning({
        what: `this shell has a proxy (${show(proxy)}), the container engine has none`,
        why: "Where the internet is reached by the proxy alone, no image can be pulled",
        fix: 'Name it in the engine\'s daemon.json ("proxies": { "https-proxy": … }) or in its unit\'s environment, and restart the engine',
      }),
    );
  }
  if (containers !== undefined && !coversLoopback(containers.none)) {
    found.push(
      warning({
        what: `docker hands a proxy (${show(containers.proxy)}) to every container, without exceptions for this stack`,
        why: "Services ask the proxy for each other (http://ollama:11434), which it does not know",
        fix: 'Add "noProxy": "localhost,127.0.0.1,.internal,<services>" beside it in docker\'s config.json',
      }),
    );
  }
  if (found.length > 0) return found;
  return [
    ok(
      proxy === "" && engine?.https === ""
        ? "none"
        : `shell: ${show(proxy) || "none"}; engine: ${show(engine?.https || engine?.http || "") || "none"}`,
    ),
  ];
}

function coversLoopback(none: string): boolean {
  const words = none.split(",").map((word) => word.trim());
  return words.includes("*") || (words.includes("localhost") && words.some((word) => word.startsWith("127.")));
}

/** Without a password. */
function show(proxy: string): string {
  return proxy.replace(/\/\/[^/@]*@/, "//");
}

function ofShell(env: Env): ProxyFacts["shell"] {
  const read = (name: string): string => env[name.toLowerCase()] || env[name] || "";
  return { http: read("HTTP_PROXY"), https: read("HTTPS_PROXY"), none: read("NO_PROXY") };
}

function ofEngine({ HttpProxy = "", HttpsProxy = "", NoProxy = "" }: EngineInfo): ProxyFacts["shell"] {
  return { http: HttpProxy, https: HttpsProxy, none: NoProxy };
}

function ofContainers(env: Env): ProxyFacts["containers"] {
  try {
    const { proxies } = JSON.parse(readFileSync(dockerConfigFile(env), "utf8")) as {
      proxies?: { default?: { httpProxy?: string; httpsProxy?: string; noProxy?: string } };
    };
    const { httpProxy, httpsProxy, noProxy = "" } = proxies?.default ?? {};
    const proxy = httpsProxy || httpProxy;
    return proxy ? { proxy, none: noProxy } : undefined;
  } catch {
    return undefined; // none; or what the check of the context says
  }
}

export const checkProxies: Check = {
  name: "proxies",
  group: "network",
  about: "HTTP proxies of this shell, the engine and containers",
  async run(context) {
    const { env } = context;
    const { info } = (await ifReadable(context.engine)) ?? {};
    return judgeProxies({ shell: ofShell(env), engine: info === undefined ? undefined : ofEngine(info), containers: ofContainers(env) });
  },
};
