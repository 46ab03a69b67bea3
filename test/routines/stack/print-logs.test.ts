import { describe, expect, test } from "bun:test";
import { pickColours, showsColours } from "../../../routines/stack/print-logs.ts";

describe("colours", () => {
  test("are a service's own, the same each time, and different while there are enough", () => {
    const services = ["ollama", "webui", "redis", "litellm", "searxng", "vllm", "speaches", "comfyui"];
    const [first, again] = [pickColours(), pickColours()];
    const colours = services.map((service) => first(service));
    expect(services.map((service) => again(service))).toEqual(colours);
    expect(services.map((service) => first(service))).toEqual(colours);
    expect(new Set(colours).size).toBe(services.length);
  });

  test("there are enough for more services than there are colours", () => {
    const pick = pickColours();
    for (let i = 0; i < 30; i++) expect(pick(`service-${i}`)).toBeGreaterThan(30);
  });

  test("are not for those who want none", () => {
    expect(showsColours({ NO_COLOR: "1", TERM: "xterm" })).toBe(false);
    expect(showsColours({ TERM: "dumb" })).toBe(false);
  });
});
