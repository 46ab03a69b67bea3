/** Merging of texts for tests: each set is written to a folder of its own. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { HarborError } from "../../../routines/_script/error.ts";
import { type MergedCompose, type MergeFile, mergeCompose } from "../../../routines/compose/merge-compose.ts";

const VALUES: Record<string, string> = { NAME: "A", PORT: "8080", DIR: "/data", DRIVER: "syslog" };

/** A scratch folder with what tests of merging need. */
export class MergeSandbox {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), "harbor-merge-")));
  private count = 0;

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  write(path: string, text: string): string {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  /** Merges texts as the files of one folder. */
  merge(texts: readonly string[], more: Partial<MergeFile>[] = []): MergedCompose {
    const folder = `set${this.count++}`;
    const directory = join(this.root, folder);
    const files = texts.map((text, at) => ({ path: this.write(`${folder}/${at}.yml`, text), directory, ...more[at] }));
    return mergeCompose({ files, projectDirectory: directory, values: (name) => VALUES[name] });
  }
}

/** The HarborError that something ends in. */
export function refusal(run: () => unknown): HarborError {
  try {
    run();
  } catch (error) {
    if (error instanceof HarborError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}
