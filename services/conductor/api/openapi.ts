/** GET /openapi.json: the protocol for programs. Nothing in it is this conductor's own, so no token is asked for. */
import type { Call, Routes } from "./call.ts";

export const routes: Routes = { "/openapi.json": { GET: { handle: show, access: "open" } } };

/** Made when it is first asked for. */
let made: Promise<{ bytes: Uint8Array; tag: string }> | undefined;

async function make(): Promise<{ bytes: Uint8Array; tag: string }> {
  const { makeDocument } = await import("./openapi/document.ts");
  const bytes = new TextEncoder().encode(JSON.stringify(makeDocument()));
  return { bytes, tag: `"${new Bun.CryptoHasher("sha256").update(bytes).digest("base64url").slice(0, 22)}"` };
}

async function show({ request }: Call): Promise<Response> {
  made ??= make();
  const { bytes, tag } = await made;
  const headers = { etag: tag, "cache-control": "no-cache" };
  if (request.headers.get("if-none-match") === tag) return new Response(null, { status: 304, headers });
  return new Response(bytes, { headers: { ...headers, "content-type": "application/json" } });
}
