/** Memory of this host, and of the virtual machine that containers run in. */
import { readFileSync } from "node:fs";
import { formatSize } from "../_script/size.ts";
import { ifReadable } from "./_if-readable.ts";
import type { Check } from "./check.ts";
import type { DoctorContext } from "./context.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface MemoryFacts {
  totalBytes: number;
  /** What programs could still have; undefined where the system does not tell. */
  availableBytes: number | undefined;
  /** Of the engine's virtual machine; undefined where containers have this host's. */
  machineBytes: number | undefined;
}

const LEAST_BYTES = 300e6;
const SHORT_BYTES = 1e9;
const SMALL_MACHINE_BYTES = 4e9;

export function judgeMemory({ totalBytes, availableBytes, machineBytes }: MemoryFacts): Finding[] {
  const found: Finding[] = [];
  if (availableBytes !== undefined && availableBytes < SHORT_BYTES) {
    const trouble = {
      what: `${formatSize(availableBytes)} of ${formatSize(totalBytes)} memory is available`,
      why: "Models are loaded into memory; the system ends what takes too much (exit code 137)",
      fix: "End what takes it (`harbor top`), or take a smaller model",
    };
    found.push(availableBytes < LEAST_BYTES ? failed(trouble) : warning(trouble));
  }
  if (machineBytes !== undefined && machineBytes < SMALL_MACHINE_BYTES) {
    found.push(
      warning({
        what: `the engine's virtual machine has ${formatSize(machineBytes)} of memory`,
        why: "Containers with models end with exit code 137; natively they would have all of this host's",
        fix: "Give it more (Docker Desktop: Settings, Resources; `colima start --memory 8`), or run models natively: harbor up -x <service>",
      }),
    );
  }
  if (found.length > 0) return found;
  const machine = machineBytes === undefined ? "" : `; ${formatSize(machineBytes)} for containers`;
  return [ok(`${availableBytes === undefined ? "" : `${formatSize(availableBytes)} available of `}${formatSize(totalBytes)}${machine}`)];
}

/** Of `/proc/meminfo`, in bytes. */
export function readMeminfo(text: string): Pick<MemoryFacts, "totalBytes" | "availableBytes"> | undefined {
  const read = (name: string): number | undefined => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1];
    return found === undefined ? undefined : Number(found) * 1024;
  };
  const totalBytes = read("MemTotal");
  return totalBytes === undefined ? undefined : { totalBytes, availableBytes: read("MemAvailable") };
}

async function readHost(): Promise<Pick<MemoryFacts, "totalBytes" | "availableBytes">> {
  if (process.platform === "linux") {
    const found = readMeminfo(readFileSync("/proc/meminfo", "utf8"));
    if (found !== undefined) return found;
  }
  // what macOS calls free leaves out all that it would give back
  return { totalBytes: (await import("node:os")).totalmem(), availableBytes: undefined };
}

async function readMachine(context: DoctorContext): Promise<number | undefined> {
  const { info, kind } = (await ifReadable(context.engine)) ?? {};
  return kind === "desktop" || (kind === "podman" && context.platform !== "linux") ? info?.MemTotal : undefined;
}

export const checkMemory: Check = {
  name: "memory",
  group: "host",
  about: "memory of this host and of the engine's machine",
  async run(context) {
    return judgeMemory({ ...(await readHost()), machineBytes: await readMachine(context) });
  },
};
