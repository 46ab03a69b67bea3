/** Where models are: what services say of themselves, the user's own caches, and which model a name means among all of them. */
import { describe, expect, test } from "bun:test";
import { linkSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { interpolate } from "../../../routines/compose/interpolate.ts";
import { readValues } from "../../../routines/config/read-values.ts";
import { findKnown } from "../../../routines/models/_find-known.ts";
import { command as pathCommand } from "../../../routines/models/find-model-path.ts";
import { command, type KnownModel, listModels } from "../../../routines/models/list-models.ts";
import { command as pullCommand } from "../../../routines/models/pull-model.ts";
import { findStore, readStores, type Store } from "../../../routines/models/read-stores.ts";
import { command as removeCommand } from "../../../routines/models/remove-model.ts";
import { command as searchCommand } from "../../../routines/models/search-models.ts";
import { findWorkspace } from "../../../routines/workspace/find-workspace.ts";
import { makeFolder } from "../../_workspace.ts";
import { ggufFile } from "../../fixtures/gguf-file.ts";
import { readCatalogue } from "../../services/_catalogue.ts";

interface World {
  home: string;
  stores: Store[];
  warnings: string[];
}

function read(files: Record<string, string> = {}, more: Record<string, string> = {}): World {
  const user = realpathSync(makeFolder());
  const home = join(user, ".harbor");
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(user, name)), { recursive: true });
    writeFileSync(join(user, name), text);
  }
  const env = { HOME: user, HARBOR_HOME: home, ...more };
  const workspace = findWorkspace({ home, cwd: user });
  return { home, ...readStores({ workspace, values: readValues({ workspace, env }), env }) };
}

function folders(stores: readonly Store[]): Record<string, string[]> {
  return Object.fromEntries(stores.map(({ name, places }) => [name, places.map(({ layout, folder }) => `${layout} ${folder}`)]));
}

describe("services", () => {
  test("say themselves where their models are", () => {
    const { home, stores, warnings } = read();
    const data = join(home, "data");
    expect(warnings).toEqual([]);
    expect(folders(stores.filter(({ service }) => service !== undefined))).toEqual({
      comfyui: [`comfyui ${data}/comfyui/models`],
      llamacpp: [`gguf ${data}/llamacpp`, `hub ${data}/llamacpp/.cache`],
      ollama: [`ollama ${data}/ollama/models`],
      speaches: [`hub ${data}/speaches`],
      vllm: [`hub ${data}/vllm/hub`],
    });
  });

  test("have their folders where the configuration puts them", () => {
    const { stores } = read({}, { HARBOR_DATA: "/big", HARBOR_SPEACHES_DATA: "/voices" });
    expect(folders(stores)).toMatchObject({ ollama: ["ollama /big/ollama/models"], speaches: ["hub /voices"] });
  });

  test.each(readCatalogue().filter(({ definition }) => "models" in (definition.document["x-harbor"] as object)))(
    "$handle names folders that its container mounts",
    ({ handle, definition }) => {
      const values = (name: string): string | undefined => ({ HARBOR_DATA: "/data" })[name];
      const { models } = definition.document["x-harbor"] as { models: { folders: Record<string, string>[] } };
      const mounted = ((definition.services[handle]?.volumes ?? []) as string[]).map(
        (volume) => interpolate(volume, values).split(":")[0] ?? "",
      );
      for (const folder of models.folders.flatMap((entry) => Object.values(entry))) {
        const whole = interpolate(folder, values);
        expect(mounted.filter((source) => whole === source || whole.startsWith(`${source}/`))).toHaveLength(1);
      }
    },
  );

  test("of the user's own are stores by their folder alone", () => {
    const models = "{ folders: [{ gguf: '${HARBOR_DATA}/kobold' }], takes: [gguf] }";
    const { home, stores } = read({
      ".harbor/services/kobold/compose.kobold.yml": `x-harbor:\n  models: ${models}\nservices: { kobold: { image: "x:1" } }\n`,
    });
    expect(folders(stores).kobold).toEqual([`gguf ${home}/data/kobold`]);
  });

  test("may say it in their contract, where there is no definition", () => {
    const { stores } = read({
      ".harbor/services/mine/mine_native.yml": "x-harbor:\n  models: { folders: [{ hub: /hub }] }\nx-harbor-native: { executable: x }\n",
    });
    expect(folders(stores).mine).toEqual(["hub /hub"]);
  });

  test.each([
    ["models: none", '"models" must be a map'],
    ["models: { folder: /x }", '"folder" is none of folders, loaded, refresh, takes'],
    ["models: { folders: [{ zip: /x }] }", 'a folder is one of ollama, hub, gguf, comfyui, not "zip"'],
    ["models: { folders: [{ hub: x }] }", '"x" is no whole path'],
    ["models: { folders: [", "Cannot read YAML"],
  ])("with %j have none, and say so; all others go on", (text, why) => {
    const { stores, warnings } = read({ ".harbor/services/mine/compose.mine.yml": `x-harbor:\n  ${text}\n` });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("compose.mine.yml");
    expect(warnings[0]).toContain(why);
    expect(Object.keys(folders(stores))).toEqual(["comfyui", "llamacpp", "ollama", "speaches", "vllm"]);
  });
});

describe("the user's own caches", () => {
  test("are stores where they are there, marked as such", () => {
    const { home, stores } = read({
      ".ollama/models/manifests/x": "",
      ".cache/huggingface/hub/version.txt": "1",
      ".cache/llama.cpp/x.gguf": "",
      ".lmstudio/models/p/m/x.gguf": "",
    });
    const user = dirname(home);
    const llama =
      process.platform === "darwin" ? {} : { "user:llamacpp": [`gguf ${user}/.cache/llama.cpp`, `hub ${user}/.cache/llama.cpp`] };
    expect(folders(stores.filter(({ service }) => service === undefined))).toMatchObject({
      "user:ollama": [`ollama ${user}/.ollama/models`],
      "user:hf": [`hub ${user}/.cache/huggingface/hub`],
      "user:lmstudio": [`gguf ${user}/.lmstudio/models`],
      ...llama,
    });
  });

  test("are those services' where the configuration has put these there", () => {
    const user = realpathSync(makeFolder());
    mkdirSync(join(user, "data/ollama/models"), { recursive: true });
    const { stores } = read({}, { HARBOR_DATA: join(user, "data"), OLLAMA_MODELS: join(user, "data/ollama/models") });
    expect(Object.keys(folders(stores))).not.toContain("user:ollama");
  });

  test("are found by a short name; what is no store gets the nearest", () => {
    const { stores } = read({ ".cache/huggingface/hub/version.txt": "1" });
    expect(findStore("hf", stores).name).toBe("user:hf");
    expect(findStore("ollama", stores).name).toBe("ollama");
    expect(() => findStore("olama", stores)).toThrow(
      expect.objectContaining({ exit: "unknown", message: 'Cannot find store "olama"; did you mean "ollama"?' }),
    );
  });
});

function known(name: string, store: string, bytes = 1_000_000): KnownModel {
  return { listed: { name, store, service: store.startsWith("user:") ? null : store, bytes } } as KnownModel;
}

const STORES = ["ollama", "llamacpp", "vllm", "user:hf"].map((name) => ({ name }) as Store);
const MODELS = [
  known("llama3.2:latest", "ollama"),
  known("qwen3:0.6b", "ollama"),
  known("qwen3:4b", "ollama"),
  known("org/gemma-GGUF:Q4_K_M", "llamacpp"),
  known("org/gemma-GGUF:Q8_0", "llamacpp"),
  known("Qwen/Qwen3-0.6B", "vllm"),
  known("Qwen/Qwen3-0.6B", "user:hf"),
  known("only/mine", "user:hf"),
  known("both", "ollama"),
  known("both", "llamacpp"),
  known("checkpoints/sd15.safetensors", "comfyui"),
];

function find(name: string, store?: string): string {
  const { listed } = findKnown(name, { models: MODELS, stores: STORES, store, doing: "find" });
  return `${listed.name} in ${listed.store}`;
}

describe("a name", () => {
  test.each([
    ["llama3.2", "llama3.2:latest in ollama"],
    ["LLAMA3.2:latest", "llama3.2:latest in ollama"],
    ["qwen3:4b", "qwen3:4b in ollama"],
    ["gemma-GGUF:Q8_0", "org/gemma-GGUF:Q8_0 in llamacpp"],
    ["qwen3-0.6b", "Qwen/Qwen3-0.6B in vllm"],
    ["mine", "only/mine in user:hf"],
    ["sd15", "checkpoints/sd15.safetensors in comfyui"],
    ["sd15.safetensors", "checkpoints/sd15.safetensors in comfyui"],
  ])("%s means %s", (name, model) => {
    expect(find(name)).toBe(model);
  });

  test("means the one in the store that is named", () => {
    expect(find("Qwen/Qwen3-0.6B", "hf")).toBe("Qwen/Qwen3-0.6B in user:hf");
    expect(find("both", "llamacpp")).toBe("both in llamacpp");
  });

  test.each([
    ["qwen3", ["qwen3:0.6b in ollama, 1.0 MB", "qwen3:4b in ollama, 1.0 MB"], "Write its whole name"],
    ["org/gemma-gguf", ["org/gemma-GGUF:Q4_K_M in llamacpp, 1.0 MB", "org/gemma-GGUF:Q8_0 in llamacpp, 1.0 MB"], "Write its whole name"],
    ["both", ["both in ollama, 1.0 MB", "both in llamacpp, 1.0 MB"], "Say which with --store"],
  ])("%s means several, which are listed", (name, details, hint) => {
    expect(() => find(name)).toThrow(expect.objectContaining({ exit: "usage", details, hint }));
  });

  test.each([
    ["llama3.3", 'Cannot find model "llama3.3": there is no such model; did you mean "llama3.2:latest"?'],
    ["gemma", 'Cannot find model "gemma": there is no such model; did you mean "org/gemma-GGUF:Q4_K_M"?'],
    ["zzz", 'Cannot find model "zzz": there is no such model'],
  ])("%s means none, and gets the nearest", (name, message) => {
    expect(() => find(name)).toThrow(expect.objectContaining({ exit: "unknown", message }));
  });
});

test("the subcommands of harbor models are routines of their own", () => {
  const names = [command, pullCommand, removeCommand, pathCommand, searchCommand].map(({ meta }) => meta.name);
  expect(names).toEqual(["list-models", "pull-model", "remove-model", "find-model-path", "search-models"]);
});

test("what several stores share is on the disk once", async () => {
  const user = realpathSync(makeFolder());
  const env = { HOME: user, HARBOR_HOME: join(user, ".harbor") };
  const file = join(user, ".harbor/data/llamacpp/x-Q4_0.gguf");
  for (const path of [file, join(user, ".lmstudio/models/p/m/x-Q4_0.gguf")]) mkdirSync(dirname(path), { recursive: true });
  writeFileSync(file, ggufFile());
  linkSync(file, join(user, ".lmstudio/models/p/m/x-Q4_0.gguf"));
  const { models } = await listModels({ env });
  expect(models.map(({ listed }) => [listed.name, listed.sharedBytes === listed.bytes])).toEqual([
    ["x-Q4_0", true],
    ["p/m", true],
  ]);
});
