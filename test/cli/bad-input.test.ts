/** What a person does wrong, and what Harbor says to it: message, stream, exit code, nothing left behind. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { freePort } from "../_ports.ts";
import { obeyingModes, type Result, resultOf } from "../_process.ts";
import { checkout, Sandbox } from "./_sandbox.ts";

let box: Sandbox;
let taken: Server;
let takenPort: number;

beforeAll(async () => {
  box = await Sandbox.create();
  takenPort = freePort();
  taken = createServer();
  await new Promise<void>((done) => taken.listen(takenPort, "127.0.0.1", done));
  box.services({
    "port-a/compose.port-a.yml": 'services:\n  port-a:\n    image: a:1\n    ports: ["127.0.0.1:41001:80"]\n',
    "port-b/compose.port-b.yml": 'services:\n  port-b:\n    image: a:1\n    ports: ["41001:80"]\n',
    "port-c/compose.port-c.yml": 'services:\n  port-c:\n    image: a:1\n    ports: ["${HARBOR_PORT_C:-nonsense}:80"]\n',
    "no-exe/no-exe_native.yml": "x-harbor-native:\n  daemon_args: [x]\n  port: 41002\n",
    "no-port/no-port_native.yml": "services:\n  no-port:\n    x-harbor-native:\n      executable: sleep\n      idle: { stop_after: 1m }\n",
    "typo/typo_native.yml": "x-harbor-native:\n  executable: sleep\n  port: 41003\n  deamon_args: [1]\n",
    "absent/absent_native.yml":
      "x-harbor-native:\n  executable: no-such-program-here\n  port: 41004\n  install: { any: get it from the shop }\n",
    "busy/busy_native.yml": `x-harbor-native:\n  executable: sleep\n  daemon_args: ["60"]\n  port: ${takenPort}\n`,
    "broken/compose.broken.yml": 'services:\n  broken:\n    image: "a\n',
    "unclosed/compose.unclosed.yml": 'services:\n  unclosed:\n    image: a:1\n    command: [x, "b:${C"]\n',
    "double/compose.double.yml": "services:\n  double:\n    image: a:1\n    image: b:1\n",
    "circle/compose.circle.yml":
      "services:\n  circle:\n    image: a:1\n    depends_on: [circle-b]\n  circle-b:\n    image: a:1\n    depends_on: [circle]\n",
    "lonely/compose.lonely.yml": "services:\n  lonely:\n    image: a:1\n    depends_on: [olama]\n",
    "needy/compose.needy.yml": "services:\n  needy:\n    image: a:1\n    depends_on: [ollama]\n",
    "cross/compose.cross.yml": "services:\n  cross:\n    image: a:1\n",
    "cross/compose.x.cross.redis.yml": "services:\n  crss:\n    environment: { A: b }\n",
    "slip/compose.slip.yml": "services:\n  slip:\n    image: a:1\n",
    "slip/compose.x.slip.zork.yml": "services:\n  slip:\n    environment: { C: d }\n",
    "slip/compose.x.slip.olama.yml": "services:\n  slip:\n    environment: { A: b }\n",
    "hollow/compose.hollow.yml": "# nothing yet\n",
    "empty/README.md": "",
    "renamed/compose.searxng.yml": "services:\n  searxng:\n    image: a:1\n",
    "asking/compose.asking.yml": 'services:\n  asking:\n    image: "${HARBOR_ASKING_IMAGE:?name an image}"\n',
  });
});

afterAll(async () => {
  taken.close();
  await box.remove();
});

const SERVICES = "/home/services";

/** Command line, exit code, and what stderr has to begin with (`~` stands for the user's service folders). */
const CASES: [string, number, string][] = [
  ["up olama", 4, 'harbor: Cannot find service "olama"; did you mean "ollama"?'],
  ["up -x olama", 4, 'harbor: Cannot find service "olama"; did you mean "ollama"?'],
  ["down olama", 4, 'harbor: Cannot find service "olama"; did you mean "ollama"?'],
  ["logs olama", 4, 'harbor: Cannot find service "olama"; did you mean "ollama"?'],
  ["url olama", 4, 'harbor: Cannot find service "olama"; did you mean "ollama"?'],
  ["ps olama", 4, 'harbor: Cannot find service "olama"; did you mean "ollama"?'],
  ["up ../x", 2, 'harbor: Cannot use "../x" as a service: a handle has only the letters a-z, digits and dashes'],
  ["up -x ../x", 2, 'harbor: Cannot use "../x" as a service'],
  ["down ../x", 2, 'harbor: Cannot use "../x" as a service'],
  ["logs ../x", 2, 'harbor: Cannot use "../x" as a service'],
  ["routine list-files ../../etc", 2, 'harbor: Cannot use "../../etc" as a service'],
  ["plan Ollama", 2, 'harbor: Cannot use "Ollama" as a service: a handle has only the letters a-z, digits and dashes\n  Write it "ollama"'],
  ["up -x nvidia", 2, 'harbor: Cannot run "nvidia" natively: it is a capability, no service\n  Select it with --capability nvidia'],
  [
    "up -x webui",
    1,
    'harbor: Cannot run "webui" natively: it has no contract (webui_native.yml)\n  Run it in a container: harbor up webui',
  ],
  [
    "up -c absent",
    1,
    'harbor: Cannot run "absent" in a container: it has no definition (compose.absent.yml)\n  Run it natively: harbor up -x absent',
  ],
  [
    "up port-a port-b",
    1,
    "harbor: Cannot publish port 41001 twice: port-a and port-b both claim it\n  port-a: ~/port-a/compose.port-a.yml\n  port-b: ~/port-b/compose.port-b.yml\n",
  ],
  ["plan port-c", 1, 'harbor: ~/port-c/compose.port-c.yml:4:5: Cannot publish port "nonsense:80": it is no [[address:]published:]target'],
  ["up -x no-exe", 1, 'harbor: ~/no-exe/no-exe_native.yml:1:1: Cannot read contract "no-exe_native.yml": "executable" is missing'],
  ["up -x no-port", 1, 'harbor: ~/no-port/no-port_native.yml:5:7: Cannot read contract "no-port_native.yml": "idle" needs a "port"'],
  [
    "plan -x typo",
    1,
    'harbor: ~/typo/typo_native.yml:4:3: Cannot read contract "typo_native.yml": unknown key "deamon_args"; did you mean "daemon_args"?',
  ],
  [
    "up -x absent",
    3,
    'harbor: Cannot start "absent": "no-such-program-here" is not installed, or not on PATH\n  Install it: get it from the shop\n',
  ],
  ["up broken", 1, "harbor: ~/broken/compose.broken.yml:4:1: Cannot read YAML: "],
  ["up unclosed", 1, 'harbor: ~/unclosed/compose.unclosed.yml:4:18: Cannot interpolate "b:${C": ${C is not closed on its line\n  Write $$'],
  ["up double", 1, "harbor: ~/double/compose.double.yml:4:5: Cannot read YAML: "],
  ["up circle", 1, "harbor: ~/circle/compose.circle.yml:4:5: Cannot order services: circle depends on circle-b depends on circle\n"],
  [
    "up lonely",
    1,
    'harbor: ~/lonely/compose.lonely.yml:4:5: Cannot start "lonely": it depends on "olama", which nothing defines; did you mean "ollama"?',
  ],
  [
    "up needy",
    1,
    'harbor: ~/needy/compose.needy.yml:4:5: Cannot start "needy": it depends on "ollama", which is not selected\n  Add ollama to the command',
  ],
  [
    "up cross redis",
    1,
    'harbor: ~/cross/compose.x.cross.redis.yml:2:3: Cannot use service "crss": no selected file defines it with an image or a build; did you mean "cross"?',
  ],
  ["plan hollow", 1, 'harbor: ~/hollow/compose.hollow.yml: Cannot run "hollow": its definition has no services\n'],
  ["plan empty", 4, 'harbor: Cannot find service "empty": its folder holds neither compose.empty.yml nor empty_native.yml\n'],
  ["plan renamed", 1, 'harbor: Cannot run "renamed": its folder has neither a definition nor a contract\n  It needs compose.renamed.yml'],
  [
    "plan asking",
    1,
    'harbor: ~/asking/compose.asking.yml:3:5: Cannot interpolate "${HARBOR_ASKING_IMAGE}": the variable is required and has no value: name an image\n',
  ],
  ["up --no-defaults", 2, "harbor: Cannot tell what to run: no service is named, and there are no default services\n"],
  ["up webui --workspace /nonexistent", 2, 'harbor: Cannot use workspace "/nonexistent": there is no such directory\n'],
  [
    "up webui",
    3,
    "harbor: Cannot reach a container engine at unix:///nonexistent.sock (DOCKER_HOST): nothing listens there\n  It is needed for webui\n  Nothing of it can run without one; these can: ",
  ],
  [
    "up -x redis webui",
    3,
    "harbor: Cannot reach a container engine at unix:///nonexistent.sock (DOCKER_HOST): nothing listens there\n  It is needed for webui\n  Without one, redis can run natively: harbor up -x redis\n",
  ],
  ["config set HARBOR_ x --force", 2, 'harbor: Cannot use "HARBOR_" as a key: it is no name\n'],
  [
    "secrets set hf_token told",
    2,
    "harbor: Cannot take a secret from the command line: whoever is on this host could read it there\n  Type it unseen: harbor secrets set hf_token; or ",
  ],
  ["up --wait-timeout soon", 2, 'harbor: Cannot use --wait-timeout "soon": it is no duration\n  Write it like 90s or 10m'],
  ["logs --tail many", 2, 'harbor: Cannot read --tail "many": it is no number\n  Write it like 20, or all\n'],
  [
    "logs --since yesterday",
    2,
    'harbor: Cannot read --since "yesterday": it is neither a duration nor a time\n  Write it like 10m, 2h, 1d or ',
  ],
  ["logs --grep [", 2, 'harbor: Cannot read --grep "[": '],
];

describe("bad input", () => {
  test.each(CASES)("harbor %s ends with %d", async (line, exit, message) => {
    const result = await box.run(line.split(" "));
    expect({ exit: result.exit, stdout: result.stdout }).toEqual({ exit, stdout: "" });
    expect(result.stderr).toStartWith(message.replaceAll("~", box.root + SERVICES));
    expect(result.stderr).not.toContain("unexpected error");
  });

  test("a port already taken is told with the process that has it", async () => {
    const { exit, stdout, stderr } = await box.run(["up", "-x", "busy"]);
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: "" });
    expect(stderr).toStartWith(`harbor: Cannot start "busy": port ${takenPort} is taken by pid ${process.pid} (`);
  });

  test("with --json the error is one object on stderr", async () => {
    const { exit, stdout, stderr } = await box.run(["up", "--json", "olama"]);
    expect({ exit, stdout }).toEqual({ exit: 4, stdout: "" });
    expect(JSON.parse(stderr)).toEqual({
      error: {
        message: 'Cannot find service "olama"; did you mean "ollama"?',
        exit: "unknown",
        code: 4,
        hint: "Run `harbor ls` to see the handles",
        details: [],
      },
    });
  });

  test("a place is in the JSON error as well", async () => {
    const { stderr } = await box.run(["plan", "-x", "typo", "--json"]);
    const { error } = JSON.parse(stderr) as { error: { at: object } };
    expect(error.at).toEqual({ file: join(box.home, "services/typo/typo_native.yml"), line: 4, column: 3 });
  });

  test("a cross file for a service that does not exist is left out, and both plan and --explain say so", async () => {
    const { exit, stdout, stderr } = await box.run(["plan", "--explain", "slip", "ollama"]);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^-\s+cross\s+\S+compose\.x\.slip\.olama\.yml\s+there is no service "olama"; did you mean "ollama"\?$/m);
    const file = `harbor: warning: ${box.home}/services/slip/compose.x.slip`;
    const warnings = `${file}.olama.yml is left out: there is no service "olama"; did you mean "ollama"?\n${file}.zork.yml is left out: there is no service "zork"\n`;
    expect(stderr).toBe(warnings);
    expect((await box.run(["plan", "slip"])).stderr).toBe(warnings);
  });

  test("one folder that cannot be read does not hide the others from ls", async () => {
    box.services({ "torn/compose.torn.yml": 'x-harbor: { name: "a\n', "folder/compose.folder.yml/file": "" });
    const { exit, stdout, stderr } = await box.run(["ls"]);
    expect(exit).toBe(0);
    expect(stdout).toContain("ollama");
    expect(stdout).not.toContain("torn");
    expect(stderr.split("\n")).toEqual([
      `harbor: warning: Cannot read "${box.home}/services/folder/compose.folder.yml": it is a folder`,
      expect.stringContaining(`harbor: warning: ${box.home}/services/torn/compose.torn.yml:`),
      "",
    ]);
  });

  test("a default service that is none is told and left out; one that leaves the workspace is never looked at", async () => {
    box.write({ "home/evil/compose.evil.yml": "services: { evil: { image: e } }\n" });
    const { exit, stdout, stderr } = await box.run(["plan", "--json"], { env: { HARBOR_SERVICES_DEFAULT: "../evil;olama;redis" } });
    expect(exit).toBe(0);
    expect((JSON.parse(stdout) as { services: { handle: string }[] }).services.map((it) => it.handle)).toEqual(["redis"]);
    expect(stderr.trimEnd().split("\n")).toEqual([
      'harbor: warning: "../evil" is a default service (HARBOR_SERVICES_DEFAULT), but there is no such service',
      'harbor: warning: "olama" is a default service (HARBOR_SERVICES_DEFAULT), but there is no such service',
    ]);
  });

  test("a capability that nothing is for is told", async () => {
    const { exit, stderr } = await box.run(["plan", "ollama", "--capability", "nvdia"]);
    expect({ exit, stderr }).toEqual({
      exit: 0,
      stderr: 'harbor: warning: No file of the services selected is for the capability "nvdia"; did you mean "nvidia"?\n',
    });
  });

  test.each([
    [
      "config.env that cannot be read",
      { "home/config.env": "A=1\nnot an entry\n" },
      {},
      /^harbor: \S+config\.env:2: Cannot read a line: expected KEY=value\n$/,
    ],
    ["a project's name that compose would refuse", {}, { HARBOR_PROJECT: "-f" }, /^harbor: Cannot use HARBOR_PROJECT "-f": /],
  ])("%s", async (_, files, env, message) => {
    const own = await Sandbox.create();
    own.write(files);
    const { stdout, stderr } = await own.run(["plan"], { env });
    expect(stdout).toBe("");
    expect(stderr).toMatch(message);
    await own.run(["plan"]);
    await own.remove();
  });

  test("leaves nothing behind", () => {
    expect(box.left()).toEqual([]);
  });
});

test("without an engine, what is said to run all the same does so where a default needs one", async () => {
  const own = await Sandbox.create();
  const env = { HARBOR_SERVICES_DEFAULT: "webui" };
  const { exit, stderr } = await own.run(["up", "-x", "mock-openai"], { env });
  const [, line = ""] = /can run natively: harbor (.*)\n/.exec(stderr) ?? [];
  expect([exit, line]).toEqual([3, "up --no-defaults -x mock-openai"]);
  expect((await own.run(line.split(" "), { env })).exit).toBe(0);
  await own.remove();
});

describe("no permission on the engine's socket", () => {
  test("ends with 3 and names the socket", async () => {
    const own = await Sandbox.create();
    const socket = join(own.root, "engine.sock");
    const server = createServer();
    await new Promise<void>((done) => server.listen(socket, done));
    chmodSync(socket, 0);
    const env = { ...own.env, DOCKER_HOST: `unix://${socket}` };
    const command = [...obeyingModes, join(checkout, "bin/harbor"), "up", "webui"];
    const child = Bun.spawn(command, { cwd: own.root, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const { stdout, stderr, exit } = await resultOf(child);
    server.close();
    await own.remove();
    expect({ exit, stdout } satisfies Partial<Result>).toEqual({ exit: 3, stdout: "" });
    expect(stderr).toStartWith(`harbor: Cannot use the container engine at unix://${socket} (DOCKER_HOST): no permission on its socket\n`);
    expect(stderr).toContain("It is needed for webui");
  });
});
