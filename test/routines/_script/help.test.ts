import { describe, expect, test } from "bun:test";
import { type Command, defineCommand } from "../../../routines/_script/command.ts";
import { renderHelp } from "../../../routines/_script/help.ts";

describe("renderHelp", () => {
  test("shows how it is used, then its examples as they are, then what it takes", async () => {
    const command = defineCommand({
      meta: { name: "do", description: "Do it", examples: ["harbor do a    The first", "harbor do b"] },
      args: {
        names: { type: "positional", description: "What", multiple: true },
        many: { type: "string", alias: "m", description: "More", valueHint: "M", multiple: true },
        flag: { type: "boolean", description: "Whether" },
      },
      run: () => undefined,
    });
    const text = await renderHelp(command as unknown as Command, "harbor do");
    expect(text).toStartWith("Do it (harbor do)\n\nUSAGE harbor do [OPTIONS] [NAMES]\n");
    expect(text).toMatch(/^ +-m, --many=<M> {2,}More \(repeatable\)$/m);
    expect(text).toMatch(/^ +--flag {2,}Whether$/m);
    expect(text).toContain("\n\nEXAMPLES\n\n  harbor do a    The first\n  harbor do b\n\nARGUMENTS\n\n");
    expect(text).not.toMatch(/[ \t]$/m);
    expect(text).not.toContain("\n\n\n");
  });
});
