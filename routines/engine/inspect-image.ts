/** What the engine has under an image's name, and what the registry has there now, which only the engine knows how to ask. */
import type { ImageInspectInfo } from "dockerode";
import { type UseEngineOptions, useEngine } from "./_use-engine.ts";

export interface HeldImage {
  id: string;
  /** As registries know it: `sha256:…`; none for one that was built here and nowhere else. */
  digests: string[];
  bytes: number;
  /** ISO 8601; "" where it does not say. */
  createdAt: string;
  /** That whoever built it has put on it. */
  labels: Readonly<Record<string, string>>;
}

export interface ImageQuestion extends UseEngineOptions {
  /** With its tag or digest. */
  image: string;
}

/** Undefined where it is not here. */
export function inspectImage(options: ImageQuestion): Promise<HeldImage | undefined> {
  return useEngine(options, async (engine) => {
    try {
      const info = await engine.get<ImageInspectInfo>(`/images/${options.image}/json`, {}, options.signal);
      const digests = (info.RepoDigests ?? []).map((it) => it.slice(it.indexOf("@") + 1));
      return { id: info.Id, digests, bytes: info.Size, createdAt: info.Created ?? "", labels: info.Config?.Labels ?? {} };
    } catch (error) {
      if ((error as { statusCode?: number }).statusCode === 404) return undefined;
      throw error;
    }
  });
}

export type RegistryAnswer = { digest: string } | { why: string };

const TIMEOUT_MS = 30_000;

/** Downloads nothing. A registry that does not answer, or wants a login that the engine does not have, is no error of ours. */
export function askRegistry(options: ImageQuestion): Promise<RegistryAnswer> {
  return useEngine(options, async (engine) => {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
    try {
      const answer = await engine.get<{ Descriptor: { digest: string } }>(`/distribution/${options.image}/json`, {}, signal);
      return { digest: answer.Descriptor.digest };
    } catch (error) {
      if (options.signal?.aborted) throw error;
      if (timeout.aborted) return { why: "its registry does not answer" };
      if ((error as { statusCode?: number }).statusCode === undefined) throw error;
      return { why: (error as Error).message };
    }
  });
}
