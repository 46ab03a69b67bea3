/** Cloudflare's connector: the program of this host, or else its image. */
import { interpolate } from "../compose/interpolate.ts";
import type { Values } from "../config/read-values.ts";

/** Tested to print what is looked for; a newer one is a setting away. */
const IMAGE = "${HARBOR_CLOUDFLARED_IMAGE:-docker.io/cloudflare/cloudflared}:${HARBOR_CLOUDFLARED_VERSION:-2026.5.0}";

export interface Cloudflared {
  /** Whole path; undefined where it is not installed. */
  program: string | undefined;
  image: string;
}

export function findCloudflared(values: Values, path: string): Cloudflared {
  return { program: Bun.which("cloudflared", { PATH: path }) ?? undefined, image: interpolate(IMAGE, values.get) };
}

/**
 * A quick tunnel: no account, a name by chance, gone with the program. Its own updates are off, for it would start itself anew
 * under another name.
 */
export function quickTunnelWords(target: string): string[] {
  return ["tunnel", "--no-autoupdate", "--url", target];
}

/** The URL that it prints once it has one; undefined until then. Its own API is no tunnel. */
export function readTunnelUrl(said: string): string | undefined {
  return /https:\/\/(?!api\.)[a-z0-9]+(?:-[a-z0-9]+)*\.trycloudflare\.com(?![\w.-])/i.exec(said)?.[0];
}
