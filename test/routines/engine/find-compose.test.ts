import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findCompose, readComposeVersion } from "../../../routines/engine/find-compose.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "harbor-compose-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A plugin that notes each call beside itself. */
function install(path: string, version: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho called >>"$0.calls"\necho ${version}\n`);
  chmodSync(path, 0o755);
  return path;
}

const options = () => ({ env: { HOME: folder }, home: join(folder, "harbor"), systemFolders: [join(folder, "system")] });

describe("findCompose", () => {
  test("finds the user's plugin before the system's", () => {
    install(join(folder, "system/docker-compose"), "2.20.0");
    const own = install(join(folder, ".docker/cli-plugins/docker-compose"), "v2.26.1-4");
    expect(findCompose(options())).toEqual({ path: own, version: "2.26.1-4" });
  });

  test("asks a plugin for its version once, and again when it is another file", () => {
    const path = install(join(folder, "system/docker-compose"), "2.26.1");
    findCompose(options());
    expect(findCompose(options()).version).toBe("2.26.1");
    expect(readFileSync(`${path}.calls`, "utf8")).toBe("called\n");
    install(path, "2.40.0-longer");
    expect(findCompose(options()).version).toBe("2.40.0-longer");
  });

  test("looks where docker's configuration says", () => {
    mkdirSync(join(folder, "docker"));
    writeFileSync(join(folder, "docker/config.json"), JSON.stringify({ cliPluginsExtraDirs: [join(folder, "brew")] }));
    const path = install(join(folder, "brew/docker-compose"), "2.30.0");
    expect(findCompose({ ...options(), env: { HOME: folder, DOCKER_CONFIG: join(folder, "docker") } }).path).toBe(path);
  });

  test("throws missing when there is none, and says what runs without", () => {
    expect(() => findCompose(options())).toThrow(
      expect.objectContaining({
        exit: "missing",
        hint: expect.stringContaining("native needs none"),
        message: expect.stringContaining("not installed"),
      }),
    );
  });

  test("throws missing for one that does not run", () => {
    const path = install(join(folder, "system/docker-compose"), "");
    expect(() => findCompose(options())).toThrow(`Cannot run "${path}": it does not print its version`);
  });
});

describe("readComposeVersion", () => {
  test("gives undefined where there is none, and writes nothing", async () => {
    expect(await readComposeVersion(options())).toBeUndefined();
    expect(existsSync(join(folder, "harbor"))).toBe(false);
  });

  test("remembers beside what others remember, readable by the user alone", async () => {
    install(join(folder, "system/docker-compose"), "2.26.1");
    mkdirSync(join(folder, "harbor/state"), { recursive: true });
    writeFileSync(join(folder, "harbor/state/host.json"), '{"other":{"kept":1}}');
    expect(await readComposeVersion(options())).toBe("2.26.1");
    expect(JSON.parse(readFileSync(join(folder, "harbor/state/host.json"), "utf8"))).toMatchObject({ other: { kept: 1 } });
  });
});
