/** `harbor ls`: which services there are, chosen and ordered as a person asks for them. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ListedService } from "../../routines/ls.ts";
import { freePort } from "../_ports.ts";
import { echoService, Sandbox } from "./_sandbox.ts";

let box: Sandbox;

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({
    ...echoService("echo", freePort()),
    "echo/compose.echo.yml":
      "x-harbor: { name: An echo, description: Repeats what it hears, tags: [toy], provides: [echoes] }\nservices: { echo: { image: echo } }\n",
    "absent/absent_native.yml": "x-harbor-native: { executable: not-there-at-all, port: 41398 }\n",
    "broken/compose.broken.yml": "x-harbor:\n  name: [\n",
  });
  await box.run(["up", "-x", "echo"]);
});
afterAll(() => box.remove());

const ls = async (...words: string[]): Promise<string[]> => (await box.json<ListedService[]>(["ls", ...words])).map((it) => it.handle);

describe("harbor ls", () => {
  test.each([
    [["repeats"], ["echo"]],
    [["REPEATS", "hears"], ["echo"]],
    [["echoes"], ["echo"]],
    [["repeats", "nothing"], []],
    [["--tag", "toy"], ["echo"]],
    [["--provides", "echoes"], ["echo"]],
    [["--provides", "ollama-api"], ["ollama"]],
    [
      ["--provides", "openai-api", "--native"],
      ["llamacpp", "mock-openai", "ollama"],
    ],
    [["--up"], ["echo"]],
    [["--running", "--native"], ["echo"]],
    [["-a", "--container"], []],
    [["--tag", "backend", "--tag", "test"], ["mock-openai"]],
  ])("%j: %j", async (words, handles) => {
    expect(await ls(...words)).toEqual(handles);
  });

  test("--container is what can run in one, of what is up what does", async () => {
    const found = await ls("--container");
    expect(found).toContain("ollama");
    expect(found).not.toContain("absent");
    expect(found).not.toContain("echo");
  });

  test("says what each that is up was started on", async () => {
    const all = await box.json<ListedService[]>(["ls"]);
    expect(all.find((it) => it.handle === "echo")).toMatchObject({ isUp: true, runtime: "native" });
    expect(all.find((it) => it.handle === "ollama")).toMatchObject({ isUp: false, runtime: null });
    expect((await box.run(["ls", "echo"])).stdout).toMatch(/^echo +up, native +container,native +toy +An echo$/m);
  });

  test("--installed is what has its program here; without an engine images are not looked for, and that is said", async () => {
    const found = await box.run(["ls", "--installed", "--json"]);
    const services = JSON.parse(found.stdout) as ListedService[];
    expect(services.map((it) => it.handle)).toContain("mock-openai");
    expect(services.map((it) => it.handle)).not.toContain("absent");
    expect(services.find((it) => it.handle === "echo")?.installed).toEqual({ native: true, container: null });
    expect(found.stderr).toContain("harbor: warning: images are not looked for: ");
    expect((await box.run(["ls", "--installed", "echo"])).stdout).toContain(" container,native* ");
  });

  test("sorts", async () => {
    expect((await ls("--sort", "up"))[0]).toBe("echo");
    expect((await ls("--sort", "name"))[0]).toBe("absent");
    expect((await ls("--sort", "layer")).slice(0, 2)).toEqual(["absent", "echo"]);
    const { exit, stderr } = await box.run(["ls", "--sort", "nmae"]);
    expect({ exit, stderr }).toEqual({ exit: 2, stderr: expect.stringContaining('Cannot sort by "nmae"; did you mean "name"?') });
  });

  test("--long says what it is for", async () => {
    expect((await box.run(["ls", "--long", "echo"])).stdout).toMatch(
      /^echo +up, native +container,native +user +echoes +Repeats what it hears$/m,
    );
  });

  test("D11: a broken folder hides itself alone, with file and line", async () => {
    const { exit, stdout, stderr } = await box.run(["ls"]);
    expect(exit).toBe(0);
    expect(stdout).toContain("webui ");
    expect(stdout).not.toContain("broken");
    expect(stderr).toMatch(/^harbor: warning: \S+\/broken\/compose\.broken\.yml:\d+:\d+: /);
  });

  test("says where nothing is like that", async () => {
    const { exit, stdout, stderr } = await box.run(["ls", "nothing-has-this-word"]);
    expect({ exit, stdout }).toEqual({ exit: 0, stdout: "" });
    expect(stderr).toEndWith("harbor: no service is like that; `harbor ls` shows all\n");
  });
});
