#!/usr/bin/env bun
/**
 * What the engine keeps on the disk: images with what they share, what containers have written, volumes.
 *
 *   bun routines/engine/measure-disk.ts --json
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { runScript } from "../_script/script.ts";
import { formatSize } from "../_script/size.ts";
import { table } from "../_script/table.ts";
import { findHome } from "../config/find-home.ts";
import { type UseEngineOptions, useEngine } from "./_use-engine.ts";
import { readTags, shortReference } from "./list-images.ts";

export interface EngineDisk {
  images: ImageDisk[];
  containers: ContainerDisk[];
  volumes: VolumeDisk[];
  /** Of all images: layers that more than one of them has, each counted once. */
  sharedBytes: number;
}

export interface ImageDisk {
  id: string;
  /** In full. */
  tags: string[];
  /** In layers that no other image has. */
  ownBytes: number;
  /** In layers that others have, too. */
  sharedBytes: number;
}

export interface ContainerDisk {
  project: string;
  service: string;
  handle: string;
  /** What it has written into its own layer. */
  bytes: number;
  /** Names of the volumes that it mounts. */
  volumes: string[];
}

export interface VolumeDisk {
  name: string;
  project: string;
  bytes: number;
}

/** `GET /system/df`; from version 1.52 of the API on the lists stand one deeper. */
interface DiskAnswer {
  LayersSize?: number;
  Images?: DfImage[] | null;
  Containers?: DfContainer[] | null;
  Volumes?: DfVolume[] | null;
  ImageUsage?: { TotalSize?: number; Items?: DfImage[] | null };
  ContainerUsage?: { Items?: DfContainer[] | null };
  VolumeUsage?: { Items?: DfVolume[] | null };
}

interface DfImage {
  Id: string;
  RepoTags?: string[] | null;
  Size: number;
  /** -1 where it was not counted. */
  SharedSize?: number;
}

interface DfContainer {
  Labels?: Record<string, string> | null;
  SizeRw?: number;
  Mounts?: { Type?: string; Name?: string }[] | null;
}

interface DfVolume {
  Name: string;
  Labels?: Record<string, string> | null;
  /** The size is -1 where the driver does not tell it. */
  UsageData?: { Size?: number } | null;
}

/** The engine counts it when it is asked: with much in volumes that takes seconds. Throws `missing` where none answers. */
export async function measureDisk(options: UseEngineOptions): Promise<EngineDisk> {
  return useEngine(options, async (engine) => readDisk(await engine.get<DiskAnswer>("/system/df", { verbose: true }, options.signal)));
}

function readDisk(answer: DiskAnswer): EngineDisk {
  const images = (answer.Images ?? answer.ImageUsage?.Items ?? []).map(({ Id: id, RepoTags, Size, SharedSize }) => {
    const sharedBytes = Math.max(0, SharedSize ?? 0);
    return { id, tags: readTags(RepoTags), ownBytes: Math.max(0, Size - sharedBytes), sharedBytes };
  });
  const layers = answer.LayersSize ?? answer.ImageUsage?.TotalSize ?? 0;
  const own = images.reduce((sum, it) => sum + it.ownBytes, 0);
  return {
    images,
    containers: (answer.Containers ?? answer.ContainerUsage?.Items ?? []).map(readContainer),
    volumes: (answer.Volumes ?? answer.VolumeUsage?.Items ?? []).map(({ Name: name, Labels, UsageData }) => ({
      name,
      project: Labels?.["com.docker.compose.project"] ?? "",
      bytes: Math.max(0, UsageData?.Size ?? 0),
    })),
    sharedBytes: Math.max(0, layers - own),
  };
}

function readContainer({ Labels, SizeRw = 0, Mounts }: DfContainer): ContainerDisk {
  const service = Labels?.["com.docker.compose.service"] ?? "";
  return {
    project: Labels?.["com.docker.compose.project"] ?? "",
    service,
    handle: Labels?.["harbor.handle"] ?? service,
    bytes: Math.max(0, SizeRw),
    volumes: (Mounts ?? []).flatMap(({ Type, Name }) => (Type === "volume" && Name !== undefined ? [Name] : [])),
  };
}

export const command = defineCommand({
  meta: { name: "measure-disk", description: "What the engine keeps on the disk" },
  args: { ...jsonArg },
  async run({ args }) {
    const disk = await measureDisk({ env: process.env, home: findHome(process.env) });
    const rows = ({ images }: EngineDisk): string[][] =>
      images.map((it) => [
        it.tags.map(shortReference).join(" ") || it.id.slice(0, 19),
        formatSize(it.ownBytes),
        formatSize(it.sharedBytes),
      ]);
    emit(disk, { json: args.json, render: (it) => table([["IMAGE", "ITS OWN", "SHARED"], ...rows(it)]).join("\n") });
  },
});

if (import.meta.main) await runScript(command);
