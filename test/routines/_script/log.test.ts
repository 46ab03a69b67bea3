import { expect, spyOn, test } from "bun:test";
import * as streams from "../../../routines/_script/emit.ts";
import { log } from "../../../routines/_script/log.ts";

test("log writes whole lines to stderr, warnings marked as such", () => {
  const written: [number, string][] = [];
  const write = spyOn(streams, "writeAll").mockImplementation((fd, text) => void written.push([fd, text]));
  log().log("a: ready");
  log().warn("mind `this`");
  write.mockRestore();
  expect(written).toEqual([
    [2, "a: ready\n"],
    [2, "harbor: warning: mind `this`\n"],
  ]);
});
