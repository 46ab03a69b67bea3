import { describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { detectCapabilities } from "../../../routines/host/detect-capabilities.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

/** What a host with these files and this compose has: `+name` and `-name`. */
async function detect(files: string[], composeVersion?: string): Promise<string> {
  const root = makeTree(Object.fromEntries(files.map((file) => [file, ""])));
  for (const file of files) if (file.startsWith("usr/bin/")) chmodSync(join(root, file), 0o755);
  const found = await detectCapabilities({
    env: { PATH: "/bin:/usr/bin" },
    home: makeFolder(),
    root,
    composeVersion: async () => composeVersion,
  });
  expect(found.every((it) => it.reason !== "")).toBe(true);
  return found.map((it) => `${it.isPresent ? "+" : "-"}${it.name}`).join(" ");
}

describe("detectCapabilities", () => {
  test.each<[string, string[], string]>([
    ["a bare host", [], "-nvidia -cdi -rocm -mdc"],
    ["a driver without the container toolkit", ["proc/driver/nvidia/version"], "-nvidia -cdi -rocm -mdc"],
    ["the container toolkit without a driver", ["usr/bin/nvidia-ctk"], "-nvidia -cdi -rocm -mdc"],
    ["both", ["proc/driver/nvidia/version", "usr/bin/nvidia-ctk"], "+nvidia -cdi -rocm -mdc"],
    ["Windows' driver", ["usr/lib/wsl/lib/nvidia-smi", "usr/bin/nvidia-container-runtime"], "+nvidia -cdi -rocm -mdc"],
    ["a CDI specification alone", ["etc/cdi/nvidia.yaml"], "-nvidia +cdi -rocm -mdc"],
    ["a CDI specification beside the toolkit", ["etc/cdi/nvidia.yaml", "dev/nvidiactl", "usr/bin/nvidia-ctk"], "+nvidia -cdi -rocm -mdc"],
    ["AMD's compute device without a render node", ["dev/kfd", "dev/dri/card0"], "-nvidia -cdi -rocm -mdc"],
    ["AMD's compute device with one", ["dev/kfd", "dev/dri/renderD128"], "-nvidia -cdi +rocm -mdc"],
  ])("%s", async (_, files, expected) => {
    expect(await detect(files)).toBe(expected);
  });

  test.each([
    ["2.23.0", "-mdc"],
    ["2.23.1", "+mdc"],
    ["2.24.0-desktop.1", "+mdc"],
    ["3.0.0", "+mdc"],
    ["1.29.2", "-mdc"],
    ["dev", "+mdc"],
  ])("compose %s: %s", async (version, expected) => {
    expect(await detect([], version)).toEndWith(expected);
  });
});
