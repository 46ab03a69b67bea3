/** `harbor update` and `pull` without an engine: what they say of natives and of Harbor itself, and what they leave alone. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { readInstallation } from "../../routines/host/read-installation.ts";
import { freePort } from "../_ports.ts";
import { makeTree } from "../_workspace.ts";
import { checkout, echoService, Sandbox } from "./_sandbox.ts";

let box: Sandbox;

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({
    ...echoService("mine", freePort(), "  install: { any: make mine }\n"),
    "crate/compose.crate.yml": "services:\n  crate:\n    image: busybox:local\n",
  });
  await box.run(["version"]); // builds what is stale
}, 30_000);
afterAll(() => box.remove());

describe("harbor update", () => {
  test("D16: says how the checkout is updated, and does nothing to it", async () => {
    const look = async (): Promise<string> => {
      const git = (...words: string[]) => Bun.$`git --no-optional-locks -C ${checkout} ${words}`.text();
      return [
        await git("rev-parse", "HEAD"),
        await git("stash", "list"),
        await git("status", "--porcelain"),
        await git("for-each-ref"),
      ].join("\n");
    };
    const before = await look();
    for (const words of [["update"], ["update", "--check"]]) {
      const { exit, stdout, stderr } = await box.run(words);
      expect([exit, stderr]).toEqual([0, ""]);
      expect(stdout).toMatch(/^harbor \d+\.\d+\.\d+, a git checkout .*\n {2}to update it: git -C \S+ (?:pull --ff-only|fetch)\n$/);
    }
    expect(await look()).toBe(before);
    expect(existsSync(box.state)).toBe(false);
  });

  test("says of a native service that its program is the user's to update, and needs no engine for that", async () => {
    const { exit, stdout, stderr } = await box.run(["update", "mine"]);
    expect([exit, stderr]).toEqual([0, ""]);
    expect(stdout).toStartWith("mine runs natively: its program is yours to update (make mine)\n");
    expect(await box.json<unknown>(["update", "mine"])).toMatchObject({
      images: [],
      natives: [{ handle: "mine", install: "make mine" }],
      stale: [],
    });
  });

  test("asks no keychain for what no image needs, and neither does pull", async () => {
    box.write({ "home/secrets.keychain": "HARBOR_HF_TOKEN\n" }); // and there is none
    for (const words of [
      ["update", "crate"],
      ["update", "--check", "crate"],
      ["pull", "crate"],
    ]) {
      const { exit, stderr } = await box.run(words);
      expect([exit, stderr]).toEqual([3, expect.stringContaining("Cannot reach a container engine")]);
    }
    rmSync(join(box.home, "secrets.keychain"));
  });

  test("D11: what is wrong in the folder of one service is not in the way of the others", async () => {
    box.services({ "wreck/compose.wreck.yml": "services: [nothing: here\n", "wreck/wreck_native.yml": "x-harbor-native: 7\n" });
    const archive = join(box.root, "mine.tar");
    const lines: [string[], number][] = [
      [["exec", "mine", "true"], 0],
      [["update", "mine"], 0],
      [["pull", "crate"], 3],
      [["build", "crate"], 1],
      [["backup", "mine", "--to", archive], 0],
      [["restore", archive, "--dry-run"], 0],
      [["prune", "--dry-run"], 0],
      [["uninstall", "--dry-run"], 0],
    ];
    for (const [words, exit] of lines) {
      const result = await box.run(words);
      expect({ words, exit: result.exit, isAboutIt: result.stderr.includes("wreck") }).toEqual({ words, exit, isAboutIt: false });
    }
    expect(await box.run(["pull", "wreck"])).toMatchObject({ exit: 1, stderr: expect.stringContaining("wreck") });
    rmSync(archive);
    rmSync(join(box.home, "services/wreck"), { recursive: true });
    rmSync(box.state, { recursive: true, force: true });
  });

  test("pull says where nothing of what runs is in a container", async () => {
    expect((await box.run(["up", "-x", "mine", "--no-defaults"])).exit).toBe(0);
    const { exit, stdout, stderr } = await box.run(["pull", "--no-defaults"]);
    expect([exit, stdout, stderr]).toEqual([0, "", expect.stringContaining("there is no image to pull")]);
    await box.run(["down"]);
  });

  test.each([
    [["update", "crate"], 3, "Cannot reach a container engine"],
    [["update", "crat"], 4, 'did you mean "crate"?'],
    [["pull", "crate"], 3, "Cannot reach a container engine"],
    [["pull", "llama3.2:1b"], 2, "harbor models pull llama3.2:1b"],
    [["pull"], 0, "mock-openai runs natively: it has no image"],
    [["pull", "mine"], 0, "mine runs natively: it has no image (`harbor pull -c mine`"],
    [["build"], 2, "<names> is missing"],
    [["build", "nvidia"], 2, "no service is named"],
    [["build", "crate"], 1, "busybox:local is pulled, not built\n  Pull it: harbor pull crate"],
    [["build", "mine"], 1, "it has no definition"],
  ])("harbor %j ends with %d", async (words, exit, message) => {
    expect(await box.run(words)).toMatchObject({ exit, stdout: "", stderr: expect.stringContaining(message) });
    expect(existsSync(box.state)).toBe(false);
  });
});

describe("how Harbor came to be here", () => {
  test.each([
    ["home/.bun/install/global/node_modules/harbor", "bun", "bun add --global harbor@latest", "bun remove --global harbor"],
    ["usr/lib/node_modules/harbor", "npm", "npm install --global harbor@latest", "npm uninstall --global harbor"],
    ["home/.local/share/pnpm/global/5/node_modules/harbor", "pnpm", "pnpm add --global harbor@latest", "pnpm remove --global harbor"],
    ["my project/node_modules/harbor", "project", "cd 'ROOT/my project' && bun update harbor", "cd 'ROOT/my project' && bun remove harbor"],
    ["bunx-0-harbor@latest/node_modules/harbor", "cache", "bunx harbor@latest", "rm -rf ROOT/bunx-0-harbor@latest"],
    ["opt/harbor", "folder", null, "rm -rf ROOT/opt/harbor"],
  ])("%s", (place, kind, update, remove) => {
    const root = makeTree({ [`${place}/package.json`]: "{}" });
    const found = readInstallation(join(root, place));
    const whole = (text: string | null): string | null => text?.replaceAll("ROOT", root) ?? null;
    expect(found).toMatchObject({ kind, update: whole(update), remove: whole(remove) as string });
  });
});
