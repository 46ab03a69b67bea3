/** The service manager of this system, and what our entry in it says. */
import { lstatSync } from "node:fs";
import { HarborError } from "../_script/error.ts";
import { readText } from "../_script/read-text.ts";
import { MARK, type WrittenEntry } from "./_entry.ts";
import { createLaunchd } from "./_launchd.ts";
import type { Manager, ManagerPlace } from "./_manager.ts";
import { createSystemd } from "./_systemd.ts";

/** Whether it is installed is another question. */
export function findManager(place: ManagerPlace, platform: NodeJS.Platform = process.platform): Manager {
  return platform === "darwin" ? createLaunchd(place) : createSystemd(place);
}

/** Undefined where there is none; throws for a file of that name that we did not write. */
export function readEntry(manager: Manager): WrittenEntry | undefined {
  if (lstatSync(manager.file, { throwIfNoEntry: false }) === undefined) return undefined;
  const text = readText(manager.file);
  if (!text.includes(MARK)) {
    throw new HarborError(`Cannot use "${manager.file}": it was not written by Harbor`, {
      hint: "Move it away, or give it another name",
    });
  }
  return manager.read(text) ?? { command: [] };
}
