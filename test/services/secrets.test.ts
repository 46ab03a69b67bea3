/** No service gets another's secret, as Harbor plans them and as it starts them natively; test/e2e/secrets.test.ts has the engine's view. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Sandbox } from "../cli/_sandbox.ts";
import { catalogue, handles, mayHave, type Sentinels, sentinelsIn, setSentinels } from "./_sentinels.ts";

let box: Sandbox;
let sentinels: Sentinels;

beforeAll(async () => {
  box = await Sandbox.create();
  sentinels = setSentinels(box.home);
});
afterAll(() => box.remove());

interface Environment {
  service: string;
  variables: { name: string; value: string }[];
}

/** Which secrets are in its environment; every one of them is in the shell's as well, under the names that programs look for. */
async function secretsOf(handle: string, words: string[]): Promise<string[]> {
  const shell = {
    OPENAI_API_KEY: "sentinel-of-the-shell-",
    HARBOR_SOME_OTHER_KEY: "sentinel-of-the-shell-",
    HF_TOKEN: "sentinel-of-the-shell-",
  };
  const services = await box.json<Environment[]>(["env", handle, ...words, "--show-secrets"], { env: shell });
  const text = JSON.stringify(services);
  expect(services.some(({ variables }) => variables.some(({ value }) => value !== ""))).toBe(true);
  expect(text).not.toContain("sentinel-of-the-shell-");
  return sentinelsIn(text, sentinels);
}

test("there are secrets to be told apart", () => {
  expect([...sentinels.keys()]).toEqual(
    expect.arrayContaining(["HARBOR_LITELLM_MASTER_KEY", "HARBOR_HF_TOKEN", "HARBOR_WEBUI_OPENAI_KEY"]),
  );
});

describe("D8: of all the secrets there are", () => {
  test.each(handles)("%s gets its own alone", async (handle) => {
    const found = await secretsOf(handle, ["-c", handle, "--no-defaults"]);
    expect(found.filter((name) => !mayHave(handle, name, [handle]))).toEqual([]);
    expect(found).toContain(`OWN_TOKEN@${handle}`);
  });

  test.each(handles)("%s beside all others gets those besides that a file of both names", async (handle) => {
    const all = handles.flatMap((it) => ["-c", it]);
    const found = await secretsOf(handle, [...all, "--no-defaults"]);
    expect(found.filter((name) => !mayHave(handle, name, handles))).toEqual([]);
  });

  const natives = catalogue.flatMap(({ handle, contract }) => (contract === undefined ? [] : [handle]));

  test.each(natives)("%s natively gets its own alone", async (handle) => {
    const found = await secretsOf(handle, ["-x", handle, "--no-defaults"]);
    expect(found.filter((name) => !mayHave(handle, name, [handle]))).toEqual([]);
  });

  test.each(natives)("%s natively beside all others gets its own alone", async (handle) => {
    const others = handles.filter((it) => it !== handle).flatMap((it) => ["-c", it]);
    const found = await secretsOf(handle, ["-x", handle, ...others, "--no-defaults"]);
    expect(found.filter((name) => !mayHave(handle, name, handles))).toEqual([]);
  });
});

test("a cross file's reference is what hands one on: LiteLLM's key to Open WebUI beside it", async () => {
  expect(await secretsOf("webui", ["-c", "webui", "-c", "litellm", "--no-defaults"])).toContain("HARBOR_LITELLM_MASTER_KEY");
  expect(await secretsOf("webui", ["-c", "webui", "--no-defaults"])).not.toContain("HARBOR_LITELLM_MASTER_KEY");
});
