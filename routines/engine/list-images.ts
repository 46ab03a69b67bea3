#!/usr/bin/env bun
/**
 * The images that the engine has, by their tags, and which of them containers are made of.
 *
 *   bun routines/engine/list-images.ts --json
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { runScript } from "../_script/script.ts";
import { formatSize } from "../_script/size.ts";
import { table } from "../_script/table.ts";
import { findHome } from "../config/find-home.ts";
import { type UseEngineOptions, useEngine } from "./_use-engine.ts";

export interface Image {
  id: string;
  /** In full, as `normalizeReference` writes them; none where another image has taken the tag. */
  tags: string[];
  /** `name@sha256:…`, in full, for what came from a registry. */
  digests: string[];
  bytes: number;
}

interface ImageSummary {
  Id: string;
  RepoTags?: string[] | null;
  RepoDigests?: string[] | null;
  Size: number;
}

/** As the engine lists them: the newest first. Throws `missing` where none answers. */
export async function listImages(options: UseEngineOptions): Promise<Image[]> {
  return useEngine(options, async (engine) => {
    const found = await engine.get<ImageSummary[]>("/images/json", {}, options.signal);
    return found.map(({ Id: id, RepoTags, RepoDigests, Size: bytes }) => ({
      id,
      tags: readTags(RepoTags),
      digests: readTags(RepoDigests),
      bytes,
    }));
  });
}

/** Ids of the images that containers are made of: anybody's, running or not. */
export async function listUsedImages(options: UseEngineOptions): Promise<Set<string>> {
  return useEngine(options, async (engine) => {
    const found = await engine.get<{ ImageID: string }[]>("/containers/json", { all: true }, options.signal);
    return new Set(found.map((it) => it.ImageID));
  });
}

/** An engine writes `<none>:<none>`, or `<none>@sha256:…`, for an image without a name. */
export function readTags(tags: readonly string[] | null | undefined): string[] {
  return (tags ?? []).filter((tag) => !tag.includes("<none>")).map(normalizeReference);
}

/**
 * An image's name in full, so that two spellings of one are equal: `redis` is `docker.io/library/redis:latest`. Rule: the
 * distribution project's reference grammar.
 */
export function normalizeReference(reference: string): string {
  const [name = "", digest] = reference.split("@");
  const tagAt = name.lastIndexOf(":");
  const hasTag = tagAt > name.lastIndexOf("/");
  const repository = hasTag ? name.slice(0, tagAt) : name;
  const [first = "", ...rest] = repository.split("/");
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const host = isHost ? first.replace(/^index\.docker\.io$/, "docker.io") : "docker.io";
  const path = isHost ? rest : [first, ...rest];
  const whole = host === "docker.io" && path.length === 1 ? ["library", ...path] : path;
  const tag = hasTag ? name.slice(tagAt) : digest === undefined ? ":latest" : "";
  return `${host}/${whole.join("/")}${tag}${digest === undefined ? "" : `@${digest}`}`;
}

/** The name without tag and digest. */
export function repositoryOf(reference: string): string {
  return normalizeReference(reference)
    .replace(/@.*$/, "")
    .replace(/:[^/]*$/, "");
}

/** The shortest name that means the same: what people write. */
export function shortReference(reference: string): string {
  return normalizeReference(reference).replace(/^docker\.io\/(?:library\/)?/, "");
}

export const command = defineCommand({
  meta: { name: "list-images", description: "List the images that the engine has" },
  args: { ...jsonArg },
  async run({ args }) {
    const images = await listImages({ env: process.env, home: findHome(process.env) });
    const render = (them: Image[]): string =>
      table(them.map((it) => [it.tags.map(shortReference).join(" ") || it.id.slice(0, 19), formatSize(it.bytes)])).join("\n");
    emit(images, { json: args.json, render });
  },
});

if (import.meta.main) await runScript(command);
