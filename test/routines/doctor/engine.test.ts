/** Checks of the engine, on recorded facts. */
import { describe, expect, test } from "bun:test";
import { HarborError } from "../../../routines/_script/error.ts";
import { isOlder } from "../../../routines/doctor/_is-older.ts";
import { type ComposeFacts, judgeCompose } from "../../../routines/doctor/check-compose.ts";
import { type ContextFacts, judgeContext } from "../../../routines/doctor/check-context.ts";
import { type EngineFacts, judgeEngine } from "../../../routines/doctor/check-engine.ts";
import { type EngineKindFacts, judgeEngineKind } from "../../../routines/doctor/check-engine-kind.ts";
import { judgeEngineVersion } from "../../../routines/doctor/check-engine-version.ts";
import { judgeSocket, type SocketFacts } from "../../../routines/doctor/check-socket.ts";
import type { State } from "../../../routines/doctor/finding.ts";
import type { EngineKind } from "../../../routines/engine/detect-engine-kind.ts";

const usual = { host: "unix:///var/run/docker.sock", origin: "default" } as const;
const gone = new HarborError("Cannot reach a container engine at x: nothing listens there", { exit: "missing", hint: "start it" });
const refused = new HarborError("Cannot use the container engine at x: no permission on its socket", { exit: "missing" });
const answer = { version: "28.1.0", kind: "linux", info: {} } as const;

describe("judgeEngine", () => {
  const facts: EngineFacts = { endpoint: usual, answer, needing: [], here: [usual.host] };
  test.each<[string, Partial<EngineFacts>, State, string]>([
    ["one at the usual place", {}, "ok", "Docker Engine 28.1.0 (linux) at unix:///var/run/docker.sock, the usual place"],
    [
      "Docker Desktop behind the usual socket",
      { answer: { version: "28.1.0", kind: "desktop", info: { OperatingSystem: "Docker Desktop" } } },
      "ok",
      "Docker Desktop 28.1.0 (desktop)",
    ],
    [
      "Rancher Desktop, found",
      {
        endpoint: { host: "unix:///Users/a/.rd/docker.sock", origin: "found" },
        answer: { version: "27.3.1", kind: "desktop", info: { Name: "lima-rancher-desktop" } },
      },
      "ok",
      "Rancher Desktop 27.3.1 (desktop) at unix:///Users/a/.rd/docker.sock, found where nothing names one",
    ],
    [
      "Colima by its context",
      {
        endpoint: { host: "unix:///x.sock", origin: "context", context: "colima" },
        answer: { version: "27.4.0", kind: "desktop", info: { Name: "colima" } },
      },
      "ok",
      'Colima 27.4.0 (desktop) at unix:///x.sock, which docker\'s context "colima" names',
    ],
    ["none, and nothing needs one", { answer: gone }, "warning", "nothing listens there"],
    ["none, and a service needs one", { answer: gone, needing: ["webui"] }, "failed", "nothing listens there"],
    [
      "none where DOCKER_HOST says",
      { endpoint: { host: "ssh://gpu", origin: "DOCKER_HOST" }, answer: gone },
      "failed",
      "nothing listens there",
    ],
    ["one that may not be used", { answer: refused }, "failed", "no permission"],
    ["a context that does not exist", { endpoint: undefined, answer: gone }, "failed", "nothing listens there"],
  ])("%s", (_, change, state, what) => {
    const found = judgeEngine({ ...facts, ...change });
    expect(found).toMatchObject({ state, what: expect.stringContaining(what) });
  });

  test("says which others are here, and what needs one that is gone", () => {
    const here = [usual.host, "unix:///home/a/.orbstack/run/docker.sock"];
    expect(judgeEngine({ ...facts, here }).details).toEqual(["Also here: OrbStack at unix:///home/a/.orbstack/run/docker.sock"]);
    expect(judgeEngine({ ...facts, answer: gone, needing: ["webui"] }).why).toContain("needed for webui");
  });
});

test.each<[string, EngineKind, State]>([
  ["20.10.24+dfsg1", "linux", "warning"],
  ["19.03.15", "linux", "failed"],
  ["27.5.1", "linux", "warning"],
  ["27.5.1", "desktop", "ok"],
  ["28.0.0", "linux", "ok"],
  ["29.1.2", "rootless", "ok"],
  ["5.4.0", "podman", "ok"],
  ["3.4.4", "podman", "failed"],
  ["dev", "linux", "ok"],
])("engine version %s (%s) is %s", (version, kind, state) => {
  expect(judgeEngineVersion({ version, kind }).state).toBe(state);
});

test.each([
  ["2.23.0", "2.23.1", true],
  ["2.23.1", "2.23.1", false],
  ["v2.36.0-desktop.1", "2.36", false],
  ["2.9", "2.36", true],
  ["2.26.1-4", "2.26.2", true],
])("%s is older than %s: %p", (version, floor, is) => {
  expect(isOlder(version, floor)).toBe(is);
});

describe("judgeEngineKind", () => {
  const both = { natives: ["ollama"], contained: ["webui"] };
  test.each<[string, EngineKindFacts, State]>([
    ["an engine on this kernel", { kind: "linux", wanted: undefined, ...both }, "ok"],
    ["one in a virtual machine", { kind: "desktop", wanted: undefined, ...both }, "ok"],
    ["a rootless one, natives beside containers", { kind: "rootless", wanted: undefined, ...both }, "failed"],
    ["a rootless one, containers alone", { kind: "rootless", wanted: undefined, natives: [], contained: ["webui"] }, "warning"],
    ["one on another machine, natives beside containers", { kind: "remote", wanted: undefined, ...both }, "failed"],
    ["a wish that is not so", { kind: "linux", wanted: "desktop", ...both }, "warning"],
    ["a wish that is so", { kind: "linux", wanted: "linux", ...both }, "ok"],
  ])("%s", (_, facts, state) => {
    expect(judgeEngineKind(facts).state).toBe(state);
  });
});

describe("judgeContext", () => {
  const facts: ContextFacts = { dockerHost: undefined, dockerContext: undefined, file: "/c.json", config: undefined, missingHelpers: [] };
  test.each<[string, Partial<ContextFacts>, State[]]>([
    ["nothing", {}, ["ok"]],
    ["DOCKER_HOST alone", { dockerHost: "ssh://a" }, ["ok"]],
    ["a context alone", { config: { currentContext: "colima" } }, ["ok"]],
    ["DOCKER_HOST over a context", { dockerHost: "ssh://a", config: { currentContext: "colima" } }, ["warning"]],
    ["DOCKER_HOST over DOCKER_CONTEXT", { dockerHost: "ssh://a", dockerContext: "colima" }, ["warning"]],
    ["DOCKER_HOST beside the default context", { dockerHost: "ssh://a", config: { currentContext: "default" } }, ["ok"]],
    ["a file that is not JSON", { config: "it is not JSON" }, ["failed"]],
    ["a helper of an engine that was removed", { missingHelpers: ["docker-credential-desktop"] }, ["warning"]],
  ])("%s", (_, change, states) => {
    expect(judgeContext({ ...facts, ...change }).map(({ state }) => state)).toEqual(states);
  });
});

describe("judgeSocket", () => {
  const socket = { mode: 0o140660, group: "docker", isUsable: true, isMember: true };
  test.each<[string, SocketFacts, State, string]>([
    ["a socket of the group", { endpoint: usual, socket }, "ok", ""],
    ["no permission", { endpoint: usual, socket: { ...socket, isUsable: false, isMember: false } }, "failed", "sudo usermod -aG docker"],
    ["a group that the session does not know yet", { endpoint: usual, socket: { ...socket, isUsable: false } }, "failed", "log in again"],
    ["a socket for everybody", { endpoint: usual, socket: { ...socket, mode: 0o140666 } }, "failed", "sudo chmod o-rw"],
    ["no socket", { endpoint: usual }, "skipped", ""],
    ["ssh", { endpoint: { host: "ssh://gpu", origin: "context" } }, "ok", ""],
    ["another machine without TLS", { endpoint: { host: "tcp://10.0.0.7:2375", origin: "DOCKER_HOST" } }, "failed", "ssh"],
    ["this machine without TLS", { endpoint: { host: "tcp://127.0.0.1:2375", origin: "DOCKER_HOST" } }, "warning", "ssh"],
    ["another machine with TLS", { endpoint: { host: "tcp://10.0.0.7:2376", origin: "DOCKER_HOST", certificates: "/c" } }, "ok", ""],
  ])("%s", (_, facts, state, fix) => {
    const found = judgeSocket(facts);
    expect(found.state).toBe(state);
    expect(found.fix ?? "").toContain(fix);
  });
});

describe("judgeCompose", () => {
  const facts: ComposeFacts = { version: "2.40.0", isProvider: false, needing: [], platform: "linux" };
  test.each<[string, Partial<ComposeFacts>, State]>([
    ["a new one", {}, "ok"],
    ["none, and nothing needs one", { version: undefined }, "warning"],
    ["none, and a service needs one", { version: undefined, needing: ["webui"] }, "failed"],
    ["one before 2.23.1", { version: "2.21.0" }, "failed"],
    ["one before 2.36", { version: "2.26.1-4" }, "ok"],
    ["one before 2.36 beside the provider", { version: "2.26.1-4", isProvider: true }, "warning"],
  ])("%s", (_, change, state) => {
    expect(judgeCompose({ ...facts, ...change }).state).toBe(state);
  });
});
