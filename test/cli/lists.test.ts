/** `harbor defaults` and `harbor volumes`: lists of the configuration, and what they make of a plan. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Plan } from "../../routines/compose/make-plan.ts";
import { freePort } from "../_ports.ts";
import { echoService, Sandbox } from "./_sandbox.ts";

let box: Sandbox;

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({
    ...echoService("echo", freePort()),
    "echo/compose.echo.yml": "services:\n  echo: { image: echo:1 }\n",
    ...echoService("process", freePort()),
    "boxed/compose.boxed.yml":
      'services:\n  boxed:\n    image: boxed:1\n    volumes:\n      - "${HARBOR_DATA}/boxed:/data"\n      - { type: bind, source: /etc, target: /etc-of-host }\n  boxed-db: { image: db:1 }\n',
    "2/compose.2.yml": 'services:\n  "2": { image: a:1 }\n',
  });
  mkdirSync(join(box.root, "notes"));
});

const config = (): string => join(box.home, "config.env");
const read = (): string => (existsSync(config()) ? readFileSync(config(), "utf8") : "");

afterEach(() => rmSync(config(), { force: true }));
afterAll(() => box.remove());

const run = (line: string) => box.run(line.split(" "));

describe("harbor defaults", () => {
  test("are what a bare `up` starts; by handle or by number they are gone again", async () => {
    expect((await run("defaults")).stderr).toBe("harbor: there are no default services; `harbor defaults add <handle>` makes one\n");
    expect((await run("defaults add boxed echo 2 boxed")).stderr).toBe(`harbor: default services: boxed, echo, 2 (${config()})\n`);
    expect((await run("defaults")).stdout).toBe("0  boxed\n1  echo\n2  2\n");
    expect((await box.json<Plan>(["plan"])).services.map(({ handle }) => handle)).toEqual(["2", "boxed", "echo"]);
    // a service that is called like a number goes before the number
    await run("defaults rm 2");
    expect(await box.json<object[]>(["defaults"])).toEqual([
      { index: 0, item: "boxed" },
      { index: 1, item: "echo" },
    ]);
    await run("defaults rm 0");
    expect(read()).toBe("HARBOR_SERVICES_DEFAULT=echo\n");
    expect((await run("defaults clear")).stderr).toBe(`harbor: no default services (${config()})\n`);
    expect(read()).toBe("");
  });

  test.each([
    ["defaults add boxd", 4, 'Cannot find service "boxd"; did you mean "boxed"?'],
    ["defaults add boxed Echo", 2, 'Cannot use "Echo" as a service'],
    ["defaults add nvidia", 2, "it is a capability\n  harbor config set capabilities_default nvidia"],
    ["defaults rm 7", 4, 'Cannot take out "7": it is none of the default services'],
    ["defaults rm boxd", 4, 'Cannot take out "boxd": it is none of the default services; did you mean "boxed"?'],
  ])("%s is refused", async (line, exit, message) => {
    writeFileSync(config(), "HARBOR_SERVICES_DEFAULT=boxed\n");
    const result = await run(line);
    expect([result.exit, result.stderr]).toEqual([exit, expect.stringContaining(message) as never]);
    expect(read()).toBe("HARBOR_SERVICES_DEFAULT=boxed\n");
  });

  test("of an older workspace are taken over, and an empty list rules them out", async () => {
    box.write({
      "flat/compose.yml": "networks: {}\n",
      "flat/services/compose.a.yml": "services:\n  a: { image: a:1 }\n",
      "flat/services/compose.b.yml": "services:\n  b: { image: a:1 }\n",
      "flat/.env": 'HARBOR_SERVICES_DEFAULT="a;b"\n',
    });
    const words = ["--workspace", join(box.root, "flat")];
    await box.run(["defaults", "rm", "a", ...words]);
    expect(read()).toBe("HARBOR_SERVICES_DEFAULT=b\n");
    await box.run(["defaults", "clear", ...words]);
    expect(read()).toBe("HARBOR_SERVICES_DEFAULT=\n");
  });

  test("that this shell sets go first, and that is said", async () => {
    const { stderr } = await box.run(["defaults", "add", "boxed"], { env: { HARBOR_SERVICES_DEFAULT: "echo" } });
    expect(stderr).toContain("HARBOR_SERVICES_DEFAULT is set in the environment too, which goes first");
    expect(read()).toBe("HARBOR_SERVICES_DEFAULT=boxed\n");
  });
});

describe("harbor volumes", () => {
  const volumes = async (handle: string): Promise<unknown> => {
    const { compose } = await box.json<Plan>(["plan", handle]);
    return (compose.services as Record<string, { volumes?: unknown }>)[handle]?.volumes;
  };

  test("are mounted into that container alone, whole paths however they were typed", async () => {
    const said = await run("volumes boxed add ./notes:/notes:ro ~/notes:/home cache:/var/cache");
    const items = [`${box.root}/notes:/notes:ro`, `${box.root}/notes:/home`, "cache:/var/cache"];
    expect(said).toEqual({ exit: 0, stdout: "", stderr: `harbor: mounted into boxed: ${items.join(", ")} (${config()})\n` });
    expect(await volumes("boxed")).toEqual([
      "${HARBOR_DATA}/boxed:/data",
      { type: "bind", source: "/etc", target: "/etc-of-host" },
      ...items,
    ]);
    const { compose } = await box.json<Plan>(["plan", "boxed"]);
    expect(compose.volumes).toEqual({ cache: {} });
    expect((compose.services as Record<string, { volumes?: unknown }>)["boxed-db"]?.volumes).toBeUndefined();
    expect((await run("volumes boxed")).stdout).toBe(`0  ${items[0]}\n1  ${items[1]}\n2  ${items[2]}\n`);
    await run("volumes rm boxed 0 cache:/var/cache");
    expect(await box.json<object[]>(["volumes", "boxed"])).toEqual([{ index: 0, item: `${box.root}/notes:/home` }]);
    await run("volumes boxed clear");
    expect(read()).toBe("");
  });

  test("at a target that the files have already take its place, as in compose", async () => {
    await run("volumes boxed add ./notes:/data ./notes:/etc-of-host/");
    expect(await volumes("boxed")).toEqual([`${box.root}/notes:/data`, `${box.root}/notes:/etc-of-host/`]);
  });

  test("with a dollar in their path are what they are", async () => {
    mkdirSync(join(box.root, "a$HOME"));
    await run("volumes boxed add ./a$HOME:/x");
    expect(await volumes("boxed")).toContain(`${box.root}/a$$HOME:/x`);
  });

  test.each([
    ["volumes boxd add ./notes:/x", 4, 'Cannot find service "boxd"; did you mean "boxed"?'],
    ["volumes boxed add ./nothing:/x", 1, "there is no such file or folder"],
    ["volumes boxed add ./notes", 2, "its target is missing"],
    ["volumes boxed add ./notes:x", 2, 'its target "x" is no whole path in the container'],
    ["volumes boxed add ./notes:/", 2, "its target is the container's own root"],
    ["volumes boxed add notes/a:/x", 2, 'its source "notes/a" is neither a path (./notes/a) nor the name of a volume'],
    ["volumes boxed add ./notes:/x:rw:z", 2, "it has more than three parts"],
    ["volumes boxed add ./notes:/x:readonly", 2, 'there is no option "readonly"'],
    ["volumes boxed add ./notes:/x ./notes:/x:ro", 1, "is mounted at /x already"],
    ["volumes process add ./notes:/x", 1, "it runs natively alone, and a process sees this host's files as they are"],
    ["volumes boxed rm 0", 4, "it is none of what you mount into boxed"],
  ])("%s is refused, and nothing is written", async (line, exit, message) => {
    const result = await run(line);
    expect([result.exit, result.stderr]).toEqual([exit, expect.stringContaining(message) as never]);
    expect(read()).toBe("");
  });

  test("are refused for what runs natively, and have no meaning while it does", async () => {
    await run("volumes echo add ./notes:/x");
    await run("config set echo.runtime native");
    const refused = await run("volumes echo add ./notes:/y");
    expect([refused.exit, refused.stderr]).toEqual([
      1,
      expect.stringContaining("it runs natively (HARBOR_ECHO_RUNTIME is native") as never,
    ]);
    const { stderr } = await run("plan echo boxed");
    expect(stderr).toContain(`HARBOR_ECHO_VOLUMES (${config()}) has no meaning while echo runs natively`);
    expect(await volumes("echo")).toBeUndefined();
  });

  test("written by hand have to be right as well", async () => {
    expect((await box.run(["config", "set", "boxed.volumes", "nonsense"])).exit).toBe(2);
    writeFileSync(config(), "HARBOR_BOXED_VOLUMES=nonsense\n");
    const { exit, stderr } = await run("plan boxed");
    expect([exit, stderr]).toEqual([
      2,
      expect.stringContaining(`Cannot mount "nonsense": its target is missing (HARBOR_BOXED_VOLUMES, ${config()})`) as never,
    ]);
    expect((await run("plan 2")).exit).toBe(0);
  });
});
