import { describe, expect, test } from "bun:test";
import type { Entry } from "../../../routines/autostart/_entry.ts";
import { readAgent, renderAgent } from "../../../routines/autostart/_launchd-agent.ts";

const ODD = `a b $HOME "q" 'q' <string>&amp;</string> ]]> ü \\ {{up}}`;
const ENTRY: Entry = {
  home: `/Users/me/${ODD}`,
  launcher: "/opt/harbor/bin/harbor",
  up: ["up", `--workspace=${ODD}`, "webui"],
  directory: `/Users/me/${ODD}`,
  environment: { PATH: "/usr/bin:/bin" },
  services: ["webui"],
};
const PLACE = { label: "local.harbor", log: "/Users/me/Library/Logs/local.harbor.log" };

/** What Python makes of a property list, as JSON. */
async function readByPython(text: string): Promise<Record<string, unknown>> {
  const code = "import sys, json, plistlib; json.dump(plistlib.loads(sys.stdin.buffer.read()), sys.stdout)";
  const child = Bun.spawn(["python3", "-c", code], { stdin: new TextEncoder().encode(text), stdout: "pipe", stderr: "inherit" });
  return (await child.stdout.json()) as Record<string, unknown>;
}

describe("renderAgent", () => {
  test("can be read again, whatever is in it", () => {
    expect(readAgent(renderAgent(ENTRY, PLACE))).toEqual({ command: [ENTRY.launcher, ...ENTRY.up] });
    expect(readAgent("<plist></plist>")).toBeUndefined();
  });

  test("refuses what a property list cannot hold", () => {
    for (const word of ["a\nb", "a\0", "\ud800", "\uffff"])
      expect(() => renderAgent({ ...ENTRY, up: [word] }, PLACE)).toThrow(/^Cannot write ".*" into a property list/);
  });

  test.skipIf(Bun.which("python3") === null)("is a property list that says what is run, and when again", async () => {
    expect(await readByPython(renderAgent(ENTRY, PLACE))).toEqual({
      Label: "local.harbor",
      ProgramArguments: [ENTRY.launcher, ...ENTRY.up],
      EnvironmentVariables: { HARBOR_HOME: ENTRY.home, PATH: "/usr/bin:/bin" },
      WorkingDirectory: ENTRY.directory,
      RunAtLoad: true,
      KeepAlive: { SuccessfulExit: false },
      ThrottleInterval: 60,
      AbandonProcessGroup: true,
      StandardOutPath: PLACE.log,
      StandardErrorPath: PLACE.log,
    });
    const { directory: _, ...elsewhere } = ENTRY;
    expect(await readByPython(renderAgent(elsewhere, PLACE))).not.toHaveProperty("WorkingDirectory");
  });
});
