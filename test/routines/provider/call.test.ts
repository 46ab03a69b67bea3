import { expect, test } from "bun:test";
import { readCall, readOptions } from "../../../routines/provider/call.ts";

test("a call as newer and older composes write it", () => {
  const options = new Map([["service", ["ollama"]]]);
  const expected = { action: "up", project: "demo", service: "llm", options };
  expect(readCall(["--project-name=demo", "up", "--service=ollama", "llm"])).toMatchObject(expected as object);
  expect(readCall(["--project-name", "demo", "up", "--service", "ollama", "llm"])).toMatchObject(expected as object);
  expect(readCall(["metadata"]).action).toBe("metadata");
});

test("options, and what they are when they are left out", () => {
  const words = [
    "--service=ollama",
    "--networks=front",
    "--networks=back, db",
    "--wait_timeout=90",
    "--workspace=/w",
    "--config=a=b=c,d\n  HARBOR_X=  \n",
    "--config=e=",
  ];
  expect(readOptions(readCall(["--project-name=demo", "up", ...words, "llm"]))).toEqual({
    handle: "ollama",
    isNamed: true,
    workspace: "/w",
    timeoutMs: 90_000,
    networks: ["front", "back", "db"],
    config: [
      ["a", "b=c,d"],
      ["HARBOR_X", ""],
      ["e", ""],
    ],
  });
  expect(readOptions(readCall(["--project-name=demo", "up", "llm"]))).toEqual({
    handle: "llm",
    isNamed: false,
    workspace: undefined,
    timeoutMs: undefined,
    networks: [],
    config: [],
  });
});
