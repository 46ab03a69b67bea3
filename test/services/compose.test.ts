/** Every file of the catalogue as docker compose itself reads it. */

import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { resultOf } from "../_process.ts";
import { isCapability, ROOT, readCatalogue } from "./_catalogue.ts";

const FOLDERS = [
  join(homedir(), ".docker/cli-plugins"),
  "/usr/local/lib/docker/cli-plugins",
  "/usr/libexec/docker/cli-plugins",
  "/usr/lib/docker/cli-plugins",
];
const plugin = FOLDERS.map((folder) => join(folder, "docker-compose")).find((path) => existsSync(path));
const note = plugin === undefined ? " (skipped: no docker-compose plugin in ~/.docker/cli-plugins or the system's)" : "";

const catalogue = readCatalogue();
const env = { PATH: process.env.PATH ?? "", HARBOR_HOME: "/h", HARBOR_DATA: "/h/data", HARBOR_USER_ID: "1000", HARBOR_GROUP_ID: "1000" };

function definition(handle: string): string {
  return join(ROOT, handle, `compose.${handle}.yml`);
}

/** A capability or cross file after the definitions of its parts. */
const sets = catalogue.flatMap((folder) => [
  { name: folder.definition.name, files: [folder.definition.path] },
  ...[...folder.capabilities, ...folder.crosses].map((file) => ({
    name: file.name,
    files: [...file.parts.filter((part) => !isCapability(part)).map(definition), file.path],
  })),
]);
const everything = [
  ...catalogue.map((folder) => folder.definition.path),
  ...catalogue.flatMap((folder) => folder.crosses.map((file) => file.path)),
];

async function config(files: string[]): Promise<{ code: number; complaint: string }> {
  const words = [
    plugin ?? "",
    "--project-name",
    "catalogue",
    "--file",
    join(ROOT, "compose.yml"),
    ...files.flatMap((file) => ["--file", file]),
    "config",
    "--quiet",
  ];
  const child = Bun.spawn(words, { env, stdout: "pipe", stderr: "pipe" });
  const { stderr, exit } = await resultOf(child);
  return { complaint: stderr, code: exit };
}

describe.skipIf(plugin === undefined)(`docker compose config${note}`, () => {
  test.concurrent.each([...sets, { name: "all services together", files: everything }])("accepts $name", async ({ files }) => {
    expect(await config(files)).toEqual({ code: 0, complaint: "" });
  });
});
