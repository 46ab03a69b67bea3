/** The server of compose.x.hollama.ollama.yml, in front of stand-ins for Hollama and Ollama. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Mapping, readCatalogue, withDefaults } from "./_catalogue.ts";

const folder = mkdtempSync(join(tmpdir(), "harbor-hollama-"));
const release = Promise.withResolvers<void>();
const ollama = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/api/stream") return new Response(stream());
    return Response.json({ pathname, method: request.method, origin: request.headers.get("origin"), body: await request.text() });
  },
});

/** The second part comes only after the first was seen. */
async function* stream(): AsyncGenerator<string> {
  yield "one";
  await release.promise;
  yield "two";
}

let server: Bun.Subprocess<"ignore", "pipe", "inherit">;
let url = "";

beforeAll(async () => {
  const cross = readCatalogue()
    .find((it) => it.handle === "hollama")
    ?.crosses.find((file) => file.name === "compose.x.hollama.ollama.yml");
  const configs = cross?.document.configs as Record<string, Mapping>;
  const handler = join(folder, "handler.js");
  writeFileSync(handler, `export const handler = (req, res) => res.end("hollama " + req.url);`);
  const script = withDefaults(String(configs["hollama-serve"]?.content))
    .replace("/app/build/handler.js", handler)
    .replace(".listen(4173)", `.listen(0, "127.0.0.1", function () { console.log(this.address().port); })`);
  writeFileSync(join(folder, "serve.mjs"), script);
  const env = { PATH: process.env.PATH ?? "", OLLAMA_URL: `http://127.0.0.1:${ollama.port}` };
  server = Bun.spawn([process.execPath, join(folder, "serve.mjs")], { env, stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const { value } = await server.stdout.getReader().read();
  url = `http://127.0.0.1:${new TextDecoder().decode(value).trim()}`;
});

afterAll(async () => {
  server.kill();
  await server.exited;
  await ollama.stop(true);
  rmSync(folder, { recursive: true });
});

const page = { accept: "text/html" };

describe("serve.mjs", () => {
  test("adds the server to a browser that is new", async () => {
    const text = await (await fetch(url, { headers: page })).text();
    const stored = new Map([["hollama-servers", JSON.stringify([{ baseUrl: "http://other" }])]]);
    const browser = browserOf(stored);
    new Function("location", "localStorage", "document", text.slice(text.indexOf("<script>") + 8, text.lastIndexOf("</script>")))(
      browser.location,
      browser.localStorage,
      browser.document,
    );
    const [added, other] = JSON.parse(stored.get("hollama-servers") ?? "");
    expect(added).toMatchObject({ baseUrl: "http://me/ollama", connectionType: "ollama", isEnabled: true });
    expect(other).toEqual({ baseUrl: "http://other" });
    expect(browser.reloads()).toBe(1);
  });

  test("hands all else to Hollama", async () => {
    expect(await (await fetch(`${url}/sessions`, { headers: { ...page, cookie: "harbor-ollama=1" } })).text()).toBe("hollama /sessions");
    expect(await (await fetch(`${url}/app.js`)).text()).toBe("hollama /app.js");
  });

  test("passes on to Ollama, without the origin that Ollama may not know", async () => {
    const answer = await fetch(`${url}/ollama/api/chat`, { method: "POST", body: "hi", headers: { origin: url } });
    expect(await answer.json()).toEqual({ pathname: "/api/chat", method: "POST", origin: null, body: "hi" });
  });

  test("leads nowhere but to Ollama", async () => {
    expect(await (await fetch(`${url}/ollama//example.com/x`)).json()).toMatchObject({ pathname: "//example.com/x" });
  });

  test.each(["http://example.com", "null"])("turns away a page of %s", async (origin) => {
    expect((await fetch(`${url}/ollama/api/chat`, { method: "POST", headers: { origin } })).status).toBe(403);
  });

  test("streams part by part", async () => {
    const reader = (await fetch(`${url}/ollama/api/stream`)).body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("one");
    release.resolve();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("two");
  });
});

interface Browser {
  location: Mapping;
  localStorage: Mapping;
  document: Mapping;
  reloads: () => number;
}

function browserOf(stored: Map<string, string>): Browser {
  let reloads = 0;
  return {
    location: { origin: "http://me", reload: () => reloads++ },
    localStorage: { getItem: (key: string) => stored.get(key) ?? null, setItem: (key: string, value: string) => stored.set(key, value) },
    document: { cookie: "", body: {} },
    reloads: () => reloads,
  };
}
