/** speaches is the same whichever way it runs: ports, folders, variables, models; read off the definition, the contract and the manager's table. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { parseCommandArgs } from "../../../routines/_script/parse-args.ts";
import { interpolate } from "../../../routines/compose/interpolate.ts";
import { type SettingsTable, settingArgs } from "../../../routines/config/rank-settings.ts";
import { readDeclarations } from "../../../routines/config/read-declarations.ts";
import { readContract } from "../../../routines/native/read-contract.ts";
import { resolveContract } from "../../../routines/native/resolve-contract.ts";
import { serverVariables } from "../../../services/speaches/server-variables.ts";
import { readSettings, SETTINGS } from "../../../services/speaches/settings.ts";
import { ROOT, readCatalogue, variablesOf } from "../_catalogue.ts";

const folder = readCatalogue().find(({ handle }) => handle === "speaches");
const contract = readContract({ path: join(ROOT, "speaches/speaches_native.yml"), handle: "speaches" });
const ALWAYS = {
  HARBOR_HOME: "/h",
  HARBOR_DATA: "/d",
  HARBOR_USER_ID: "1000",
  HARBOR_GROUP_ID: "1000",
  HARBOR_NATIVE_ADDRESS: "127.0.0.1",
};

type Configuration = Record<string, string>;

function container(configuration: Configuration) {
  const values = (name: string): string | undefined => ({ ...ALWAYS, ...configuration })[name];
  const fill = (it: unknown): string => interpolate(String(it), values);
  const service = folder?.definition.services.speaches as { ports: string[]; volumes: string[]; environment: Record<string, string> };
  const [, host, target] = fill(service.ports[0]).split(":").map(Number);
  const environment = Object.fromEntries(Object.entries(service.environment).map(([name, value]) => [name, fill(value)]));
  return { port: host, containerPort: target, volumes: service.volumes.map(fill), environment };
}

/** What the contract hands the manager, and the manager its server. */
function native(configuration: Configuration) {
  const values = (name: string): string | undefined => ({ ...ALWAYS, ...configuration })[name];
  const spec = resolveContract({ contract, values });
  const { args } = parseCommandArgs(spec.argv.slice(1), settingArgs(SETTINGS), "manager");
  const { values: settings } = readSettings({ args, env: spec.env });
  return { port: spec.port, containerPort: spec.containerPort, settings, environment: serverVariables(settings) };
}

const CHANGED: Configuration = {
  HARBOR_SPEACHES_HOST_PORT: "40000",
  HARBOR_SPEACHES_STT_MODEL: "a/stt",
  HARBOR_SPEACHES_TTS_MODEL: "b/tts",
  HARBOR_SPEACHES_LOG_LEVEL: "debug",
  HARBOR_SPEACHES_UI: "false",
  HARBOR_SPEACHES_DEVICE: "cpu",
  HARBOR_SPEACHES_COMPUTE_TYPE: "int8",
  HARBOR_SPEACHES_MODEL_TTL: "-1",
  HARBOR_SPEACHES_HF_ENDPOINT: "http://127.0.0.1:1",
  HARBOR_SPEACHES_OFFLINE: "1",
  HARBOR_HF_TOKEN: "hf_x",
};

describe.each([
  ["by default", {}],
  ["with all of it changed", CHANGED],
] as const)("%s", (_, configuration) => {
  const inside = container(configuration);
  const outside = native(configuration);

  test("the ports are the same, and the process listens on its own", () => {
    expect(outside.port).toBe(inside.port);
    expect(outside.containerPort).toBe(inside.containerPort);
    expect(outside.settings).toMatchObject({ host: "127.0.0.1", port: inside.port });
  });

  test("the models lie in the same folder", () => {
    expect(inside.volumes).toEqual([`${outside.settings.data}:/data`]);
    expect(inside.environment.HF_HUB_CACHE).toBe("/data");
  });

  test("each variable of the container is the native server's", () => {
    const { HF_HUB_CACHE: _, WHISPER__INFERENCE_DEVICE: device, ...expected } = inside.environment;
    const actual = { HF_TOKEN: "", ...outside.environment };
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, actual[name as keyof typeof actual]]))).toEqual(expected);
    expect(outside.settings.device).toBe(device ?? "");
  });
});

test("a changed variable changes the container, too: none of those above is the native process's alone", () => {
  const before = container({});
  const after = container(CHANGED);
  for (const [name, value] of Object.entries(after.environment)) {
    if (name !== "HF_HUB_CACHE") expect({ name, value }).not.toEqual({ name, value: before.environment[name] ?? "" });
  }
});

test("every variable of the folder is a setting of the manager's, or about containers alone", () => {
  const known = new Set<string>(Object.values(SETTINGS).flatMap((spec) => ("env" in spec ? [spec.env] : [])));
  const others = new Set([
    ...Object.keys(ALWAYS),
    "HARBOR_BIND_ADDRESS",
    "HARBOR_RESTART_POLICY",
    "HARBOR_SPEACHES_IMAGE",
    "HARBOR_SPEACHES_BRIDGE",
  ]);
  const names = folder?.files.flatMap(({ text }) => variablesOf(text)) ?? [];
  expect([...new Set(names)].filter((name) => !known.has(name) && !others.has(name))).toEqual([]);
});

test("the contract says or passes on every setting", () => {
  const expected = Object.values(SETTINGS).map(({ env }) => env);
  expect([...contract.envVars, ...Object.keys(contract.env)].sort() as string[]).toEqual(
    [...expected, "HARBOR_DATA", "HARBOR_HOME"].sort(),
  );
});

test("what its definition declares is what the manager takes", () => {
  const { found } = readDeclarations([{ kind: "definition", path: join(ROOT, "speaches/compose.speaches.yml") }]);
  const TYPES: Record<string, string> = {
    flag: "boolean",
    integer: "integer",
    duration: "duration",
    path: "path",
    choice: "text",
    list: "text",
  };
  const declared = Object.entries(SETTINGS as SettingsTable).flatMap(([key, spec]) => {
    const declaration = spec.env === undefined ? undefined : found.get(spec.env);
    // what the contract says itself, and what all services share
    if (key === "host" || key === "hf_token") return [];
    expect({ key, declared: declaration?.description }).toEqual({ key, declared: spec.description });
    expect(declaration?.choices).toEqual(spec.type === "choice" ? [...spec.choices] : undefined);
    if (spec.type === "integer" && key !== "port") expect([declaration?.min, declaration?.max]).toEqual([spec.least, spec.most]);
    const type = { port: "port", hf_endpoint: "url" }[key] ?? TYPES[spec.type] ?? "text";
    expect({ key, type: declaration?.type }).toEqual({ key, type: type as never });
    return [spec.env];
  });
  expect([...found.keys()].filter((name) => !declared.includes(name))).toEqual(["HARBOR_SPEACHES_BRIDGE"]);
});
