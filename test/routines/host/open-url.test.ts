import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openUrl } from "../../../routines/host/open-url.ts";
import { makeTree } from "../../_workspace.ts";

/** A program that notes its words, then ends with a code. */
function opener(code: number): { root: string; program: string } {
  const root = makeTree({
    opener: `#!/bin/sh\nprintf '%s\\n' "$@" >"$0.said.tmp" && mv "$0.said.tmp" "$0.said"\necho no browser >&2\nexit ${code}\n`,
  });
  chmodSync(join(root, "opener"), 0o755);
  return { root, program: join(root, "opener") };
}

describe("openUrl", () => {
  test("says where to look on a host that has nothing to open it with", async () => {
    const failed: unknown = await openUrl({ url: "http://a/", platform: "linux", which: () => null }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ exit: "missing", hint: "Open it in a browser: http://a/" });
  });

  test("asks for the platform's own programs, in order", async () => {
    const asked: string[] = [];
    const which = (program: string): null => {
      asked.push(program);
      return null;
    };
    for (const platform of ["darwin", "linux", "win32"] as const)
      await openUrl({ url: "http://a/", platform, which }).catch(() => undefined);
    expect(asked).toEqual(["open", "wslview", "xdg-open", "gio", "explorer.exe"]);
  });

  test("never lets a URL reach a shell", async () => {
    const { root, program } = opener(0);
    const path = process.env.PATH;
    await Bun.$`mv ${program} ${join(root, "xdg-open")}`.quiet();
    process.env.PATH = `${root}:${path}`;
    try {
      await openUrl({
        url: "http://a/?x=$(touch${IFS}pwned)&y=;ls",
        platform: "linux",
        which: (name) => (name === "xdg-open" ? "there" : null),
      });
    } finally {
      process.env.PATH = path;
    }
    expect(readFileSync(join(root, "xdg-open.said"), "utf8")).toBe("http://a/?x=$(touch${IFS}pwned)&y=;ls\n");
    expect(existsSync("pwned")).toBe(false);
  });
});
