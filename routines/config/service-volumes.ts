/** More mounts for a service's container, as the configuration has them: `HARBOR_<HANDLE>_VOLUMES`, with `;` between them. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { HarborError } from "../_script/error.ts";
import { homeDirectory } from "../_script/home-directory.ts";

/** The variable for a service of the compose model, most often a handle. */
export function volumesVariable(service: string): string {
  return `HARBOR_${service.toUpperCase().replaceAll("-", "_")}_VOLUMES`;
}

export interface Mount {
  /** A whole path on this host, or the name of a volume. */
  source: string;
  /** A whole path in the container. */
  target: string;
  /** `ro`, `rw`, `z`, …, with commas between them; "" for none. */
  options: string;
}

/** The mounts of a list, as they are written. */
export function splitMounts(list: string): string[] {
  return list
    .split(";")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

export interface ReadMountOptions {
  /** What a relative source means. */
  directory: string;
  env: Readonly<Record<string, string | undefined>>;
}

const OPTIONS = /^(?:ro|rw|z|Z|nocopy|consistent|cached|delegated|(?:r?shared|r?slave|r?private))$/;
/** What docker takes for the name of a volume; a single letter is most often a slip in a path. */
const VOLUME = /^[A-Za-z0-9][A-Za-z0-9_.-]+$/;

/** `source:target[:options]`. Throws `usage` for what docker would refuse, or take for something else. */
export function readMount(text: string, { directory, env }: ReadMountOptions): Mount {
  const fail = (what: string): HarborError =>
    new HarborError(`Cannot mount "${text}": ${what}`, {
      exit: "usage",
      hint: "Write it source:target or source:target:ro, as in ~/notes:/notes:ro; both are paths, or source is the name of a volume",
    });
  const [source = "", target = "", options = "", ...more] = text.split(":");
  if (more.length > 0) throw fail("it has more than three parts");
  if (source === "" || target === "") throw fail(source === "" ? "its source is missing" : "its target is missing");
  if (!target.startsWith("/")) throw fail(`its target "${target}" is no whole path in the container`);
  if (/^\/+$/.test(target)) throw fail("its target is the container's own root");
  const wrong = options.split(",").find((option) => option !== "" && !OPTIONS.test(option));
  if (wrong !== undefined) throw fail(`there is no option "${wrong}"`);
  if (/^~(?!\/|$)/.test(source)) throw fail("~ of another user is not known here");
  const isPath = /^[./~]/.test(source);
  if (!isPath && !VOLUME.test(source)) throw fail(`its source "${source}" is neither a path (./${source}) nor the name of a volume`);
  const whole = isPath ? wholePath(source, directory, env) : source;
  if (/[:;\n\r]/.test(`${whole}${target}`)) throw fail(`a path with : or ; in it cannot be written so (${whole})`);
  return { source: whole, target, options };
}

export function isVolumeName({ source }: Pick<Mount, "source">): boolean {
  return !source.startsWith("/");
}

/** As it stands in the configuration, and as compose takes it. */
export function formatMount({ source, target, options }: Mount): string {
  return [source, target, ...(options === "" ? [] : [options])].join(":");
}

/** Throws for a path that is not there: the engine would make a folder of it that belongs to root. */
export function checkSource(mount: Mount): void {
  if (isVolumeName(mount) || existsSync(mount.source)) return;
  throw new HarborError(`Cannot mount "${mount.source}": there is no such file or folder`, { hint: `mkdir -p ${mount.source}` });
}

function wholePath(source: string, directory: string, env: ReadMountOptions["env"]): string {
  return source.startsWith("~") ? join(homeDirectory(env), source.slice(1)) : resolve(directory, source);
}
