/** launchd, the user's own agents. A file in their folder counts from the next login on. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { homeDirectory } from "../_script/home-directory.ts";
import { writeFileWhole } from "../_script/write-file.ts";
import { callTool } from "./_call-tool.ts";
import { entryName } from "./_entry-name.ts";
import { readAgent, renderAgent } from "./_launchd-agent.ts";
import type { Manager, ManagerPlace } from "./_manager.ts";

export function createLaunchd({ home, env }: ManagerPlace): Manager {
  const label = `local.${entryName(home, env)}`;
  const library = join(homeDirectory(env), "Library");
  const file = join(library, "LaunchAgents", `${label}.plist`);
  const domain = `gui/${process.getuid?.() ?? 0}`;
  const target = `${domain}/${label}`;
  return {
    name: "launchd",
    unit: label,
    file,
    render: (entry) => renderAgent(entry, { label, log: join(library, "Logs", `${label}.log`) }),
    read: readAgent,
    check: (text) => lint(`${label}.plist`, text, env),
    write: (text) => writeFileWhole(file, text, 0o600),
    remove: () => rmSync(file, { force: true }),
    isInstalled: () => Bun.which("launchctl", { PATH: env.PATH ?? "" }) !== null,
    /** Not loaded right now, which would start it; a label that was disabled once would stay so. */
    async reload() {
      const called = await callTool(["launchctl", "enable", target], env);
      if (called === undefined) return "there is no launchctl";
      return called.isDone ? undefined : (called.said.split("\n")[0] ?? "");
    },
    async state() {
      const called = await callTool(["launchctl", "print", target], env);
      if (called === undefined) return undefined;
      return called.isDone ? (/^\s*state = (.*)$/m.exec(called.said)?.[1] ?? "loaded") : "not loaded";
    },
    lingers: () => undefined,
    commands: { later: `launchctl enable ${target}`, start: `launchctl bootstrap ${domain} ${file}` },
  };
}

async function lint(name: string, text: string, env: ManagerPlace["env"]): Promise<string[]> {
  const folder = mkdtempSync(join(env.TMPDIR || "/tmp", "harbor-agent-"));
  try {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    const called = await callTool(["plutil", "-lint", join(folder, name)], env);
    return called === undefined || called.isDone ? [] : called.said.split("\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
