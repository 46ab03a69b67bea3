import { expect, test } from "bun:test";
import { listImages, normalizeReference, repositoryOf, shortReference } from "../../../routines/engine/list-images.ts";
import { startFakeEngine } from "./_fake-engine.ts";

test.each([
  ["redis", "docker.io/library/redis:latest"],
  ["redis:7", "docker.io/library/redis:7"],
  ["docker.io/redis:7", "docker.io/library/redis:7"],
  ["index.docker.io/library/redis:7", "docker.io/library/redis:7"],
  ["ollama/ollama:0.35.1", "docker.io/ollama/ollama:0.35.1"],
  ["docker.io/oven/bun:1", "docker.io/oven/bun:1"],
  ["ghcr.io/a/b/c", "ghcr.io/a/b/c:latest"],
  ["localhost/x:1", "localhost/x:1"],
  ["registry.local:5000/x", "registry.local:5000/x:latest"],
  ["registry.local:5000/x:2@sha256:ab", "registry.local:5000/x:2@sha256:ab"],
  ["redis@sha256:ab", "docker.io/library/redis@sha256:ab"],
])("normalizeReference(%s)", (reference, whole) => {
  expect(normalizeReference(reference)).toBe(whole);
  expect(normalizeReference(shortReference(reference))).toBe(whole);
});

test("repositoryOf() leaves tag and digest out, not a port", () => {
  expect(repositoryOf("registry.local:5000/x:2@sha256:ab")).toBe("registry.local:5000/x");
  expect(repositoryOf("redis:7")).toBe("docker.io/library/redis");
});

test("listImages() has tags and digests in full, and none for an image that has lost its own", async () => {
  using fake = startFakeEngine((_, { pathname }) =>
    pathname === "/images/json"
      ? Response.json([
          { Id: "sha256:1", RepoTags: ["redis:7", "mine/redis:7"], RepoDigests: ["redis@sha256:a"], Size: 10 },
          { Id: "sha256:2", RepoTags: ["<none>:<none>"], RepoDigests: ["<none>@<none>"], Size: 20 },
          { Id: "sha256:3", RepoTags: null, Size: 30 },
        ])
      : undefined,
  );
  expect(await listImages({ engine: fake.engine })).toEqual([
    {
      id: "sha256:1",
      tags: ["docker.io/library/redis:7", "docker.io/mine/redis:7"],
      digests: ["docker.io/library/redis@sha256:a"],
      bytes: 10,
    },
    { id: "sha256:2", tags: [], digests: [], bytes: 20 },
    { id: "sha256:3", tags: [], digests: [], bytes: 30 },
  ]);
});
