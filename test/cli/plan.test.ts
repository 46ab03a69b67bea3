/** `harbor plan` over the layers, capabilities, modules and an older flat workspace. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Plan } from "../../routines/compose/make-plan.ts";
import { checkout, echoService, Sandbox } from "./_sandbox.ts";

let box: Sandbox;

const MODULE = `export default ({ compose, service, services, env, dir }) => {
  console.log("a module may talk");
  compose.services[service].labels = { seen: [services.join("+"), env.getValue("mod.level"), dir].join("|") };
  compose.services.extra = { image: "extra:1" };
  return compose;
};
`;

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({
    ...echoService("echo", 41_301, "  env_overrides: { HARBOR_ECHO_INTERNAL_URL: http://elsewhere:1 }\n"),
    "echo/compose.echo.yml": 'services:\n  echo:\n    image: echo:1\n    ports: ["41301:9000"]\n  echo-db:\n    image: db:1\n',
    "echo/compose.echo.nvidia.yml":
      "services:\n  echo:\n    image: echo:cuda\n    environment: { GPU: yes, ECHO_LEVEL: below }\n    deploy: { resources: { limits: { cpus: '1' } } }\n",
    "asker/compose.asker.yml": "services:\n  asker:\n    image: asker:1\n",
    "asker/compose.x.asker.echo.yml":
      'services:\n  asker:\n    environment: { URL: "${HARBOR_ECHO_INTERNAL_URL:-http://echo:9000}" }\n    depends_on: { echo: { condition: service_healthy } }\n',
    "asker/compose.x.asker.echo.nvidia.yml": "services:\n  asker:\n    environment: { FAST: yes }\n",
    "proxied/proxied_native.yml":
      "services:\n  proxied:\n    image: my/proxy:1\n    command: own\n    x-harbor-native:\n      executable: sleep\n      daemon_args: ['1']\n      port: 41302\n",
    "mod/compose.mod.yml": "services:\n  mod:\n    image: mod:1\n",
    "mod/compose.mod.ts": MODULE,
    "redis/compose.redis.yml": 'services:\n  redis:\n    image: mine:1\n    volumes: ["./conf:/conf"]\n',
    "webui/compose.x.webui.redis.yml": "services:\n  webui:\n    environment: { REDIS: redis }\n",
  });
  box.write({
    "project/harbor/services/own/compose.own.yml": "services:\n  own:\n    build: .\n",
    "project/harbor/services/asker/compose.asker.yml": "services:\n  asker:\n    image: theirs:1\n",
    "flat/compose.yml": "networks:\n  harbor-network: {}\n",
    "flat/services/compose.web.yml":
      'services:\n  web:\n    image: "web:${HARBOR_WEB_VERSION:-1}"\n    environment: { P: "${HARBOR_P:-none}" }\n    volumes: ["./web/data:/data"]\n    ports: ["${HARBOR_WEB_HOST_PORT:-41303}:80"]\n',
    "flat/services/compose.nat.yml": 'services:\n  nat:\n    image: nat:1\n    ports: ["41304:9000"]\n  nat-db:\n    image: db:1\n',
    "flat/services/compose.x.web.nat.yml": "services:\n  web:\n    depends_on: { nat: { condition: service_healthy } }\n",
    "flat/services/compose.x.nat.nvidia.yml": "services:\n  nat:\n    image: nat:cuda\n    environment: { GPU: yes }\n",
    "flat/services/compose.x.web.mcp-time.yml": "services:\n  web:\n    environment: { TIME: yes }\n",
    "flat/nat/nat_native.yml": "x-harbor-native:\n  daemon_command: sleep 60\n  port: 41304\n",
    "flat/.env": "HARBOR_WEB_VERSION=from-dotenv\n",
    "flat/profiles/default.env": "HARBOR_WEB_VERSION=from-profile\nHARBOR_P=from-profile\n",
    "root-flat/compose.web.yml": "services:\n  web:\n    image: rooted:1\n",
  });
});

afterAll(() => box.remove());

interface Service {
  image?: string;
  environment?: Record<string, string>;
  [key: string]: unknown;
}

async function planOf(
  words: string[],
  env: Record<string, string> = {},
  cwd = box.root,
): Promise<Plan & { model: Record<string, Service> }> {
  const plan = await box.json<Plan>(["plan", ...words], { env, cwd });
  return { ...plan, model: plan.compose.services as Record<string, Service> };
}

const runtimes = (plan: Plan): string => plan.services.map((it) => `${it.handle}:${it.runtime}`).join(" ");
const included = (plan: Plan): string[] => plan.files.filter((file) => file.included).map((file) => file.path.split("/").at(-1) ?? "");

/** Every file below a folder with its time of change; bun itself keeps a cache in the home. */
const snapshot = (folder: string): string[] =>
  readdirSync(folder, { recursive: true })
    .map((name) => `${String(name)} ${statSync(join(folder, String(name))).mtimeMs}`)
    .filter((line) => !line.startsWith(".bun") && !line.startsWith("home/state") && !/^home \d/.test(line))
    .sort();

describe("harbor plan --json", () => {
  test("has the shape that docs/interfaces.md promises", async () => {
    const plan = await planOf(["-x", "echo", "asker"]);
    expect(Object.keys(plan).filter((key) => key !== "model")).toEqual([
      "project",
      "workspace",
      "capabilities",
      "services",
      "files",
      "natives",
      "connected",
      "dependencies",
      "compose",
    ]);
    expect(plan.project).toBe(box.env.HARBOR_PROJECT ?? "");
    expect(plan.workspace).toEqual({
      layout: "folders",
      home: box.home,
      layers: [
        { kind: "built-in", root: join(checkout, "services") },
        { kind: "user", root: join(box.home, "services") },
      ],
    });
    expect(plan.services).toEqual([
      { handle: "asker", runtime: "container", because: "it has no contract", containers: ["asker"], ports: [], urls: [], runs: "asker:1" },
      {
        handle: "echo",
        runtime: "native",
        because: "-x asks for it",
        containers: expect.arrayContaining(["echo"]) as never,
        ports: [{ address: "127.0.0.1", published: 41_301, target: 9000, protocol: "tcp" }],
        urls: ["http://127.0.0.1:41301"],
        runs: "bun main.ts",
      },
    ]);
    expect(Object.keys(plan.files[0] ?? {})).toEqual(["path", "kind", "included", "reason"]);
    expect(plan.natives[0]).toMatchObject({ handle: "echo", argv: ["bun", "main.ts"], port: 41_301, containerPort: 9000 });
  });

  test("changes nothing outside state/", async () => {
    const before = snapshot(box.root);
    await planOf(["*"]);
    await box.run(["plan", "--explain", "-x", "echo", "asker", "--workspace", "flat"]);
    expect(snapshot(box.root)).toEqual(before);
  });
});

describe("natives in a plan", () => {
  test("the definition and its companions go, the contract's proxy comes, cross files stay whole, overrides reach the dependants", async () => {
    const { model } = await planOf(["-x", "echo", "asker"]);
    expect(Object.keys(model)).not.toContain("echo-db");
    expect(model.echo?.image).toContain("haproxy");
    expect(model.asker).toMatchObject({
      depends_on: { echo: { condition: "service_healthy" } },
      environment: { URL: "${HARBOR_ECHO_INTERNAL_URL:-http://echo:9000}", HARBOR_ECHO_INTERNAL_URL: "http://elsewhere:1" },
    });
    const ejected = await box.run(["eject", "-x", "echo", "asker"]);
    expect(ejected.stdout).toContain('URL: "http://elsewhere:1"');
  });

  test("a capability file's environment goes to the process, its image and devices go nowhere; a cross file with a capability stays whole", async () => {
    const plan = await planOf(["-x", "echo", "asker", "nvidia"]);
    expect(plan.natives[0]?.env).toMatchObject({ GPU: "yes", ECHO_LEVEL: "default" });
    expect(plan.model.echo).not.toHaveProperty("deploy");
    expect(plan.model.echo?.image).not.toContain("cuda");
    expect(plan.model.echo?.environment).toBeUndefined();
    expect(plan.model.asker?.environment).toMatchObject({ FAST: "yes" });
    expect(plan.files.find((file) => file.path.endsWith("compose.echo.nvidia.yml"))?.reason).toContain(
      "its environment goes to the process",
    );
    expect((await planOf(["echo", "nvidia"])).model.echo?.image).toBe("echo:cuda");
  });

  test("a contract's own proxy is taken as it is", async () => {
    const { model } = await planOf(["-x", "proxied", "asker"]);
    expect(model.proxied).toMatchObject({ image: "my/proxy:1", command: "own" });
  });

  test.each([
    [["-x", "echo", "asker"], "asker:container echo:native"],
    [["-n", "echo", "asker"], "asker:container echo:native"],
    [["-x", "echo,proxied", "asker"], "asker:container echo:native proxied:native"],
    [["echo", "asker"], "asker:container echo:container"],
    [[], "mock-openai:native"],
  ])("%j", async (words, expected) => {
    expect(runtimes(await planOf(words))).toBe(expected);
  });
});

describe("configuration and capabilities", () => {
  test.each([
    ["a bare name", ["ollama", "nvidia"], {}, ["nvidia"]],
    ["--capability", ["ollama", "--capability", "cdi"], {}, ["cdi"]],
    ["HARBOR_CAPABILITIES_DEFAULT", ["ollama"], { HARBOR_CAPABILITIES_DEFAULT: "rocm;build" }, ["rocm", "build"]],
    ["nothing detected when that is off", ["ollama"], {}, []],
  ])("%s selects capabilities", async (_, words, env, capabilities) => {
    const plan = await planOf(words, env);
    expect(plan.capabilities).toEqual(capabilities);
    expect(included(plan)).toEqual([
      "compose.yml",
      "compose.ollama.yml",
      ...capabilities.filter((it) => it !== "build").map((it) => `compose.ollama.${it}.yml`),
    ]);
  });

  test("default services are added, and left out with --no-defaults", async () => {
    const env = { HARBOR_SERVICES_DEFAULT: "redis;asker" };
    expect(runtimes(await planOf([], env))).toBe("asker:container redis:container");
    expect(runtimes(await planOf(["mod"], env))).toBe("asker:container mod:container redis:container");
    expect(runtimes(await planOf(["mod", "--no-defaults"], env))).toBe("mod:container");
    expect(runtimes(await planOf([], { HARBOR_SERVICES_DEFAULT: "nvidia" }))).toBe("mock-openai:native");
  });

  test("* is every service, and no capability", async () => {
    const plan = await planOf(["*"], { HARBOR_MOD_LEVEL: "3" });
    const handles = plan.services.map((it) => it.handle);
    for (const name of ["webui", "ollama", "searxng", "echo", "mod"]) expect(handles).toContain(name);
    expect(plan.capabilities).toEqual([]);
    expect(included(plan)).toContain("compose.x.webui.ollama.yml");
    expect(included(plan).filter((name) => /nvidia|rocm|cdi/.test(name))).toEqual([]);
  });

  test("HARBOR_ENGINE_KIND counts in config.env, too", async () => {
    box.write({ "home/config.env": "HARBOR_ENGINE_KIND=desktop\n" });
    const { model } = await planOf(["-x", "echo", "asker"]);
    const { stdout } = await box.run(["routine", "detect-engine-kind"]);
    box.write({ "home/config.env": "" });
    expect(Object.keys(model)).not.toContain("echo-host");
    expect(stdout).toBe("desktop\n");
  });

  test("HARBOR_DATA may be relative to the home, or begin with ~; empty counts as unset", async () => {
    const data = async (value: string): Promise<string | undefined> =>
      (await planOf(["-x", "redis", "--workspace", "empty-layer"], { HARBOR_DATA: value })).natives[0]?.argv.find((word) =>
        word.endsWith("/redis"),
      );
    box.write({ "empty-layer/services/redis/redis_native.yml": readFileSync(join(checkout, "services/redis/redis_native.yml"), "utf8") });
    expect([await data("elsewhere"), await data("~/mine"), await data("")]).toEqual([
      join(box.home, "elsewhere/redis"),
      join(box.root, "mine/redis"),
      join(box.home, "data/redis"),
    ]);
  });
});

describe("layers", () => {
  test("a user's folder replaces the built-in one; one with cross files alone adds to it; relative paths mean the folder", async () => {
    const { model } = await planOf(["redis", "webui"]);
    expect(model.redis).toMatchObject({ image: "mine:1", volumes: [`${box.home}/services/redis/conf:/conf`] });
    expect(model.webui?.environment).toMatchObject({ REDIS: "redis" });
    expect((await box.run(["plan", "-x", "redis"])).stderr).toContain('Cannot run "redis" natively: it has no contract');
  });

  test("a project's folder goes before the user's", async () => {
    const { model } = await planOf(["own", "asker"], {}, join(box.root, "project"));
    expect(model.own?.build).toBe(join(box.root, "project/harbor/services/own"));
    expect(model.asker?.image).toBe("theirs:1");
    expect((await planOf(["own", "--workspace", "project"])).model.own).toBeDefined();
  });

  test("a TypeScript module has the last word, and prints to stderr", async () => {
    const { exit, stdout, stderr } = await box.run(["plan", "mod", "--json"], { env: { HARBOR_MOD_LEVEL: "7" } });
    const plan = JSON.parse(stdout) as Plan;
    const services = plan.compose.services as Record<string, Service>;
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "a module may talk\n" });
    expect(services.mod?.labels).toMatchObject({ seen: `mod|7|${box.home}/services/mod` });
    expect(services.extra?.image).toBe("extra:1");
    expect(plan.services[0]?.containers).toEqual(["mod", "extra"]);
  });
});

describe("a flat workspace", () => {
  test("works as it is, its env files read and left alone", async () => {
    const plan = await planOf(["web", "nat", "mcp-time", "--workspace", "flat"]);
    expect(plan.workspace).toEqual({ layout: "flat", home: box.home, layers: [{ kind: "flat", root: join(box.root, "flat") }] });
    expect(included(plan)).toEqual([
      "compose.yml",
      "compose.nat.yml",
      "compose.web.yml",
      "compose.x.web.mcp-time.yml",
      "compose.x.web.nat.yml",
    ]);
    const { stdout } = await box.run(["eject", "web", "nat", "--workspace", "flat"]);
    expect(stdout).toContain('image: "web:from-dotenv"');
    expect(stdout).toContain('P: "from-profile"');
    expect(stdout).toContain("--project-directory");
  });

  test("has native contracts, and capability files in their older spelling", async () => {
    const plan = await planOf(["-x", "nat", "web", "nvidia", "--workspace", "flat"]);
    expect(runtimes(plan)).toBe("nat:native web:container");
    expect(plan.natives[0]).toMatchObject({ argv: ["sleep", "60"], containerPort: 9000, env: { GPU: "yes" } });
    expect(Object.keys(plan.model)).not.toContain("nat-db");
  });

  test("may have its files at the root", async () => {
    expect((await planOf(["web", "--workspace", "root-flat"])).model.web?.image).toBe("rooted:1");
  });

  test("is listed by ls", async () => {
    const listed = await box.json<{ handle: string; runtimes: string[] }[]>(["ls", "--workspace", "flat"]);
    expect(listed.map((it) => [it.handle, it.runtimes.join(",")])).toEqual([
      ["nat", "container,native"],
      ["web", "container"],
    ]);
  });
});
