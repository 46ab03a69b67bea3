/** Every check there is, in the order that its findings are shown. */
import { HarborError } from "../_script/error.ts";
import { nearest } from "../_script/nearest.ts";
import type { Check } from "./check.ts";
import { checkBridge } from "./check-bridge.ts";
import { checkClock } from "./check-clock.ts";
import { checkCompose } from "./check-compose.ts";
import { checkConfig } from "./check-config.ts";
import { checkConnected } from "./check-connected.ts";
import { checkContext } from "./check-context.ts";
import { checkContracts } from "./check-contracts.ts";
import { checkDisk } from "./check-disk.ts";
import { checkDns } from "./check-dns.ts";
import { checkEngine } from "./check-engine.ts";
import { checkEngineKind } from "./check-engine-kind.ts";
import { checkEngineVersion } from "./check-engine-version.ts";
import { checkFolders } from "./check-folders.ts";
import { checkGpu } from "./check-gpu.ts";
import { checkLeftovers } from "./check-leftovers.ts";
import { checkListeners } from "./check-listeners.ts";
import { checkMemory } from "./check-memory.ts";
import { checkModes } from "./check-modes.ts";
import { checkOnnx } from "./check-onnx.ts";
import { checkOrphans } from "./check-orphans.ts";
import { checkPortsFree } from "./check-ports.ts";
import { checkProxies } from "./check-proxies.ts";
import { checkPython } from "./check-python.ts";
import { checkReach } from "./check-reach.ts";
import { checkSecrets } from "./check-secrets.ts";
import { checkSelinux } from "./check-selinux.ts";
import { checkSocket } from "./check-socket.ts";
import { checkStack } from "./check-stack.ts";
import { checkSupervisor } from "./check-supervisor.ts";
import { checkWsl } from "./check-wsl.ts";

export const CHECKS: readonly Check[] = [
  ...[checkEngine, checkEngineVersion, checkEngineKind, checkSocket, checkContext, checkCompose],
  ...[checkGpu, checkOnnx],
  ...[checkBridge, checkListeners, checkReach, checkPortsFree, checkDns, checkProxies],
  ...[checkDisk, checkMemory, checkClock, checkPython, checkWsl, checkSelinux],
  ...[checkConfig, checkModes, checkSecrets, checkStack, checkLeftovers, checkSupervisor, checkOrphans],
  ...[checkFolders, checkContracts, checkConnected],
];

/** Those of these names, or of the groups of these names; all without any. Throws `unknown` with the nearest. */
export function chooseChecks(names: readonly string[]): Check[] {
  for (const name of names) {
    if (CHECKS.some((check) => check.name === name || check.group === name)) continue;
    const guess = nearest(name, [...CHECKS.map((check) => check.name), ...CHECKS.map((check) => check.group)]);
    throw new HarborError(`Cannot find check "${name}"${guess === undefined ? "" : `; did you mean "${guess}"?`}`, {
      exit: "unknown",
      hint: "Run `harbor doctor --list` to see them",
    });
  }
  return CHECKS.filter(({ name, group }) => names.length === 0 || names.includes(name) || names.includes(group));
}
