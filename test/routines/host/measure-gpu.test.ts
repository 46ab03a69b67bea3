import { describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { type GpuUsage, measureGpu, parseComputeApps, parsePmon, parseRocmPids } from "../../../routines/host/measure-gpu.ts";
import { makeTree } from "../../_workspace.ts";

const MIB = 2 ** 20;
const use = (percent: number | null, mib: number | null): GpuUsage => ({ percent, memoryBytes: mib === null ? null : mib * MIB });

describe("parsePmon()", () => {
  test.each<[string, string, [number, GpuUsage][]]>([
    [
      "a driver of today",
      `# gpu         pid   type     sm    mem    enc    dec    jpg    ofa     fb   ccpm    command
# Idx           #    C/G      %      %      %      %      %      %     MB     MB    name
    0       4242     C     97     40      -      -      -      -   5120      0    ollama
    1       4242     C      3      1      -      -      -      -   1024      0    ollama
    0       4300     G      -      -      -      -      -      -     12      0    Xorg
`,
      [
        [4242, use(100, 6144)],
        [4300, use(null, 12)],
      ],
    ],
    [
      "an older one, its columns in another order",
      `# gpu        pid  type    fb    sm   mem   enc   dec   command
# Idx          #   C/G    MB     %     %     %     %   name
    0      25985     C   893     7     0     -     -   python3.7
`,
      [[25985, use(7, 893)]],
    ],
    [
      "a GPU without a process",
      "# gpu pid type sm mem fb command\n# Idx # C/G % % MB name\n    0          -     -      -      -      -      -\n",
      [],
    ],
    ["nothing", "", []],
    ["words of another kind", "Not supported on the device(s)\nFailed to process command line.\n", []],
  ])("%s", (_, text, usage) => {
    expect([...parsePmon(text)]).toEqual(usage);
  });
});

test("parseComputeApps() sums over GPUs, and leaves out what the driver does not tell", () => {
  expect([...parseComputeApps("4242, 5120\n4242, 1024\n77, [N/A]\n78, [Insufficient Permissions]\n")]).toEqual([[4242, 6144 * MIB]]);
});

describe("parseRocmPids()", () => {
  test.each<[string, string, [number, GpuUsage][]]>([
    ["a process", '{"system": {"PID4242": "ollama, 1, 6352367616, 0, unknown"}}', [[4242, { percent: null, memoryBytes: 6352367616 }]]],
    ["a name with a comma", '{"system": {"PID7": "a, b, 2, 4096, 0, 3"}}', [[7, { percent: null, memoryBytes: 4096 }]]],
    ["none", '{"WARNING": "No JSON data to report"}', []],
    ["no JSON", "WARNING: No JSON data to report", []],
  ])("%s", (_, text, usage) => {
    expect([...parseRocmPids(text)]).toEqual(usage);
  });
});

/** Stand-ins for the drivers' tools: they say what such a tool would. */
function toolsOf(tools: Record<string, string>): string {
  const root = makeTree(Object.fromEntries(Object.entries(tools).map(([name, script]) => [name, `#!/bin/sh\n${script}\n`])));
  for (const name of Object.keys(tools)) chmodSync(join(root, name), 0o755);
  return root;
}

describe("measureGpu() with stand-ins for the tools", () => {
  test("has utilisation of the monitor and memory of the query", async () => {
    const path = toolsOf({
      "nvidia-smi": `case $1 in
        pmon) printf '# gpu pid type sm mem fb command\\n# Idx # C/G %% %% MB name\\n 0 4242 C 55 3 100 x\\n' ;;
        *) printf '4242, 200\\n4343, 300\\n' ;;
      esac`,
    });
    expect([...((await measureGpu({ path })) ?? [])]).toEqual([
      [4242, use(55, 200)],
      [4343, use(null, 300)],
    ]);
  });

  test("is nothing where no tool is there, or it fails", async () => {
    expect(await measureGpu({ path: "/nonexistent" })).toBeUndefined();
    expect(await measureGpu({ path: toolsOf({ "nvidia-smi": "echo no driver; exit 9" }) })).toBeUndefined();
  });

  test("asks AMD's where that is the one there is", async () => {
    const path = toolsOf({ "rocm-smi": `echo '{"system": {"PID9": "x, 1, 512, 0, 0"}}'` });
    expect([...((await measureGpu({ path })) ?? [])]).toEqual([[9, { percent: null, memoryBytes: 512 }]]);
  });
});
