import { describe, expect, test } from "bun:test";
import { awaitChild, readOutput } from "../../../routines/_script/child-output.ts";

describe("awaitChild", () => {
  test("gives the code, after all that was said", async () => {
    const child = Bun.spawn(["sh", "-c", "printf 'h\\303'; printf '\\244'; exit 3"], { stdout: "pipe" });
    const said: string[] = [];
    expect(await awaitChild(child.exited, [readOutput(child.stdout, (text) => said.push(text))])).toBe(3);
    expect(said.join("")).toBe("hä");
  });

  test("does not wait for ever for a pipe that never ends", async () => {
    const endless = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new TextEncoder().encode("all")) });
    const said: string[] = [];
    expect(await awaitChild(Promise.resolve(0), [readOutput(endless, (text) => said.push(text))])).toBe(0);
    expect(said).toEqual(["all"]);
  });
});
