/**
 * A registry for tests, which no network leads to: it serves what the engine has as busybox:local, under any name and in any
 * number of versions. On loopback, where an engine asks over plain HTTP.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { shell } from "../../routines/_script/shell.ts";
import type { Engine } from "../../routines/engine/connect-engine.ts";
import { makeTemporaryFolder } from "./_temporary.ts";

export interface Registry extends AsyncDisposable {
  /** `127.0.0.1:<port>`, what image names begin with. */
  host: string;
  /** Another image from now on under `name:tag`. Gives its digest. */
  publish(name: string, tag: string): string;
  /** Paths that were asked for, in order. */
  asked: string[];
}

const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";

interface Blob {
  type: string;
  body: Uint8Array<ArrayBuffer>;
}

/** The images that were pulled from it are removed with it. */
export async function startRegistry(engine: Engine): Promise<Registry> {
  const layers = await saveLayers();
  const blobs = new Map<string, Blob>();
  const tags = new Map<string, string>();
  const asked: string[] = [];
  let versions = 0;
  const put = (type: string, body: Uint8Array<ArrayBuffer>): string => {
    const digest = digestOf(body);
    blobs.set(digest, { type, body });
    return digest;
  };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const { pathname } = new URL(request.url);
      asked.push(`${request.method} ${pathname}`);
      if (pathname === "/v2/") return new Response("{}");
      const [, name = "", kind, reference = ""] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(pathname) ?? [];
      const digest = kind === "manifests" ? (tags.get(`${name}:${reference}`) ?? reference) : reference;
      const found = blobs.get(digest);
      if (found === undefined)
        return Response.json({ errors: [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }] }, { status: 404 });
      const headers = { "content-type": found.type, "docker-content-digest": digest, "content-length": String(found.body.length) };
      return new Response(request.method === "HEAD" ? null : found.body, { headers });
    },
  });
  const host = `127.0.0.1:${server.port}`;
  return {
    host,
    asked,
    publish(name, tag) {
      versions++;
      const config = encode({
        architecture: layers.architecture,
        os: "linux",
        config: { Cmd: ["sleep", "1000"], Labels: { "org.opencontainers.image.version": `1.0.${versions}` } },
        rootfs: { type: "layers", diff_ids: [layers.diffId] },
        created: "2026-01-01T00:00:00Z",
        history: [{ created: "2026-01-01T00:00:00Z" }],
      });
      const manifest = encode({
        schemaVersion: 2,
        mediaType: MANIFEST,
        config: {
          mediaType: "application/vnd.docker.container.image.v1+json",
          size: config.length,
          digest: put("application/json", config),
        },
        layers: [
          {
            mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip",
            size: layers.packed.length,
            digest: put("application/octet-stream", layers.packed),
          },
        ],
      });
      const digest = put(MANIFEST, manifest);
      tags.set(`${name}:${tag}`, digest);
      return digest;
    },
    async [Symbol.asyncDispose]() {
      await server.stop(true);
      // by their names alone: what a test has tagged itself has another one as well
      const images = await engine.api.listImages({ all: true });
      const names = images
        .flatMap((it) => [...(it.RepoTags ?? []), ...(it.RepoDigests ?? [])])
        .filter((name) => name.startsWith(`${host}/`));
      for (const name of names)
        await engine.api
          .getImage(name)
          .remove()
          .catch(() => undefined); // its tag went first, and the rest with it
    },
  };
}

async function saveLayers(): Promise<{ packed: Uint8Array<ArrayBuffer>; diffId: string; architecture: string }> {
  using folder = makeTemporaryFolder("harbor-registry-");
  const $ = await shell();
  const archive = join(folder.path, "image.tar");
  await $`docker save --output ${archive} busybox:local`;
  await $`tar -xf ${archive} -C ${folder.path}`;
  const [{ Config, Layers }] = JSON.parse(readFileSync(join(folder.path, "manifest.json"), "utf8")) as [
    { Config: string; Layers: string[] },
  ];
  const { architecture, rootfs } = JSON.parse(readFileSync(join(folder.path, Config), "utf8")) as {
    architecture: string;
    rootfs: { diff_ids: string[] };
  };
  const layer = readFileSync(join(folder.path, Layers[0] ?? ""));
  return { packed: new Uint8Array(gzipSync(layer)), diffId: rootfs.diff_ids[0] ?? "", architecture };
}

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(JSON.stringify(value)));
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;
}
