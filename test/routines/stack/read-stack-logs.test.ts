import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { identifyProcess } from "../../../routines/_script/process-identity.ts";
import { readStackLogs } from "../../../routines/stack/read-stack-logs.ts";
import { makeTree } from "../../_workspace.ts";

function makeHome(hasContainers: boolean): string {
  const home = makeTree({
    "state/native/a/log": "1\n2\n3\n",
    "state/native/b/log": "x\n",
    "state/stack.json": JSON.stringify({ services: ["a", "b"], natives: ["a", "b"], hasContainers }),
  });
  for (const handle of ["a", "b"]) {
    const record = {
      handle,
      ...identifyProcess(process.pid),
      mark: handle,
      argv: ["x"],
      cwd: "/",
      port: 7,
      containerPort: 7,
      contract: "/c",
      stop: { signal: "SIGTERM", grace: "1s" },
      startedAt: "",
      logFile: `${home}/state/native/${handle}/log`,
      logStart: 0,
      fingerprint: "f",
    };
    writeFileSync(`${home}/state/native/${handle}/process.json`, JSON.stringify(record));
  }
  return home;
}

async function read(home: string, handles: string[], tail = 20, follow = false): Promise<string[]> {
  const lines: string[] = [];
  const options = {
    home,
    env: { DOCKER_HOST: "unix:///nonexistent.sock" },
    project: "p",
    handles,
    tail,
    follow,
    signal: new AbortController().signal,
  };
  for await (const { service, line } of readStackLogs(options)) lines.push(`${service} ${line}`);
  return lines;
}

describe("readStackLogs", () => {
  test("reads the last lines of each, or of those asked for", async () => {
    const home = makeHome(false);
    expect(await read(home, [], 2)).toEqual(["a 2", "a 3", "b x"]);
    expect(await read(home, ["b"])).toEqual(["b x"]);
  });

  test("asks the engine only for what is not native", async () => {
    const home = makeHome(true);
    expect(await read(home, ["a"], 1)).toEqual(["a 3"]);
    expect(await read(home, ["web"]).catch((error: unknown) => error)).toMatchObject({ exit: "missing" });
  });

  test("following ends with the failure of one source, whatever the others wait for", async () => {
    expect(await read(makeHome(true), [], 1, true).catch((error: unknown) => error)).toMatchObject({ exit: "missing" });
  });

  test("is empty where nothing is up and no engine is there", async () => {
    expect(await read(makeTree({}), [])).toEqual([]);
  });
});
