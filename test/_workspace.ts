/**
 * Temporary workspaces for tests: a tree of files out of an object, gone when the test ends. Loaded by
 * bunfig.toml before any test: a hook of a module that several test files import counts for the first alone.
 */
import { afterAll, afterEach } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A Python environment is thousands of files, and the machine may be busy with other tests. */
const REMOVE_MS = 60_000;

const made: string[] = [];

afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
}, REMOVE_MS);

const lasting: string[] = [];

// of all test files: this hook is the preloaded file's
afterAll(() => {
  for (const directory of lasting.splice(0)) rmSync(directory, { recursive: true, force: true });
}, REMOVE_MS);

/** An empty folder for what several test files share, gone after the last of them. */
export function makeLastingFolder(prefix: string): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), prefix)));
  lasting.push(directory);
  return directory;
}

/** An empty folder. */
export function makeFolder(): string {
  const directory = mkdtempSync(join(tmpdir(), "harbor-test-"));
  made.push(directory);
  return directory;
}

/** A folder with these files; names are paths in it. */
export function makeTree(files: Record<string, string>): string {
  const root = makeFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}
