/** serve.py alone, with a module in uvicorn's place: it ends with whoever started it, however busy it is. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../_until.ts";
import { makeFolder } from "../../_workspace.ts";
import { isRunning } from "../../cli/_sandbox.ts";

const SERVE = join(import.meta.dir, "../../../services/speaches/serve.py");
const PARENT = `
const [serve, folder] = process.argv.slice(1);
const child = Bun.spawn(["python3", serve, "--factory", "a:b"], { cwd: folder, stdin: "pipe", stdout: "inherit" });
await child.exited;`;

test.each([
  ["that ends when it is told to", "signal.SIG_DFL"],
  ["that does not hear", "signal.SIG_IGN"],
])(
  "a server %s ends with its parent, which was killed",
  async (_, handler) => {
    const folder = makeFolder();
    const lines = [
      "import os, signal, sys, time",
      `signal.signal(signal.SIGTERM, ${handler})`,
      'sys.stdout.write(f"{os.getpid()} {sys.argv[1]} {sys.argv[2]}\\n"); sys.stdout.flush()',
    ];
    writeFileSync(join(folder, "uvicorn.py"), [...lines, "time.sleep(60)", ""].join("\n"));
    const parent = Bun.spawn([process.execPath, "-e", PARENT, SERVE, folder], { stdout: "pipe", stderr: "ignore" });
    const { value } = await parent.stdout.getReader().read();
    const [pid = "", ...words] = new TextDecoder().decode(value).trim().split(" ");
    parent.kill("SIGKILL");
    expect(words).toEqual(["--factory", "a:b"]);
    await until(() => !isRunning(Number(pid)), "the server ends", 15_000);
  },
  20_000,
);
