import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { listenForInterrupt } from "../../../routines/_script/interrupt.ts";

describe("listenForInterrupt", () => {
  test("gives the signals back", () => {
    const before = process.listenerCount("SIGINT");
    {
      using interrupt = listenForInterrupt();
      expect(process.listenerCount("SIGINT")).toBe(before + 1);
      expect(interrupt.signal.aborted).toBe(false);
    }
    expect(process.listenerCount("SIGINT")).toBe(before);
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("%s aborts, and a second one does not cut the undoing short", async (name) => {
    const module = join(import.meta.dir, "../../../routines/_script/interrupt.ts");
    const code = `
      import { listenForInterrupt } from ${JSON.stringify(module)};
      const interrupt = listenForInterrupt();
      const alive = setInterval(() => undefined, 1000);
      interrupt.signal.addEventListener("abort", () => {
        console.log("undoing");
        process.once("message", () => { clearInterval(alive); console.log("done"); process.disconnect(); });
      });
      process.send("ready");`;
    const ready = Promise.withResolvers<void>();
    const child = Bun.spawn([process.execPath, "-e", code], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
      ipc: () => ready.resolve(),
    });
    await ready.promise;
    child.kill(name);
    const reader = child.stdout.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe("undoing\n");
    child.kill(name);
    child.send("go on");
    expect(new TextDecoder().decode((await reader.read()).value)).toBe("done\n");
    expect(await child.exited).toBe(0);
  });
});
