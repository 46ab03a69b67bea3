/** What only uv reads of a pyproject.toml, as requirements that pip understands. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readUvSources } from "../../../services/speaches/uv-sources.ts";

const folder = mkdtempSync(join(tmpdir(), "harbor-uv-sources-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(text: string): string[] {
  writeFileSync(join(folder, "pyproject.toml"), text);
  return readUvSources(folder);
}

test("wheels are for the Python in their names, and for the machines of their markers", () => {
  const text = `[tool.uv.sources]
some-package = [
  { url = "https://host/some_package-1.2.0-cp312-cp312-manylinux_2_28_aarch64.whl", marker = "platform_machine == 'aarch64' and sys_platform == 'linux'" },
  { url = "https://host/some_package-1.2.0-cp312-cp312-manylinux_2_28_x86_64.whl", marker = "platform_machine == 'x86_64'" },
]
other = { url = "https://host/other-1.0-cp39-abi3-macosx_11_0_arm64.whl" }
`;
  expect(read(text)).toEqual([
    `some-package @ https://host/some_package-1.2.0-cp312-cp312-manylinux_2_28_aarch64.whl ; (platform_machine == 'aarch64' and sys_platform == 'linux') and python_version == "3.12"`,
    `some-package @ https://host/some_package-1.2.0-cp312-cp312-manylinux_2_28_x86_64.whl ; (platform_machine == 'x86_64') and python_version == "3.12"`,
    `other @ https://host/other-1.0-cp39-abi3-macosx_11_0_arm64.whl ; python_version >= "3.9"`,
  ]);
});

test.each([
  [
    "repositories, workspaces and indexes are left to the installer",
    '[tool.uv.sources]\na = { git = "https://host/a" }\nb = { workspace = true }\nc = { index = "x" }\n',
  ],
  ["none at all", '[project]\nname = "a"\n'],
  ["a file that is no TOML", "[[[\n"],
])("%s", (_, text) => {
  expect(read(text)).toEqual([]);
});
