import { expect, test } from "bun:test";
import { measureDisk } from "../../../routines/engine/measure-disk.ts";
import { startFakeEngine } from "./_fake-engine.ts";

const images = [
  { Id: "sha256:1", RepoTags: ["a:1"], Size: 100, SharedSize: 60 },
  { Id: "sha256:2", RepoTags: ["b:1"], Size: 90, SharedSize: 60 },
  { Id: "sha256:3", RepoTags: null, Size: 30, SharedSize: -1 },
];
const labels = { "com.docker.compose.project": "p", "com.docker.compose.service": "a-db", "harbor.handle": "a" };
const containers = [
  { Labels: labels, SizeRw: 7, Mounts: [{ Type: "volume", Name: "v" }, { Type: "bind" }] },
  { Labels: null, Mounts: null },
];
const volumes = [
  { Name: "v", Labels: { "com.docker.compose.project": "p" }, UsageData: { Size: 11 } },
  { Name: "w", Labels: null, UsageData: { Size: -1 } },
];

test.each([
  ["as engines had it", { LayersSize: 160, Images: images, Containers: containers, Volumes: volumes }],
  [
    "as API 1.52 has it",
    { ImageUsage: { TotalSize: 160, Items: images }, ContainerUsage: { Items: containers }, VolumeUsage: { Items: volumes } },
  ],
])("measureDisk() tells what is an image's own from what it shares, %s", async (_, answer) => {
  using fake = startFakeEngine((__, { pathname }) => (pathname === "/system/df" ? Response.json(answer) : undefined));
  expect(await measureDisk({ engine: fake.engine })).toEqual({
    images: [
      { id: "sha256:1", tags: ["docker.io/library/a:1"], ownBytes: 40, sharedBytes: 60 },
      { id: "sha256:2", tags: ["docker.io/library/b:1"], ownBytes: 30, sharedBytes: 60 },
      { id: "sha256:3", tags: [], ownBytes: 30, sharedBytes: 0 },
    ],
    containers: [
      { project: "p", service: "a-db", handle: "a", bytes: 7, volumes: ["v"] },
      { project: "", service: "", handle: "", bytes: 0, volumes: [] },
    ],
    volumes: [
      { name: "v", project: "p", bytes: 11 },
      { name: "w", project: "", bytes: 0 },
    ],
    // 160 in all layers, 100 of them in one image each
    sharedBytes: 60,
  });
});
