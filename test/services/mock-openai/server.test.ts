import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startServer } from "../../../services/mock-openai/server.ts";

const SETTINGS = { host: "127.0.0.1", port: 0, apiKey: "", tokenDelayMs: 0 };
const ANSWER = "This is mock-openai, a stand-in without a model. You said: Hi there";

let server: ReturnType<typeof startServer>;
let url: string;
beforeAll(() => {
  server = startServer(SETTINGS);
  url = `http://127.0.0.1:${server.port}`;
});
afterAll(() => server.stop(true));

const post = (path: string, body: unknown, init: RequestInit = {}): Promise<Response> =>
  fetch(url + path, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body), ...init });
const chat = (more: object = {}): object => ({ model: "mock-chat", messages: [{ role: "user", content: "Hi there" }], ...more });

/** The JSON of each event; the last must be `[DONE]`. */
async function events(response: Response): Promise<Record<string, unknown>[]> {
  expect(response.headers.get("content-type")).toStartWith("text/event-stream");
  const lines = (await response.text()).split("\n\n").filter((line) => line !== "");
  expect(lines.pop()).toBe("data: [DONE]");
  return lines.map((line) => JSON.parse(line.replace(/^data: /, "")));
}

describe("GET", () => {
  test("/health says that it is a mock", async () => {
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: "ok", service: "mock-openai", mock: true });
    expect((await fetch(`${url}/health`, { method: "HEAD" })).status).toBe(200);
  });

  test("/v1/models lists them, /v1/models/{id} shows one", async () => {
    const list = (await (await fetch(`${url}/v1/models`)).json()) as { object: string; data: { id: string }[] };
    expect(list.object).toBe("list");
    expect(list.data.map((model) => model.id)).toEqual(["mock-chat", "mock-embedding"]);
    expect(await (await fetch(`${url}/v1/models/mock-chat`)).json()).toEqual(list.data[0]);
  });
});

describe("POST /v1/chat/completions", () => {
  test("answers the same to the same, and says what it is", async () => {
    const first = await (await post("/v1/chat/completions", chat())).text();
    expect(await (await post("/v1/chat/completions", chat())).text()).toBe(first);
    expect(JSON.parse(first)).toEqual({
      id: expect.stringMatching(/^chatcmpl-mock[0-9a-f]{24}$/),
      object: "chat.completion",
      created: 1_700_000_000,
      model: "mock-chat",
      system_fingerprint: "mock-openai",
      choices: [{ index: 0, message: { role: "assistant", content: ANSWER, refusal: null }, logprobs: null, finish_reason: "stop" }],
      usage: { prompt_tokens: 2, completion_tokens: 12, total_tokens: 14 },
    });
  });

  test("streams a role, then tokens, then why it ends", async () => {
    const chunks = await events(await post("/v1/chat/completions", chat({ stream: true })));
    const choices = chunks.map(
      (chunk) => (chunk.choices as { delta: { role?: string; content?: string }; finish_reason: string | null }[])[0],
    );
    expect(choices[0]).toMatchObject({ delta: { role: "assistant", content: "" }, finish_reason: null });
    expect(
      choices
        .slice(1, -1)
        .map((choice) => choice?.delta.content)
        .join(""),
    ).toBe(ANSWER);
    expect(choices).toHaveLength(14);
    expect(choices.at(-1)).toMatchObject({ delta: {}, finish_reason: "stop" });
    expect(chunks.every((chunk) => chunk.object === "chat.completion.chunk" && !("usage" in chunk))).toBe(true);
  });

  test("counts the tokens of a stream where it is asked to", async () => {
    const chunks = await events(await post("/v1/chat/completions", chat({ stream: true, stream_options: { include_usage: true } })));
    expect(chunks[0]).toMatchObject({ usage: null });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 2, completion_tokens: 12, total_tokens: 14 } });
  });

  test.each(["max_tokens", "max_completion_tokens"])("stops after %s", async (name) => {
    const answer = await (await post("/v1/chat/completions", chat({ [name]: 2 }))).json();
    expect(answer).toMatchObject({
      choices: [{ message: { content: "This is" }, finish_reason: "length" }],
      usage: { completion_tokens: 2 },
    });
  });

  test("answers the last user message, parts joined", async () => {
    const messages = [
      { role: "system", content: "Be brief" },
      { role: "user", content: "first" },
      { role: "assistant", content: null, tool_calls: [] },
      {
        role: "user",
        content: [
          { type: "text", text: "look at" },
          { type: "image_url", image_url: { url: "data:" } },
        ],
      },
    ];
    const answer = await (await post("/v1/chat/completions", chat({ messages }))).json();
    expect(answer).toMatchObject({ choices: [{ message: { content: expect.stringMatching(/You said: look at \[image_url\]$/) } }] });
  });

  test("sends each token when it is due, and stops when the client goes", async () => {
    const slow = startServer({ ...SETTINGS, tokenDelayMs: 20 });
    const abort = new AbortController();
    const response = await fetch(`http://127.0.0.1:${slow.port}/v1/chat/completions`, {
      method: "POST",
      body: JSON.stringify(chat({ stream: true })),
      signal: abort.signal,
    });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    for (let token = 0; token < 3; token++) {
      const text = new TextDecoder().decode((await reader.read()).value);
      expect(text.match(/^data: /gm)).toHaveLength(1);
    }
    abort.abort();
    await reader.read().catch(() => undefined);
    const deadline = performance.now() + 4_000;
    while (slow.pendingRequests > 0 && performance.now() < deadline) await Bun.sleep(2);
    expect(slow.pendingRequests).toBe(0);
    await slow.stop(true);
  });
});

describe("POST /v1/completions", () => {
  test("answers whole and streamed alike", async () => {
    const body = { model: "mock-chat", prompt: ["Hi there"], max_tokens: 50 };
    const whole = (await (await post("/v1/completions", body)).json()) as { choices: { text: string }[] };
    expect(whole).toMatchObject({ object: "text_completion", choices: [{ text: ANSWER, finish_reason: "stop" }] });
    const chunks = await events(await post("/v1/completions", { ...body, stream: true, stream_options: { include_usage: true } }));
    expect(chunks.map((chunk) => (chunk.choices as { text: string }[])[0]?.text ?? "").join("")).toBe(ANSWER);
    expect(chunks.at(-1)).toMatchObject({ usage: { completion_tokens: 12 } });
  });
});

/** The JSON of each event, which is sent under the name of its type. */
async function namedEvents(response: Response): Promise<Record<string, unknown>[]> {
  expect(response.headers.get("content-type")).toStartWith("text/event-stream");
  const blocks = (await response.text()).split("\n\n").filter((block) => block !== "");
  return blocks.map((block) => {
    const [name, data = ""] = block.split("\n");
    const event = JSON.parse(data.replace(/^data: /, "")) as Record<string, unknown>;
    expect(name).toBe(`event: ${event.type}`);
    return event;
  });
}

describe("POST /v1/messages", () => {
  const body = (more: object = {}): object => chat({ max_tokens: 50, system: [{ type: "text", text: "Be brief" }], ...more });

  test("answers as Anthropic's interface does", async () => {
    expect(await (await post("/v1/messages", body())).json()).toEqual({
      id: expect.stringMatching(/^msg-mock/),
      type: "message",
      role: "assistant",
      model: "mock-chat",
      content: [{ type: "text", text: ANSWER }],
      stop_reason: "end_turn",
      stop_sequence: null,
      usage: { input_tokens: 4, output_tokens: 12 },
    });
    expect(await (await post("/v1/messages", body({ max_tokens: 2 }))).json()).toMatchObject({ stop_reason: "max_tokens" });
    expect(await (await post("/v1/messages/count_tokens", body())).json()).toEqual({ input_tokens: 4 });
  });

  test("streams one block of text", async () => {
    const all = await namedEvents(await post("/v1/messages", body({ stream: true })));
    const types = all.map(({ type }) => type);
    expect([types.slice(0, 2), types.slice(-3)]).toEqual([
      ["message_start", "content_block_start"],
      ["content_block_stop", "message_delta", "message_stop"],
    ]);
    expect(all.map(({ delta }) => (delta as { text?: string } | undefined)?.text ?? "").join("")).toBe(ANSWER);
    expect(all.at(-2)).toMatchObject({ delta: { stop_reason: "end_turn" }, usage: { output_tokens: 12 } });
  });

  test("complains in the shape of that interface", async () => {
    const response = await post("/v1/messages", body({ model: "claude-x" }));
    expect([response.status, await response.json()]).toEqual([
      404,
      { type: "error", error: { type: "not_found_error", message: "The model 'claude-x' does not exist" } },
    ]);
  });
});

describe("POST /v1/responses", () => {
  const input = [
    { type: "message", role: "user", content: [{ type: "input_text", text: "first" }] },
    { type: "function_call", name: "f", arguments: "{}", call_id: "1" },
    { role: "user", content: [{ type: "input_text", text: "Hi there" }] },
  ];

  test("answers the last message of its input, or a text", async () => {
    const whole = await (await post("/v1/responses", { model: "mock-chat", instructions: "Be brief", input })).json();
    expect(whole).toMatchObject({
      object: "response",
      status: "completed",
      output: [{ type: "message", role: "assistant", content: [{ type: "output_text", text: ANSWER }] }],
      usage: { input_tokens: 5, output_tokens: 12, total_tokens: 17 },
    });
    const cut = await (await post("/v1/responses", { model: "mock-chat", input: "Hi there", max_output_tokens: 2 })).json();
    expect(cut).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
      output: [{ content: [{ text: "This is" }] }],
    });
  });

  test("streams numbered events up to the response as a whole", async () => {
    const all = await namedEvents(await post("/v1/responses", { model: "mock-chat", input, stream: true }));
    expect(all.map((event) => event.sequence_number)).toEqual(all.map((_, index) => index));
    expect(all[0]).toMatchObject({ type: "response.created", response: { status: "in_progress" } });
    const deltas = all.filter(({ type }) => type === "response.output_text.delta");
    expect(deltas.map(({ delta }) => delta).join("")).toBe(ANSWER);
    expect(all.at(-1)).toMatchObject({ type: "response.completed", response: { output: [{ content: [{ text: ANSWER }] }] } });
  });
});

type Embeddings = { data: { index: number; embedding: number[] }[]; usage: object };
const embed = async (input: unknown, more: object = {}): Promise<Embeddings> =>
  (await (await post("/v1/embeddings", { model: "mock-embedding", input, ...more })).json()) as Embeddings;
const dot = (a: number[] = [], b: number[] = []): number => a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);

describe("POST /v1/embeddings", () => {
  test("gives vectors of length 1, the same for the same text", async () => {
    const { data, usage } = await embed(["a b", "a b", "c"]);
    expect(data.map((item) => [item.index, item.embedding.length])).toEqual([
      [0, 384],
      [1, 384],
      [2, 384],
    ]);
    expect(data[0]?.embedding).toEqual(data[1]?.embedding as number[]);
    expect(dot(data[2]?.embedding, data[2]?.embedding)).toBeCloseTo(1, 5);
    expect(usage).toEqual({ prompt_tokens: 5, total_tokens: 5 });
  });

  test("puts texts with words in common near each other", async () => {
    const [cat, kitten, car] = (await embed(["the cat sleeps", "the cat eats", "fast red cars"])).data.map((item) => item.embedding);
    expect(dot(cat, kitten)).toBeGreaterThan(dot(cat, car) + 0.3);
  });

  test("keeps its values from one version to the next", async () => {
    const [item] = (await embed("hi there", { dimensions: 3 })).data;
    const rounded = item?.embedding.map((value) => Number(value.toFixed(4)));
    expect(rounded).toEqual([0.8228, 0.5641, 0.0688]);
  });

  test("encodes the same numbers as base64", async () => {
    const plain = (await embed("x", { dimensions: 8 })).data[0]?.embedding;
    const [encoded] = (await embed("x", { dimensions: 8, encoding_format: "base64" })).data;
    const bytes = Buffer.from(encoded?.embedding as unknown as string, "base64");
    expect([...new Float32Array(bytes.buffer, bytes.byteOffset, 8)]).toEqual(plain as number[]);
  });

  test("takes token numbers", async () => {
    expect((await embed([1, 2])).data).toHaveLength(1);
    expect((await embed([[1], [2, 3]])).data).toHaveLength(2);
  });
});

describe("errors", () => {
  const cases: [string, string, unknown, number, object][] = [
    ["bad JSON", "/v1/chat/completions", "{", 400, { message: "We could not parse the JSON body of your request" }],
    ["no object", "/v1/chat/completions", "[]", 400, { type: "invalid_request_error" }],
    ["no model", "/v1/chat/completions", { messages: [] }, 400, { param: "model" }],
    [
      "an unknown model",
      "/v1/chat/completions",
      chat({ model: "gpt-x" }),
      404,
      { message: "The model 'gpt-x' does not exist", code: "model_not_found" },
    ],
    ["a model that cannot chat", "/v1/chat/completions", chat({ model: "mock-embedding" }), 400, { param: "model" }],
    ["no messages", "/v1/chat/completions", chat({ messages: [] }), 400, { param: "messages" }],
    ["a message without role", "/v1/chat/completions", chat({ messages: ["x"] }), 400, { param: "messages[0].role" }],
    [
      "a message with a number",
      "/v1/chat/completions",
      chat({ messages: [{ role: "user", content: 1 }] }),
      400,
      { param: "messages[0].content" },
    ],
    ["several answers", "/v1/chat/completions", chat({ n: 2 }), 400, { param: "n" }],
    ["a bad limit", "/v1/chat/completions", chat({ max_tokens: -1 }), 400, { param: "max_tokens" }],
    ["a bad stream", "/v1/chat/completions", chat({ stream: "yes" }), 400, { param: "stream" }],
    ["no prompt", "/v1/completions", { model: "mock-chat" }, 400, { param: "prompt" }],
    ["no input to respond to", "/v1/responses", { model: "mock-chat" }, 400, { param: "input" }],
    ["no input", "/v1/embeddings", { model: "mock-embedding" }, 400, { param: "input" }],
    ["an empty input", "/v1/embeddings", { model: "mock-embedding", input: "" }, 400, { param: "input" }],
    ["too many dimensions", "/v1/embeddings", { model: "mock-embedding", input: "x", dimensions: 5000 }, 400, { param: "dimensions" }],
    [
      "an unknown encoding",
      "/v1/embeddings",
      { model: "mock-embedding", input: "x", encoding_format: "hex" },
      400,
      { param: "encoding_format" },
    ],
    ["an unknown path", "/v1/nothing", {}, 404, { code: "unknown_url" }],
  ];
  test.each(cases)("%s: in OpenAI's shape", async (_, path, body, status, error) => {
    const response = await post(path, body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({
      error: { message: expect.stringMatching(/./), type: "invalid_request_error", ...error },
    });
  });

  test("an unknown model's page is not found", async () => {
    expect((await fetch(`${url}/v1/models/a%2Fb`)).status).toBe(404);
    expect((await fetch(`${url}/v1/models/%zz`)).status).toBe(404);
  });

  test.each([
    ["/v1/models", "DELETE", "GET"],
    ["/v1/chat/completions", "GET", "POST"],
    ["/v1/chat/completions", "OPTIONS", "POST"],
  ])("%s does not allow %s, and opens itself to no web page", async (path, method, allow) => {
    const response = await fetch(url + path, { method, headers: { origin: "https://example.org" } });
    expect([response.status, response.headers.get("allow")]).toEqual([405, allow]);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("the key", () => {
  test("is asked for where one is set, but not for /health", async () => {
    const locked = startServer({ ...SETTINGS, apiKey: "sk-mock" });
    const get = (path: string, key?: string) =>
      fetch(`http://127.0.0.1:${locked.port}${path}`, key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } });
    expect((await get("/health")).status).toBe(200);
    expect((await get("/v1/models", "sk-mock")).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${locked.port}/v1/models`, { headers: { "x-api-key": "sk-mock" } })).status).toBe(200);
    for (const key of [undefined, "sk-mocc", "x"]) {
      const response = await get("/v1/models", key);
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({ error: { code: "invalid_api_key" } });
    }
    await locked.stop(true);
  });
});
