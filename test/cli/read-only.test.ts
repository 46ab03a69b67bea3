/** D12: no verb that only reads writes anything: every one of them, over a home that is watched, and over one that nobody may write to. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../_ports.ts";
import { obeyingModes, resultOf } from "../_process.ts";
import { checkout, echoService, Sandbox } from "./_sandbox.ts";

/** Whole command lines, by verb. */
const READING: Record<string, string[][]> = {
  ps: [[], ["--json"], ["echo"]],
  top: [["--json"]],
  logs: [[], ["--json"], ["echo", "--since", "1h"]],
  url: [["echo"], ["echo", "--json"]],
  connect: [[], ["ls", "--json"], ["http://127.0.0.1:1", "--as", "echo"], ["http://127.0.0.1:1", "--as", "nothing"]],
  expose: [[], ["ls", "--json"]],
  tunnel: [[], ["ls", "--json"]],
  ls: [[], ["--json"], ["--up"]],
  info: [["echo"], ["boxed", "--json"]],
  open: [["echo"]],
  qr: [[], ["echo"]],
  stats: [["--json"], ["boxed"]],
  size: [[], ["echo", "--json"]],
  find: [["echo"], ["echo", "--json"]],
  history: [[], ["--json"]],
  plan: [[], ["-x", "echo", "boxed"], ["--explain", "boxed"], ["--json", "boxed"]],
  eject: [["boxed"]],
  env: [["echo"], ["echo", "ls"], ["echo", "get", "ECHO_LEVEL"], ["boxed", "--json"]],
  config: [
    ...[["ls"], ["ls", "--all", "--long"], ["get", "echo.level"], ["get", "nothing.at_all"], ["search", "echo"], ["path"], ["export"]],
    ...[
      ["export", "--json"],
      ["import", "--dry-run", "@config"],
      ["set", "ech.level", "1"],
    ],
  ],
  secrets: [[], ["ls", "--all", "--json"], ["store"], ["set", "ech.key"]],
  profile: [[], ["ls", "--json"], ["diff", "default"], ["use", "default", "--dry-run"], ["use", "nothing"]],
  defaults: [[], ["ls", "--json"]],
  volumes: [["boxed"], ["boxed", "ls", "--json"], ["boxed", "add", "./nothing:/x"]],
  alias: [[], ["ls", "--json"], ["get", "hi"]],
  conductor: [["ls", "--url", "http://127.0.0.1:1"], ["status"], ["queue"], ["state", "ls"], ["alerts"], ["access", "--json"]],
  models: [["ls"], ["ls", "--json"], ["path", "nothing"]],
  launch: [[], ["--json"]],
  update: [
    ["echo", "--check"],
    ["echo", "--check", "--json"],
  ],
  prune: [["--dry-run"], ["state", "logs", "--dry-run", "--json"]],
  restore: [
    ["@archive", "--dry-run"],
    ["@archive", "echo", "--dry-run", "--json"],
  ],
  uninstall: [["--dry-run"], ["--dry-run", "--remove-data", "--json"]],
  doctor: [["config", "folders", "secrets"], ["--list"]],
  autostart: [["status"]],
  provider: [["status"]],
  supervisor: [["status"]],
  completion: [["bash"], ["zsh"], ["fish"]],
  routine: [
    [],
    ["list-handles"],
    ["list-keys"],
    ["read-values", "HARBOR_DATA"],
    ["make-plan", "boxed"],
    ["complete", "--", "config", "get", "ec"],
  ],
  how: [["start"], ["--json", "secrets"], ["zzzz"]],
  version: [[], ["--json"]],
};

/** Those that act; `cmd` writes the merged file that its line names, under `state/cmd`. */
const ACTING = [
  ...["up", "down", "restart", "stop", "attach", "run", "exec", "shell", "pull", "build", "backup", "cmd", "compose"],
  ...["disconnect", "unexpose"],
];

let box: Sandbox;
/** Of before. */
const archive = (): string => join(box.root, "echo.tar.gz");

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({
    ...echoService("echo", freePort()),
    "boxed/compose.boxed.yml": 'services:\n  boxed: { image: boxed:1, environment: { L: "${HARBOR_ECHO_LEVEL:-}" } }\n',
  });
  box.write({
    "home/config.env": "# mine\nHARBOR_ECHO_LEVEL=high\nHARBOR_SERVICES_DEFAULT=boxed\nHARBOR_BOXED_VOLUMES=/etc:/x\n",
    "home/env/echo.env": "EXTRA=1\n",
    "home/secrets.env": "HARBOR_HF_TOKEN=x\n",
    "home/profiles/mine.env": "HARBOR_ECHO_LEVEL=low\n",
    "home/aliases.json": '{"hi":["echo"]}\n',
  });
});

afterAll(() => box.remove());

/**
 * The one thing that is remembered is what takes long to find out of this machine, in `state/host.json`: a first look writes it,
 * none that comes after.
 */
beforeAll(async () => {
  await box.run(["backup", "echo", "--to", archive()]);
  rmSync(join(box.home, "history.jsonl"));
  await box.run(["provider", "status"]);
  expect(box.left()).toEqual([]);
});

/** All that a command could have changed: names, contents, and when each was last touched, folders too. */
function photograph(folder = box.home): Record<string, string> {
  const found: Record<string, string> = {};
  const paths = [".", ...readdirSync(folder, { recursive: true }).map(String)].sort();
  for (const path of paths) {
    const { mtimeMs, ctimeMs, mode, size, ino } = lstatSync(join(folder, path));
    const isFile = lstatSync(join(folder, path)).isFile();
    found[path] = [mtimeMs, ctimeMs, mode, size, ino, isFile ? readFileSync(join(folder, path), "latin1") : ""].join(" ");
  }
  return found;
}

const lines = Object.entries(READING).flatMap(([verb, all]) => all.map((words) => [[verb, ...words].join(" ")] as const));
const wordsOf = (line: string): string[] =>
  line.split(" ").map((word) => word.replace("@config", join(box.home, "config.env")).replace("@archive", archive()));

test("every verb is one that reads or one that acts", async () => {
  const table = readFileSync(join(checkout, "harbor.ts"), "utf8").matchAll(/^ +(\w+): \(\) => import/gm);
  const verbs = [...table].map(([, verb = ""]) => verb);
  expect(verbs.length).toBeGreaterThan(20);
  expect(verbs.toSorted()).toEqual([...Object.keys(READING), ...ACTING].sort());
});

describe("D12: nothing is written, nor touched, by", () => {
  test.each(lines)("harbor %s, with nothing up", async (line) => {
    const before = photograph();
    const { exit, stderr } = await box.run(wordsOf(line));
    expect({ line, exit: [0, 1, 2, 4].includes(exit), isBug: stderr.includes("This is a bug") }).toEqual({
      line,
      exit: true,
      isBug: false,
    });
    expect(photograph()).toEqual(before);
  });

  test("any of them beside a service that runs", async () => {
    // without defaults: there is no engine for these here
    expect((await box.run(["up", "-x", "echo", "--no-defaults"])).exit).toBe(0);
    // what the running service and its supervisor write is theirs
    const own = (): Record<string, string> =>
      Object.fromEntries(Object.entries(photograph()).filter(([path]) => !/^state\/(?:native|supervisor)/.test(path)));
    const before = own();
    try {
      for (const [line] of lines) {
        await box.run(wordsOf(line));
        expect({ line, ...own() }).toEqual({ line, ...before });
      }
    } finally {
      await box.run(["down"]);
    }
  }, 60_000);

  test("any of them in a home that is not there, but for what is remembered of this machine", async () => {
    for (const [line] of lines) {
      const env = { HARBOR_HOME: join(box.root, "nowhere"), HARBOR_CAPABILITIES_AUTODETECT: "true" };
      await box.run(wordsOf(line), { env });
      const found = existsSync(env.HARBOR_HOME) ? readdirSync(env.HARBOR_HOME, { recursive: true }).map(String).sort() : [];
      expect({ line, found: found.filter((path) => path !== "state" && path !== "state/host.json") }).toEqual({ line, found: [] });
    }
  }, 60_000);

  test("any of them where nobody may write; each says the same", async () => {
    await box.run(["provider", "status"]); // what is remembered is there for all of them
    const said = new Map<string, { exit: number; stdout: string }>();
    for (const [line] of lines) {
      const { exit, stdout } = await box.run(wordsOf(line));
      said.set(line, { exit, stdout });
    }
    const folders = [box.home, ...readdirSync(box.home, { recursive: true }).map((path) => join(box.home, String(path)))];
    const modes = folders.map((path) => [path, lstatSync(path).mode & 0o7777] as const);
    for (const [path, mode] of modes) chmodSync(path, mode & 0o555);
    try {
      for (const [line, expected] of said) {
        const argv = [...obeyingModes, join(checkout, "bin/harbor"), ...wordsOf(line)];
        const { exit, stdout } = await resultOf(
          Bun.spawn(argv, { cwd: box.root, env: box.env, stdin: "ignore", stdout: "pipe", stderr: "pipe" }),
        );
        expect({ line, exit, stdout }).toEqual({ line, ...expected });
      }
    } finally {
      for (const [path, mode] of modes) chmodSync(path, mode);
    }
  }, 60_000);
});
