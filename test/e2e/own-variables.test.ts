/** What a user gives one service alone, as the engine has it: variables and mounts reach its container, and no other. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "../../routines/engine/connect-engine.ts";
import { engineOf, findTestEngine } from "./_engine.ts";
import { createSandbox, type Sandbox } from "./_sandbox.ts";

const found = await findTestEngine();
const VALUE = `it's "x" | & $HOME \${X} \\ \`id\` ☂\nline`;

describe.skipIf(found.engine === undefined)("harbor env and harbor volumes", () => {
  let sandbox: Sandbox;
  let engine: Engine;

  beforeAll(() => {
    engine = engineOf(found);
    sandbox = createSandbox(engine);
    for (const handle of ["mine", "theirs"]) {
      const folder = join(sandbox.home, "services", handle);
      mkdirSync(folder, { recursive: true });
      const environment = `environment: { LEVEL: "\${HARBOR_${handle.toUpperCase()}_LEVEL:-file}" }`;
      const companion = `\n  ${handle}-db: { image: "busybox:local", command: [sleep, "600"], init: true }`;
      writeFileSync(
        join(folder, `compose.${handle}.yml`),
        `services:\n  ${handle}:\n    image: busybox:local\n    command: [sleep, "600"]\n    init: true\n    ${environment}${companion}\n`,
      );
    }
    mkdirSync(join(sandbox.home, "notes"));
    writeFileSync(join(sandbox.home, "notes/a.txt"), "from the host");
  });

  afterAll(() => sandbox?.[Symbol.asyncDispose]());

  const harbor = async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await sandbox.harbor(words);
    expect({ words, code, stderr: code === 0 ? "" : stderr }).toEqual({ words, code: 0, stderr: "" });
    return stdout;
  };
  const inspect = async (service: string) => engine.api.getContainer(`${sandbox.project}-${service}-1`).inspect();
  const environmentOf = async (service: string): Promise<string[]> => (await inspect(service)).Config.Env;

  test("reach that container alone, whatever they hold (D4, D8); a change is applied by the next up", async () => {
    await harbor("env", "mine", "set", "LEVEL", VALUE);
    await harbor("env", "mine", "set", "API_TOKEN", "s3cret");
    await harbor("config", "set", "theirs.level", VALUE);
    await harbor("volumes", "mine", "add", `${sandbox.home}/notes:/notes:ro`, "cache:/cache");
    await harbor("up", "mine", "theirs");
    const mine = await environmentOf("mine");
    expect(mine).toContain(`LEVEL=${VALUE}`);
    expect(mine).toContain("API_TOKEN=s3cret");
    expect(await environmentOf("theirs")).toContain(`LEVEL=${VALUE}`);
    for (const other of ["mine-db", "theirs", "theirs-db"]) {
      expect((await environmentOf(other)).filter((it) => it.includes("s3cret") || it.startsWith("API_TOKEN"))).toEqual([]);
      expect((await inspect(other)).Mounts).toEqual([]);
    }
    const mounts = (await inspect("mine")).Mounts.map(({ Type, Destination, RW }) => ({ Type, Destination, RW }));
    expect(mounts.sort((a, b) => (a.Destination < b.Destination ? -1 : 1))).toEqual([
      { Type: "volume", Destination: "/cache", RW: true },
      { Type: "bind", Destination: "/notes", RW: false },
    ]);
    await harbor("env", "mine", "unset", "LEVEL", "API_TOKEN");
    await harbor("volumes", "mine", "clear");
    await harbor("up");
    expect(await environmentOf("mine")).toContain("LEVEL=file");
    expect((await inspect("mine")).Mounts).toEqual([]);
    await harbor("down");
  }, 60_000);
});
