/** Checks of the network, on recorded facts. */
import { describe, expect, test } from "bun:test";
import type { BridgeTrial } from "../../../routines/doctor/_try-bridge.ts";
import { judgeBridge } from "../../../routines/doctor/check-bridge.ts";
import { type DnsFacts, judgeDns } from "../../../routines/doctor/check-dns.ts";
import { judgeListeners, type ListenerFacts } from "../../../routines/doctor/check-listeners.ts";
import { judgePorts } from "../../../routines/doctor/check-ports.ts";
import { judgeProxies, type ProxyFacts } from "../../../routines/doctor/check-proxies.ts";
import type { State } from "../../../routines/doctor/finding.ts";
import type { EngineKind } from "../../../routines/engine/detect-engine-kind.ts";

describe("judgeBridge", () => {
  const trial = (relay: boolean, gateway: boolean): BridgeTrial => ({
    image: "busybox",
    ways: [
      { way: "relay", address: "127.0.0.1", isReached: relay },
      { way: "gateway", address: "172.17.0.1", isReached: gateway },
    ],
  });
  test.each<[string, BridgeTrial, EngineKind, string[], State[]]>([
    ["both ways", trial(true, true), "linux", [], ["ok", "ok"]],
    ["a firewall before the gateway", trial(true, false), "linux", [], ["ok", "warning"]],
    ["a firewall before the gateway that a service needs", trial(true, false), "linux", ["ollama"], ["ok", "failed"]],
    ["a host network that is not this host's", trial(false, false), "linux", [], ["failed", "warning"]],
    ["a gateway that Docker Desktop needs", { image: "busybox", ways: [trial(true, false).ways[1] as never] }, "desktop", [], ["failed"]],
    ["no image", { skipped: "no image is here", ways: [] }, "linux", [], ["skipped"]],
    [
      "nothing could listen",
      { ways: [{ way: "gateway", address: "", isReached: false, problem: "no docker0" }] },
      "linux",
      [],
      ["skipped"],
    ],
  ])("%s", (_, found, kind, direct, states) => {
    expect(judgeBridge({ trial: found, kind, direct }).map(({ state }) => state)).toEqual(states);
  });
});

describe("judgeListeners", () => {
  const quiet: ListenerFacts = { exposed: [], natives: [], relays: [], published: [] };
  const at = (port: number, pid?: number, command?: string) => ({ port, pid, command });
  test.each<[string, Partial<ListenerFacts>, State, string]>([
    ["nothing", {}, "ok", "nothing of Harbor's"],
    ["sshd", { exposed: [at(22, 1, "sshd: /usr/sbin/sshd")] }, "ok", ""],
    [
      "Ollama on its port",
      { exposed: [at(11434, 7, "ollama serve")] },
      "failed",
      "Ollama listens on every address of this host: port 11434 (pid 7, ollama serve)",
    ],
    ["Ollama on another", { exposed: [at(12000, 7, "ollama serve")] }, "failed", "Ollama"],
    ["another user's on Ollama's port", { exposed: [at(11434)] }, "failed", "a process of another user"],
    ["llama.cpp", { exposed: [at(8080, 7, "llama-server")] }, "failed", "llama.cpp"],
    ["vLLM", { exposed: [at(8000, 7, "python3 /venv/bin/vllm serve model")] }, "failed", "vLLM"],
    ["the engine itself", { exposed: [at(2375, 7, "dockerd")] }, "failed", "Docker's API without TLS"],
    [
      "a native of Harbor's",
      { exposed: [at(33821, 7, "ollama serve")], natives: [{ handle: "ollama", port: 33821, pid: 7 }] },
      "failed",
      "ollama, which runs natively",
    ],
    [
      "a native's other port",
      { exposed: [at(9999, 7)], natives: [{ handle: "x", port: 33821, pid: 7 }] },
      "failed",
      "x, which runs natively",
    ],
    ["a relay", { exposed: [at(9999, 8)], relays: [8] }, "failed", "relay"],
    [
      "a published container",
      { exposed: [at(6379, 9, "docker-proxy")], published: [{ handle: "redis", port: 6379 }] },
      "warning",
      "redis is published",
    ],
  ])("%s", (_, change, state, what) => {
    const found = judgeListeners({ ...quiet, ...change });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ state, what: expect.stringContaining(what) });
    if (state !== "ok") expect(found[0]?.fix).not.toBe("");
  });

  test("tells of one that listens by IPv4 and IPv6 once", () => {
    expect(judgeListeners({ ...quiet, exposed: [at(11434, 7, "ollama"), at(11434, 7, "ollama")] })).toHaveLength(1);
  });
});

test("judgePorts names who has a port, and the key that moves it", () => {
  const free = { handle: "webui", port: 33801, address: "127.0.0.1", owner: undefined, key: undefined };
  expect(judgePorts([free], ["redis"])).toEqual([{ state: "ok", what: "free: 33801 (webui); redis is up" }]);
  expect(judgePorts([{ ...free, owner: "pid 7 (nginx)", key: "webui.host_port" }], [])).toMatchObject([
    {
      state: "failed",
      what: "port 33801 of 127.0.0.1, which webui wants, is taken by pid 7 (nginx)",
      fix: "End that process, or take another port: harbor config set webui.host_port 34801",
    },
  ]);
});

describe("judgeDns", () => {
  const facts: DnsFacts = { localhost: ["127.0.0.1"], name: "r", addresses: ["192.0.2.1"], inContainer: true, hasProxy: false };
  test.each<[string, Partial<DnsFacts>, State]>([
    ["known everywhere", {}, "ok"],
    ["no container to ask", { inContainer: undefined }, "ok"],
    ["not known in a container", { inContainer: false }, "warning"],
    ["not known at all", { addresses: [] }, "warning"],
    ["a proxy that knows", { addresses: [], hasProxy: true }, "ok"],
    ["localhost by IPv6 alone", { localhost: ["::1"] }, "ok"],
    ["a broken hosts file", { localhost: [] }, "failed"],
    ["localhost elsewhere", { localhost: ["192.0.2.7"] }, "failed"],
  ])("%s", (_, change, state) => {
    expect(judgeDns({ ...facts, ...change }).map((it) => it.state)).toEqual([state]);
  });
});

describe("judgeProxies", () => {
  const none = { http: "", https: "", none: "" };
  const proxy = { http: "", https: "http://me:secret@proxy:3128", none: "" };
  const good = { ...proxy, none: "localhost,127.0.0.1" };
  test.each<[string, ProxyFacts, State[]]>([
    ["none", { shell: none, engine: none, containers: undefined }, ["ok"]],
    ["none, and no engine", { shell: none, engine: undefined, containers: undefined }, ["ok"]],
    ["everywhere, with exceptions", { shell: good, engine: proxy, containers: undefined }, ["ok"]],
    ["a shell's without localhost in NO_PROXY", { shell: proxy, engine: proxy, containers: undefined }, ["warning"]],
    ["a shell's that the engine lacks", { shell: good, engine: none, containers: undefined }, ["warning"]],
    ["everything excepted", { shell: { ...proxy, none: "*" }, engine: proxy, containers: undefined }, ["ok"]],
    ["a containers' without exceptions", { shell: none, engine: none, containers: { proxy: "http://p:1", none: "" } }, ["warning"]],
  ])("%s", (_, facts, states) => {
    expect(judgeProxies(facts).map(({ state }) => state)).toEqual(states);
  });

  test("never shows a proxy's password", () => {
    const found = JSON.stringify(judgeProxies({ shell: proxy, engine: none, containers: { proxy: proxy.https, none: "" } }));
    expect(found).toContain("http://proxy:3128");
    expect(found).not.toContain("secret");
  });
});
