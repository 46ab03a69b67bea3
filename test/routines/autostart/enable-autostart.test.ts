import { beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HarborError } from "../../../routines/_script/error.ts";
import { parseCommandArgs } from "../../../routines/_script/parse-args.ts";
import { readBootId } from "../../../routines/_script/process-identity.ts";
import { findManager } from "../../../routines/autostart/_find-manager.ts";
import { disableAutostart } from "../../../routines/autostart/disable-autostart.ts";
import { enableAutostart, type PlannedAutostart, planAutostart } from "../../../routines/autostart/enable-autostart.ts";
import { readAutostart, renderStatus } from "../../../routines/autostart/read-autostart.ts";
import { selectionArgs } from "../../../routines/compose/selection-args.ts";
import { writeStack } from "../../../routines/stack/write-stack.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";
import { ANSWERS, SILENT, type StandIn, standIn } from "./_stand-in.ts";

let user: string;
let home: string;
let systemctl: StandIn;
let env: Record<string, string | undefined>;
beforeEach(() => {
  user = makeFolder();
  home = join(user, ".harbor");
  answer(ANSWERS);
});

function answer(script: string): void {
  systemctl = standIn(user, script);
  env = { HOME: user, PATH: systemctl.path, HARBOR_HOME: home, HARBOR_CAPABILITIES_AUTODETECT: "false", USER: "me" };
}

const manager = (platform: NodeJS.Platform = "linux") => findManager({ home, env }, platform);

function plan(words: string[], cwd = user): Promise<PlannedAutostart> {
  const { args } = parseCommandArgs(words, selectionArgs, "harbor autostart enable");
  return planAutostart({ args, home, env, cwd, manager: manager() });
}

async function enable(words: string[]) {
  return enableAutostart({ planned: await plan(words), home, env, manager: manager() });
}

const line = (text: string, key: string): string | undefined => new RegExp(`^${key}=(.*)$`, "m").exec(text)?.[1];
const upOf = ({ text }: PlannedAutostart): string | undefined => line(text, "ExecStart")?.replace(/^"[^"]*" /, "");

async function failure(work: Promise<unknown>): Promise<HarborError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof HarborError)) throw new Error(`no HarborError: ${String(error)}`);
  return error;
}

describe("what starts", () => {
  const asked: [string[], string][] = [
    [["-x", "ollama", "webui"], '"up" "--exclude=ollama" "webui"'],
    [["webui", "--no-defaults", "--capability", "build"], '"up" "--capability=build" "--no-defaults" "webui"'],
    [[], '"up"'],
  ];
  test.each(asked)("%j is what was asked for", async (words, up) => {
    expect(upOf(await plan(words))).toBe(up);
  });

  const record = {
    project: "harbor",
    workspace: undefined,
    services: ["ollama", "webui"],
    natives: ["ollama"],
    capabilities: ["build"],
    planned: [],
    hasContainers: true,
    bootId: readBootId(),
  };

  test("without a name is what runs now, on what it runs on", async () => {
    writeStack(home, record);
    expect(upOf(await plan([]))).toBe('"up" "--exclude=ollama" "--capability=build" "--no-defaults" "webui"');
    expect(upOf(await plan(["redis"]))).toBe('"up" "redis"');
  });

  test("does not count what ran before the machine was started anew", async () => {
    writeStack(home, { ...record, bootId: "another" });
    expect(upOf(await plan([]))).toBe('"up"');
  });

  const project = (): string => makeTree({ "harbor/services/mine/compose.mine.yml": "services:\n  mine:\n    image: busybox:local\n" });

  test("starts in the project that its services are in", async () => {
    const folder = project();
    const { text } = await plan(["mine"], folder);
    expect(line(text, "WorkingDirectory")).toBe(folder);
    expect(line((await plan(["webui"])).text, "WorkingDirectory")).toBeUndefined();
    writeStack(home, { ...record, services: ["mine"], natives: [], projects: [join(folder, "harbor", "services")] });
    expect(line((await plan([])).text, "WorkingDirectory")).toBe(folder);
    const other = join(project(), "harbor", "services");
    writeStack(home, { ...record, services: ["mine"], natives: [], projects: [join(folder, "harbor", "services"), other] });
    expect((await failure(plan([]))).message).toContain("its services come from several projects");
  });

  test("names a workspace by its whole path", async () => {
    const folder = project();
    const planned = await plan(["--workspace", "harbor/services", "mine"], folder);
    expect(upOf(planned)).toBe(`"up" "--workspace=${folder}/harbor/services" "mine"`);
    expect(line(planned.text, "WorkingDirectory")).toBeUndefined();
  });

  test("is checked now: a slip is not found out at the next boot", async () => {
    expect(await failure(plan(["olama"]))).toMatchObject({ exit: "unknown" });
    expect((await failure(plan(["-x", "webui"]))).message).toContain("it has no contract");
  });

  test("takes from the shell what finds programs and the engine, and says what else is set there alone", async () => {
    env = { ...env, PATH: `.:${systemctl.path}::node_modules/.bin:/bin`, DOCKER_HOST: "unix:///run/x.sock", SECRET: "s", HARBOR_A: "1" };
    const { text, warnings } = await plan(["webui"]);
    expect(text).toContain(`Environment="PATH=${[...new Set([...systemctl.path.split(":"), "/bin"])].join(":")}"`);
    expect(text).toContain('Environment="DOCKER_HOST=unix:///run/x.sock"');
    expect(text).not.toContain("SECRET");
    expect(warnings).toEqual([expect.stringContaining(": HARBOR_A, HARBOR_CAPABILITIES_AUTODETECT (put them into config.env)")]);
  });
});

describe("systemd", () => {
  const folder = (): string => join(user, ".config", "systemd", "user");

  test("gets a unit of the user's, a link that enables it, and is told", async () => {
    const status = await enable(["-x", "ollama", "webui"]);
    const file = join(folder(), "harbor.service");
    expect(status).toEqual({
      isEnabled: true,
      manager: "systemd",
      unit: "harbor.service",
      file,
      command: [expect.stringMatching(/\/bin\/harbor$/), "up", "--exclude=ollama", "webui"],
      state: "active",
      lingers: false,
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readlinkSync(join(folder(), "default.target.wants", "harbor.service"))).toBe("../harbor.service");
    expect(systemctl.calls()[0]).toBe("--user daemon-reload");
    expect(renderStatus(status).split("\n")).toEqual([
      "harbor.service  enabled: starts when you log in",
      expect.stringMatching(/^runs {12}\/.*\/bin\/harbor up --exclude=ollama webui$/),
      `file            ${file}`,
      "systemd         active",
    ]);
  });

  test("takes the latest wish, and gives it back without a trace", async () => {
    await enable(["webui"]);
    expect((await enable(["redis"])).command?.slice(1)).toEqual(["up", "redis"]);
    expect(await disableAutostart({ home, env, manager: manager() })).toMatchObject({ unit: "harbor.service", wasEnabled: true });
    expect(readdirSync(folder(), { recursive: true })).toEqual(["default.target.wants"]);
    const status = await readAutostart({ home, env, manager: manager() });
    expect(status).toMatchObject({ isEnabled: false, command: null });
    expect(renderStatus(status)).toBe("harbor.service: not enabled");
    expect(await disableAutostart({ home, env, manager: manager() })).toMatchObject({ wasEnabled: false });
  });

  test("has a unit of its own for each home", async () => {
    await enable(["webui"]);
    home = join(user, "other");
    await enable(["redis"]);
    const units = readdirSync(folder()).filter((name) => name.endsWith(".service"));
    expect(units.sort()).toEqual([expect.stringMatching(/^harbor-[0-9a-f]{8}\.service$/), "harbor.service"]);
    await disableAutostart({ home, env, manager: manager() });
    expect(existsSync(join(folder(), "harbor.service"))).toBe(true);
  });

  test("reads it later where it does not answer now: written all the same, and said", async () => {
    answer(SILENT);
    const error = await failure(enable(["webui"]));
    expect(error).toMatchObject({
      message: 'Cannot tell systemd of "harbor.service": Failed to connect to bus: No medium found',
      exit: "missing",
      details: [`Written: ${join(folder(), "harbor.service")}`, "It counts once systemd starts for this user"],
      hint: "Where it runs, and was not told: systemctl --user daemon-reload && systemctl --user enable harbor.service",
    });
    expect(await readAutostart({ home, env, manager: manager() })).toMatchObject({ isEnabled: true, state: null });
    expect(await disableAutostart({ home, env, manager: manager() })).toMatchObject({ wasEnabled: true });
  });

  test("that is not there gets nothing", async () => {
    env = { ...env, PATH: "/nonexistent" };
    expect(await failure(enable(["webui"]))).toMatchObject({
      message: "Cannot enable autostart: this system has no systemd",
      exit: "missing",
    });
    expect(existsSync(folder())).toBe(false);
    expect(await readAutostart({ home, env, manager: manager() })).toMatchObject({ isEnabled: false, state: null });
  });

  test("keeps a unit of that name that somebody else wrote", async () => {
    mkdirSync(folder(), { recursive: true });
    const file = join(folder(), "harbor.service");
    writeFileSync(file, "[Service]\nExecStart=/bin/true\n");
    const place = { home, env, manager: manager() };
    for (const work of [() => enable(["webui"]), () => disableAutostart(place), () => readAutostart(place)])
      expect((await failure(work())).message).toBe(`Cannot use "${file}": it was not written by Harbor`);
    expect(readFileSync(file, "utf8")).toBe("[Service]\nExecStart=/bin/true\n");
  });

  test("mends a link that points nowhere", async () => {
    const link = join(folder(), "default.target.wants", "harbor.service");
    mkdirSync(join(link, ".."), { recursive: true });
    symlinkSync("/nonexistent", link);
    await enable(["webui"]);
    expect(readlinkSync(link)).toBe("../harbor.service");
  });

  test.skipIf(Bun.which("systemd-analyze") === null)("looks at the unit before it is written", async () => {
    const { text } = await plan(["webui"]);
    expect(await manager().check(text)).toEqual([]);
    const problems = await manager().check(text.replaceAll("/bin/harbor", "/bin/no-such-harbor"));
    expect(problems.join("\n")).toContain("/bin/no-such-harbor is not executable");
  });
});

describe("launchd", () => {
  test("gets an agent of the user's", async () => {
    const launchctl = standIn(user, 'case "$*" in print*) printf "\\tstate = not running\\n" ;; esac', "launchctl");
    env = { ...env, PATH: launchctl.path };
    const darwin = manager("darwin");
    const { args } = parseCommandArgs(["webui"], selectionArgs, "harbor autostart enable");
    const planned = await planAutostart({ args, home, env, cwd: user, manager: darwin });
    const file = join(user, "Library", "LaunchAgents", "local.harbor.plist");
    expect(await enableAutostart({ planned, home, env, manager: darwin })).toEqual({
      isEnabled: true,
      manager: "launchd",
      unit: "local.harbor",
      file,
      command: [expect.stringMatching(/\/bin\/harbor$/), "up", "webui"],
      state: "not running",
      lingers: null,
    });
    expect(launchctl.calls()).toEqual([`enable gui/${process.getuid?.()}/local.harbor`, `print gui/${process.getuid?.()}/local.harbor`]);
    await disableAutostart({ home, env, manager: darwin });
    expect(existsSync(file)).toBe(false);
  });
});
