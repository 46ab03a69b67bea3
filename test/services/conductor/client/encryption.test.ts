/** Payloads that the conductor cannot read, against a conductor that tries to: its store, its memory, and what it might put in their place. */
import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CompactEncrypt, CompactSign, type JWK } from "jose";
import { type Client, type ConnectOptions, connect } from "../../../../services/conductor/client/client.ts";
import type { ConductorClientError } from "../../../../services/conductor/client/http.ts";
import { type OwnKeys, openKeyFile } from "../../../../services/conductor/client/key-file.ts";
import { makeFolder } from "../../../_workspace.ts";
import { type Harness, TOKEN, useServers } from "../_server.ts";
import { decryptByHand } from "./_jwe.ts";

const SECRET = "the-quick-brown-secret";
const clients: Client[] = [];
const start = useServers();
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

interface Scene {
  server: Harness;
  file: string;
  /** A client whose key is kept under its component's name. */
  join(component: string, more?: Partial<ConnectOptions>, how?: Partial<ConnectOptions["encryption"]>): Promise<Client>;
  keyOf(component: string): Promise<OwnKeys>;
  problems: ConductorClientError[];
}

async function scene({ maxAttempts = 2 } = {}): Promise<Scene> {
  const folder = makeFolder();
  const file = join(folder, "conductor.db");
  const server = await start({ limits: { maxAttempts }, folder });
  const problems: ConductorClientError[] = [];
  const keyFile = (component: string): string => join(folder, `${component}.json`);
  return {
    server,
    file,
    problems,
    keyOf: (component) => openKeyFile(keyFile(component)),
    join: async (component, more = {}, how = {}) => {
      const client = await connect({
        ...{ url: server.url, token: TOKEN, component, port: 4_001 },
        onProblem: (error) => void problems.push(error as ConductorClientError),
        encryption: { keyFile: keyFile(component), ...how },
        ...more,
      });
      clients.push(client);
      return client;
    },
  };
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "none",
    (error: ConductorClientError) => error.code,
  );

const publicPart = (keys: OwnKeys): JWK => keys.publicKey.keys[0] as JWK;

describe("encryption", () => {
  test("of messages: they arrive, and nothing of them is in the store's file or in any answer", async () => {
    const { server, file, join, keyOf } = await scene();
    const [hub, sink] = [await join("hub"), await join("sink")];
    const id = await hub.queue.send("sink", { note: SECRET }, { type: "note", headers: { trace: "t" } });
    const onDisk = (): string => [file, `${file}-wal`].map((name) => readFileSync(name, "latin1")).join("");
    expect(onDisk()).toContain('"encryption":"jwe"');
    expect(onDisk()).not.toContain(SECRET);
    const raw = await server.ask("GET", "/queue/receive?component=sink&visibility=1");
    const { jwe } = raw.body.messages[0].payload;
    expect(raw.body.messages).toMatchObject([{ message_id: id, headers: { encryption: "jwe", trace: "t" }, payload: { jwe } }]);
    expect(JSON.stringify(raw.body)).not.toContain(SECRET);
    await server.ask("POST", "/queue/release", { body: { component_id: "sink-001", receipts: [raw.body.messages[0].receipt] } });
    const [message] = await sink.queue.receive({ waitSeconds: 3 });
    expect(message).toMatchObject({ id, from: "hub-001", type: "note", payload: { note: SECRET } });
    expect(await message?.ack()).toBe(true);
    // another implementation of the same documents opens it with the same key
    const { header, content } = await decryptByHand(jwe, (await keyOf("sink")).encryption);
    expect(header).toMatchObject({
      alg: "ECDH-ES+A256KW",
      enc: "A256GCM",
      cty: "JOSE",
      from: "hub-001",
      to: "sink-001",
      kind: "message",
      type: "note",
    });
    expect(JSON.parse(atob(content.split(".")[1] ?? ""))).toEqual({ note: SECRET });
    const services = (await server.ask("GET", "/services/sink-001")).body;
    expect(services.public_key.keys).toHaveLength(2);
    expect(JSON.stringify(services.public_key)).not.toContain('"d"');
    expect(sink.thumbprints).toEqual((await keyOf("sink")).thumbprints);
  });

  test("of requests and answers, of errors in them, by capability too", async () => {
    const { server, join } = await scene();
    const [hub, worker] = [await join("hub"), await join("worker", { capabilities: ["double"] })];
    const seen: string[] = [];
    const ask = server.conductor.desk.ask.bind(server.conductor.desk);
    server.conductor.desk.ask = async (...args) => {
      const outcome = await ask(...args);
      seen.push(JSON.stringify([args[1], outcome]));
      return outcome;
    };
    using answers = worker.answer("double", (payload, { from }) => {
      if (payload === SECRET) throw new Error(`not ${SECRET}`);
      return { from, text: `${payload}${payload}` };
    });
    await answers.ready;
    expect(await hub.request<unknown>("double", "double", "word-alone")).toEqual({ from: "hub-001", text: "word-aloneword-alone" });
    const failed = await hub.request("worker", "double", SECRET).catch((error: ConductorClientError) => error);
    expect(failed).toMatchObject({ code: "request_failed", details: { reason: { message: `not ${SECRET}` } } });
    expect(seen).toHaveLength(2);
    expect(seen.join()).not.toContain("word-alone");
    expect(seen.join()).not.toContain(SECRET);
    expect(await hub.request<unknown>("worker", "ping")).toMatchObject({ response: "pong" });
    // an answer to another question is none to this one
    const first = JSON.parse(seen[0] ?? "")[1].result;
    server.conductor.desk.ask = async () => ({ kind: "answered", result: first });
    expect(await codeOf(hub.request("worker", "double", "x"))).toBe("forged");
  });

  test("of broadcasts: one for each that has a key", async () => {
    const { server, join, problems } = await scene();
    const [hub, a, b] = [await join("hub"), await join("a"), await join("b")];
    await server.register("keyless");
    expect(await hub.queue.broadcast(SECRET)).toBe(2);
    for (const each of [a, b]) expect((await each.queue.receive()).map(({ payload }) => payload)).toEqual([SECRET]);
    expect(problems.map(({ code }) => code)).toEqual(["no_public_key"]);
  });

  test("refuses what is altered, meant for another, of another type, another sender's, or in plain text", async () => {
    const { server, join, keyOf, problems } = await scene({ maxAttempts: 1 });
    const [hub, sink] = [await join("hub"), await join("sink")];
    await join("other");
    await hub.queue.send("other", SECRET);
    await hub.queue.send("sink", SECRET);
    const take = async (component: string) => {
      const [message] = (await server.ask("GET", `/queue/receive?component=${component}`)).body.messages;
      await server.ask("POST", "/queue/ack", { body: { component_id: `${component}-001`, receipts: [message.receipt] } });
      return message.payload.jwe as string;
    };
    const [forOther, forSink] = [await take("other"), await take("sink")];
    const parts = forSink.split(".");
    const altered = parts.with(3, `${(parts[3] ?? "").slice(0, -4)}AAAA`).join(".");
    // opened by its receiver and sealed again for a third: the signature says for whom it was
    const { content } = await decryptByHand(forOther, (await keyOf("other")).encryption);
    const header = {
      alg: "ECDH-ES+A256KW",
      enc: "A256GCM",
      cty: "JOSE",
      from: "hub-001",
      to: "sink-001",
      kind: "message",
      type: "message",
    };
    const sealTo = async (text: string): Promise<string> =>
      new CompactEncrypt(new TextEncoder().encode(text)).setProtectedHeader(header).encrypt(publicPart(await keyOf("sink")));
    const mallory = await openKeyFile(`${makeFolder()}/mallory.json`);
    const { kty, crv, x, y } = mallory.signature as Record<string, string>;
    const signed = await new CompactSign(new TextEncoder().encode('"pay mallory"'))
      .setProtectedHeader({ ...header, alg: "ES256", jwk: { kty, crv, x, y }, enc: undefined, cty: undefined } as never)
      .sign(mallory.signature);
    const tries: [unknown, string, string][] = [
      [{ jwe: altered }, "message", "undecipherable"],
      [{ jwe: forOther }, "message", "undecipherable"],
      [{ jwe: forSink }, "other-type", "forged"],
      [{ jwe: await sealTo(content) }, "message", "forged"],
      [{ jwe: await sealTo(signed) }, "message", "forged"],
      [{ jwe: await sealTo('"unsigned"') }, "message", "forged"],
      [{ jwe: "a.b.c" }, "message", "undecipherable"],
      ["in plain text", "message", "not_encrypted"],
    ];
    for (const [payload, message_type, code] of tries) {
      problems.length = 0;
      const body = { from: "hub", to: "sink", payload, message_type };
      expect((await server.ask("POST", "/queue/send", { body })).status).toBe(201);
      expect(await sink.queue.receive()).toEqual([]);
      expect(problems.map((problem) => problem.code)).toEqual([code]);
      expect(problems[0]?.message).toContain("hub-001");
      // it lies with the dead, to be looked at
      const { body: depth } = await server.ask("GET", "/queue/depth?component=sink");
      expect(depth.queues["sink-001"]).toEqual({ waiting: 0, in_flight: 0, dead: tries.findIndex(([each]) => each === payload) + 1 });
    }
  });

  test("believes pinned keys alone, whatever the conductor hands out", async () => {
    const { server, join, keyOf, problems } = await scene();
    const pins = { hub: (await keyOf("hub")).thumbprints };
    const [hub, sink] = [await join("hub", {}, { pins: { sink: (await keyOf("sink")).thumbprints } }), await join("sink", {}, { pins })];
    await hub.queue.send("sink", 1);
    const [believed] = await sink.queue.receive();
    expect(believed?.payload).toBe(1);
    await believed?.ack();
    // somebody else takes hub's name, with a key of its own
    const mallory = await connect({
      ...{ url: server.url, token: TOKEN, component: "hub", port: 4_001 },
      encryption: { keyFile: `${makeFolder()}/mallory.json` },
    });
    clients.push(mallory);
    await mallory.queue.send("sink", "forged");
    expect(await sink.queue.receive()).toEqual([]);
    expect(problems.map(({ code }) => code)).toEqual(["forged"]);
    expect(await codeOf(sink.queue.send("hub", SECRET))).toBe("unpinned_key");
    await join("stranger");
    expect(await codeOf(sink.queue.send("stranger", SECRET))).toBe("unpinned_key");
  });

  test("talks in plain text only where that is allowed", async () => {
    const { server, join } = await scene();
    const plain = await server.register("plain");
    const [strict, lax] = [await join("strict"), await join("lax", {}, { plaintext: "allow" })];
    expect(await codeOf(strict.queue.send("plain", 1))).toBe("no_public_key");
    expect(await codeOf(lax.queue.send("plain", 1))).toBe("none");
    expect((await server.ask("GET", "/queue/receive", { token: plain.token })).body.messages[0]).toMatchObject({ payload: 1, headers: {} });
    using answers = strict.answer("x", () => 1);
    using laxAnswers = lax.answer("x", (payload) => payload);
    await Promise.all([answers.ready, laxAnswers.ready]);
    const ask = (to: string) => server.ask("POST", "/request", { token: plain.token, body: { to, request_type: "x", payload: 7 } });
    expect((await ask("strict")).body.error).toMatchObject({ code: "request_failed", reason: { code: "not_encrypted" } });
    expect((await ask("lax")).body.result).toBe(7);
    expect(await lax.request<number>("strict", "x", 1)).toBe(1);
  });
});

describe("a key file", () => {
  test("is made once, for its owner alone, and refused where others may read it", async () => {
    const file = join(makeFolder(), "hub.json");
    const [first, second] = await Promise.all([openKeyFile(file), openKeyFile(file)]);
    expect(first).toEqual(second);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.stringify(first.publicKey)).not.toContain('"d"');
    chmodSync(file, 0o640);
    const refused = await openKeyFile(file).catch((error: ConductorClientError) => error);
    expect(refused).toMatchObject({ code: "bad_key_file", hint: `chmod 600 ${file}` });
    chmodSync(file, 0o600);
    writeFileSync(file, "{");
    expect(await codeOf(openKeyFile(file))).toBe("bad_key_file");
    expect(await codeOf(openKeyFile(join(makeFolder(), "no", "folder.json")))).toBe("bad_key_file");
  });

  test("is never sent: a registration with a private part is refused", async () => {
    const server = await start();
    const { encryption } = await openKeyFile(join(makeFolder(), "hub.json"));
    const register = (public_key: unknown) => server.ask("POST", "/register", { body: { component: "hub", port: 4_001, public_key } });
    const refused = await register(encryption);
    expect(refused).toMatchObject({ status: 400, body: { error: { field: "public_key" } } });
    expect(refused.body.error.message).toContain("private part");
    for (const wrong of ["x", [], {}, { keys: [] }, { keys: [1] }, { kty: "EC", pad: "x".repeat(5_000) }]) {
      expect((await register(wrong)).status).toBe(400);
    }
    expect((await register({ kty: "EC", crv: "P-256", x: "a", y: "b" })).status).toBe(201);
    expect((await server.ask("GET", "/services/hub-001")).body.public_key).toEqual({ kty: "EC", crv: "P-256", x: "a", y: "b" });
  });
});
