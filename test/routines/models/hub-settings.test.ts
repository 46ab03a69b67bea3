import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { hubSettings } from "../../../routines/models/hub-settings.ts";
import { makeTree } from "../../_workspace.ts";

const none = { endpoint: "https://huggingface.co", isOffline: false };

describe("hubSettings", () => {
  const cases: [Record<string, string>, object][] = [
    [{}, { ...none, cache: "/h/.cache/huggingface/hub" }],
    [{ XDG_CACHE_HOME: "/x" }, { ...none, cache: "/x/huggingface/hub" }],
    [{ HF_HOME: "~/hf" }, { ...none, cache: "/h/hf/hub" }],
    [
      { HF_HOME: "/hf", HF_HUB_CACHE: "/c" },
      { ...none, cache: "/c" },
    ],
    [{ HUGGINGFACE_HUB_CACHE: "/old" }, { ...none, cache: "/old" }],
    [
      { HF_HUB_CACHE: "", HF_TOKEN: "", HF_ENDPOINT: "" },
      { ...none, cache: "/h/.cache/huggingface/hub" },
    ],
    [
      { HF_HUB_CACHE: "/c", HF_TOKEN: " hf_x\n" },
      { ...none, cache: "/c", token: "hf_x" },
    ],
    [
      { HF_HUB_CACHE: "/c", HF_ENDPOINT: "https://mirror" },
      { cache: "/c", endpoint: "https://mirror", isOffline: false },
    ],
    [
      { HF_HUB_CACHE: "/c", HF_HUB_OFFLINE: "1" },
      { ...none, cache: "/c", isOffline: true },
    ],
    [
      { HF_HUB_CACHE: "/c", HF_HUB_OFFLINE: "0" },
      { ...none, cache: "/c" },
    ],
    [
      { HF_HUB_CACHE: "/c", TRANSFORMERS_OFFLINE: "yes" },
      { ...none, cache: "/c", isOffline: true },
    ],
  ];
  test.each(cases)("%j", (env, settings) => {
    expect(hubSettings({ HOME: "/h", ...env })).toEqual(settings as ReturnType<typeof hubSettings>);
  });

  test("takes the token that `hf auth login` has left, unless told not to", () => {
    const home = makeTree({ "huggingface/token": "hf_file\n" });
    const env = { HOME: "/h", HF_HOME: join(home, "huggingface") };
    expect(hubSettings(env).token).toBe("hf_file");
    expect(hubSettings({ ...env, HF_TOKEN: "hf_env" }).token).toBe("hf_env");
    expect(hubSettings({ ...env, HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" }).token).toBeUndefined();
    expect(hubSettings({ HOME: "/h", HF_TOKEN_PATH: join(home, "huggingface/token") }).token).toBe("hf_file");
  });
});
