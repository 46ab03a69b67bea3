import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Entry } from "../../../routines/autostart/_entry.ts";
import { readUnit, renderUnit } from "../../../routines/autostart/_systemd-unit.ts";

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const PLAIN: Entry = {
  home: "/home/me/.harbor",
  launcher: "/opt/harbor/bin/harbor",
  up: ["up", "--exclude=ollama", "webui"],
  environment: { PATH: "/usr/bin:/bin" },
  services: ["ollama", "webui"],
};

/** What systemd gives a meaning, everywhere at once. */
const ODD = String.raw`a b  %h %% $HOME ${"${HOME}"} "q" 'q' \ \n \x41 ; # ü {{up}}`;

describe("renderUnit", () => {
  test("says what is run, in which environment, and what ends it", () => {
    const text = renderUnit(PLAIN);
    expect(text).toContain('\nExecStart=":/opt/harbor/bin/harbor" "up" "--exclude=ollama" "webui"\n');
    expect(text).toContain('\nExecStop=":/opt/harbor/bin/harbor" "down"\n');
    expect(text).toContain('\nEnvironment="HARBOR_HOME=/home/me/.harbor"\nEnvironment="PATH=/usr/bin:/bin"\nExecStart=');
    expect(text).toContain("\nDescription=Harbor: ollama, webui\n");
    expect(renderUnit({ ...PLAIN, directory: "/home/me/my project" })).toContain("\nWorkingDirectory=/home/me/my project\n");
  });

  test("can be read again, whatever is in it", () => {
    for (const up of [PLAIN.up, ["up", `--workspace=${ODD}`, "", "*"]])
      expect(readUnit(renderUnit({ ...PLAIN, launcher: `/opt/${ODD}/harbor`, up }))).toEqual({ command: [`/opt/${ODD}/harbor`, ...up] });
    expect(readUnit("[Service]\nExecStart=/usr/bin/true\n")).toBeUndefined();
  });

  test.each([
    ["a line break", { home: "/home/me\n[Service]\nExecStart=/bin/evil" }],
    ["a carriage return", { up: ["up", "a\rb"] }],
    ["a zero", { environment: { PATH: "/bin\0" } }],
    ["half a character", { directory: "/home/\ud800" }],
    ["a blank at its end", { directory: "/home/me " }],
    ["a backslash that would join the next line", { directory: "/home/me\\" }],
  ])("refuses a value with %s", (_, change) => {
    expect(() => renderUnit({ ...PLAIN, ...change })).toThrow(/^Cannot write ".*" into a systemd unit: it /);
  });
});

const systemd = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"].find((path) => statSync(path, { throwIfNoEntry: false }));
const isRoot = process.getuid?.() === 0;

/** For nobody, whom systemd is run as where we are root: a temporary folder of root's own may be closed to others. */
const REACHABLE = isRoot ? "/tmp" : tmpdir();

/** What systemd itself makes of a unit; it tells nobody but a user, and wants files that this one can reach. */
async function readBySystemd(text: string): Promise<string> {
  const folder = mkdtempSync(join(REACHABLE, "harbor-systemd-"));
  made.push(folder);
  mkdirSync(join(folder, "run"), { mode: 0o700 });
  writeFileSync(join(folder, "harbor.service"), text);
  chmodSync(folder, 0o755);
  const nobody = isRoot ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
  if (isRoot) chownSync(join(folder, "run"), 65_534, 65_534);
  const env = { PATH: process.env.PATH ?? "", HOME: folder, XDG_RUNTIME_DIR: join(folder, "run"), SYSTEMD_UNIT_PATH: `${folder}:` };
  const child = Bun.spawn([...nobody, systemd ?? "", "--user", "--test", "--unit=harbor.service"], {
    env,
    cwd: "/",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [said] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return said.split("-> Unit ").find((unit) => unit.startsWith("harbor.service:")) ?? "";
}

describe.skipIf(systemd === undefined)("systemd", () => {
  test("reads each value as it was meant", async () => {
    // the launcher has to be there: it is looked for; and systemd takes no program with quotes or backslashes in its path
    const folder = join(mkdtempSync(join(REACHABLE, "harbor-unit-")), ODD.replace(/["'\\]/g, ""));
    made.push(dirname(folder));
    const launcher = join(folder, "harbor");
    mkdirSync(folder, { recursive: true });
    cpSync("/bin/true", launcher);
    chmodSync(dirname(folder), 0o755);
    const seen = await readBySystemd(
      renderUnit({
        ...PLAIN,
        home: `/home/${ODD}`,
        launcher,
        directory: folder,
        up: ["up", `--workspace=${ODD}`],
        environment: { A: ODD, B: "b" },
      }),
    );
    const lines = seen.split("\n").map((line) => line.trim());
    expect(lines).toContain(`Environment: HARBOR_HOME=/home/${ODD}`);
    expect(lines).toContain(`Environment: A=${ODD}`);
    expect(lines).toContain("Environment: B=b");
    expect(lines).toContain(`WorkingDirectory: ${folder}`);
    const quoted = (word: string): string => `"${word.replace(/[\\"$`]/g, "\\$&")}"`;
    expect(lines).toContain(`Command Line: ${quoted(launcher)} up ${quoted(`--workspace=${ODD}`)}`);
    expect(lines).toContain(`Command Line: ${quoted(launcher)} down`);
    for (const line of ["Type: oneshot", "RemainAfterExit: yes", "Restart: on-failure", "KillMode: process", "OOMPolicy: continue"])
      expect(lines).toContain(line);
  });
});
