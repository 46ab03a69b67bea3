/** The conductor as it is, that also says on SIGUSR2 what is alive in its heap: a number of bytes, in the file `heap` of its folder. */
import { heapStats } from "bun:jsc";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const file = join(process.env.HARBOR_CONDUCTOR_DATA ?? "", "heap");

process.on("SIGUSR2", () => {
  Bun.gc(true);
  writeFileSync(`${file}.new`, String(heapStats().heapSize));
  renameSync(`${file}.new`, file);
});
// afterwards: it is not over before the conductor ends
await import("../services/conductor/main.ts");
