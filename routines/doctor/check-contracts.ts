/** Whether the program of every service that can run natively is here, and how to get it where not. */
import { HarborError } from "../_script/error.ts";
import type { Values } from "../config/read-values.ts";
import { findExecutable } from "../native/find-executable.ts";
import { type Contract, readContract } from "../native/read-contract.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { listFiles } from "../workspace/list-files.ts";
import { ifReadable } from "./_if-readable.ts";
import type { Check } from "./check.ts";
import { type Finding, failed, ok } from "./finding.ts";

export interface ContractFacts {
  handle: string;
  /** As the contract names it. */
  program: string;
  /** Where it is; null where it is not, or cannot be run. */
  file: string | null;
  /** The contract's line for this platform. */
  install: string | undefined;
  /** Whether it is to run natively in what is up or would start. */
  isSelected: boolean;
}

export function judgeContracts(contracts: readonly ContractFacts[]): Finding[] {
  const missing = contracts.filter(({ file }) => file === null);
  const found = missing
    .filter(({ isSelected }) => isSelected)
    .map(({ handle, program, install }) =>
      failed({
        what: `${handle} is to run natively, and its program "${program}" is not here`,
        why: `harbor up cannot start ${handle}`,
        fix: install === undefined ? `Install ${program}, or run it in a container: harbor up -c ${handle}` : install,
      }),
    );
  const here = contracts.filter(({ file }) => file !== null).map(({ handle }) => handle);
  const others = missing.filter(({ isSelected }) => !isSelected);
  const more = others.length === 0 ? "" : `; not installed: ${others.map(({ handle }) => handle).join(", ")}`;
  const details = others.map(({ handle, install }) => `${handle}: ${install ?? "its contract does not say how to install it"}`);
  return [...found, ok(`can run natively: ${here.join(", ") || "none"}${more}`, details)];
}

/** Those that can be read; another check tells of the others. */
export function readContracts(workspace: Workspace, values: Values, path: string, natives: readonly string[]): ContractFacts[] {
  const files = listFiles({ workspace, handles: "*", capabilities: new Set() }).filter(({ kind }) => kind === "contract");
  // of several layers the upper one counts, and comes last
  const paths = new Map(files.map((file) => [file.parts[0] ?? "", file.path]));
  return [...paths].flatMap(([handle, file]) => {
    const contract = readOrNothing(file, handle);
    if (contract === undefined) return [];
    const install = contract.install[process.platform] ?? contract.install.any;
    return [{ handle, ...locate(contract, values, path), install: install?.trim(), isSelected: natives.includes(handle) }];
  });
}

function readOrNothing(path: string, handle: string): Contract | undefined {
  try {
    return readContract({ path, handle });
  } catch (error) {
    if (error instanceof HarborError) return undefined;
    throw error;
  }
}

function locate(contract: Contract, values: Values, path: string): Pick<ContractFacts, "program" | "file"> {
  try {
    return findExecutable({ contract, values: values.get, path });
  } catch (error) {
    if (error instanceof HarborError) return { program: contract.executable, file: null }; // a value that it requires is not set
    throw error;
  }
}

export const checkContracts: Check = {
  name: "contracts",
  group: "services",
  about: "whether the programs of native services are here",
  async run(context) {
    const natives = (await ifReadable(context.plan))?.plan.natives.map(({ handle }) => handle) ?? context.record()?.natives ?? [];
    return judgeContracts(readContracts(context.workspace(), context.values(), context.env.PATH ?? "", natives));
  },
};
