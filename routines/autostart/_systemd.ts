/**
 * systemd, the user's own instance of it. A unit is enabled by a link beside it, which is all that `systemctl enable`
 * makes: so that it also counts where no instance answers right now.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { HarborError } from "../_script/error.ts";
import { homeDirectory } from "../_script/home-directory.ts";
import { writeFileWhole } from "../_script/write-file.ts";
import { callTool } from "./_call-tool.ts";
import { entryName } from "./_entry-name.ts";
import type { Manager, ManagerPlace } from "./_manager.ts";
import { readUnit, renderUnit } from "./_systemd-unit.ts";

/** One file for each user that lingers. */
const LINGER_FOLDER = "/var/lib/systemd/linger";

export function createSystemd({ home, env }: ManagerPlace): Manager {
  const unit = `${entryName(home, env)}.service`;
  const folder = join(configFolder(env), "systemd", "user");
  const file = join(folder, unit);
  const link = join(folder, "default.target.wants", unit);
  const ask = (...words: string[]) => callTool(["systemctl", "--user", ...words], withRuntimeFolder(env));
  return {
    name: "systemd",
    unit,
    file,
    render: renderUnit,
    read: readUnit,
    check: (text) => verify(unit, text, env),
    write(text) {
      // its environment may say where an engine is, which is nobody else's business
      writeFileWhole(file, text, 0o600);
      makeLink(link, `../${unit}`);
    },
    remove() {
      rmSync(link, { force: true });
      rmSync(file, { force: true });
    },
    isInstalled: () => Bun.which("systemctl", { PATH: env.PATH ?? "" }) !== null,
    async reload() {
      const called = await ask("daemon-reload");
      if (called === undefined) return "there is no systemctl";
      return called.isDone ? undefined : (called.said.split("\n")[0] ?? "");
    },
    async state() {
      const called = await ask("show", "--property=ActiveState", "--value", unit);
      return called?.isDone ? called.said : undefined;
    },
    lingers: () => existsSync(join(LINGER_FOLDER, userName(env))),
    commands: {
      later: `systemctl --user daemon-reload && systemctl --user enable ${unit}`,
      start: `systemctl --user start ${unit}`,
      linger: "loginctl enable-linger",
    },
  };
}

function makeLink(path: string, target: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    rmSync(path, { force: true });
    symlinkSync(target, path);
  } catch (cause) {
    throw new HarborError(`Cannot make the link "${path}": ${(cause as Error).message}`, { cause });
  }
}

function configFolder(env: ManagerPlace["env"]): string {
  const folder = env.XDG_CONFIG_HOME;
  return folder !== undefined && isAbsolute(folder) ? folder : join(homeDirectory(env), ".config");
}

/** systemctl finds the instance by it; `su` and cron leave it out. */
function withRuntimeFolder(env: ManagerPlace["env"]): ManagerPlace["env"] {
  return env.XDG_RUNTIME_DIR ? env : { ...env, XDG_RUNTIME_DIR: `/run/user/${process.getuid?.() ?? 0}` };
}

function userName(env: ManagerPlace["env"]): string {
  return env.USER || env.LOGNAME || (require("node:os") as typeof import("node:os")).userInfo().username;
}

/** Its verdict is about our unit where it names it; it wants a runtime folder, which a bare environment has none of. */
async function verify(unit: string, text: string, env: ManagerPlace["env"]): Promise<string[]> {
  const folder = mkdtempSync(join(env.TMPDIR || "/tmp", "harbor-unit-"));
  try {
    writeFileSync(join(folder, unit), text, { mode: 0o600 });
    const called = await callTool(["systemd-analyze", "verify", "--user", "--man=no", join(folder, unit)], {
      ...env,
      XDG_RUNTIME_DIR: folder,
    });
    return called === undefined || called.isDone ? [] : called.said.split("\n").filter((line) => line.includes(unit));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
