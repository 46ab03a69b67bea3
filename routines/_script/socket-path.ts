/**
 * Where a unix socket stands. The system takes no path of more than about a hundred bytes for one, and a
 * `HARBOR_HOME` may lie deep: then it stands in a short folder of its own, of this user alone.
 */
import { lstatSync, mkdirSync, rmdirSync, unlinkSync } from "node:fs";
import { HarborError } from "./error.ts";

/** `sun_path` without its final zero. */
const LONGEST = process.platform === "linux" ? 107 : 103;

export interface SocketPlace {
  path: string;
  /** The short folder, where it needed one. */
  shortFolder?: string;
}

/** The same place for the same folder and name, so that whoever comes later finds it. Makes the short folder, throws where that is not ours. */
export function placeSocket(folder: string, name: string, env: Readonly<Record<string, string | undefined>> = process.env): SocketPlace {
  const path = `${folder}/${name}`;
  if (Buffer.byteLength(path) <= LONGEST) return { path };
  const own = `harbor-${process.getuid?.() ?? 0}-${Bun.hash(folder).toString(36)}`;
  for (const base of [env.XDG_RUNTIME_DIR, env.TMPDIR, "/tmp"]) {
    const shortFolder = `${base?.replace(/\/+$/, "")}/${own}`;
    if (!base?.startsWith("/") || Buffer.byteLength(`${shortFolder}/${name}`) > LONGEST) continue;
    makeOwnFolder(shortFolder);
    return { path: `${shortFolder}/${name}`, shortFolder };
  }
  throw new HarborError(`Cannot make a socket for "${folder}": its name "${name}" is too long`);
}

/** The socket, if it is there, and the short folder with the last one in it. */
export function removeSocket({ path, shortFolder }: SocketPlace): void {
  // bun removes the socket of a server that it stops
  tolerate(() => unlinkSync(path), "ENOENT");
  if (shortFolder !== undefined) tolerate(() => rmdirSync(shortFolder), "ENOENT", "ENOTEMPTY", "EEXIST");
}

function tolerate(work: () => void, ...codes: string[]): void {
  try {
    work();
  } catch (error) {
    if (!codes.includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

/** In a folder that everybody may write to, somebody else may have made it first. */
function makeOwnFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
    return;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST")
      throw new HarborError(`Cannot make folder "${path}": ${(cause as Error).message}`, { cause });
  }
  const found = lstatSync(path);
  if (found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0) return;
  throw new HarborError(`Cannot use folder "${path}" for sockets: it is not a folder of yours alone`, {
    hint: "Remove it, or set HARBOR_HOME to a shorter path",
  });
}
