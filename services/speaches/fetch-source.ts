/** The source of speaches as a folder: what it is installed from, and where files of its own are that its package leaves out. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ManagerError } from "./failures.ts";
import type { Teller } from "./teller.ts";

export interface SourceRequest {
  /** A folder, an archive, or the URL of one. */
  source: string;
  /** Where what is unpacked is kept: a folder for each source. */
  place: string;
  isOffline: boolean;
  signal: AbortSignal;
}

const FETCH_MS = 10 * 60_000;

/** Throws a ManagerError. An archive is fetched and unpacked once; it appears whole or not at all. */
export async function fetchSource({ source, place, isOffline, signal }: SourceRequest, teller: Teller): Promise<string> {
  const isUrl = /^https?:\/\//.test(source);
  const path = resolve(source);
  const stat = isUrl ? undefined : statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return path;
  const mark = isUrl ? source : `${path} ${stat?.mtimeMs}`;
  const folder = join(place, createHash("sha256").update(mark).digest("hex").slice(0, 16));
  if (existsSync(folder)) return folder;
  if (!isUrl && stat === undefined) throw new ManagerError("install", `Cannot read the source "${path}": there is no such file or folder`);
  if (isUrl && isOffline) {
    throw new ManagerError("network", `Cannot fetch the source "${source}": offline`, {
      hint: "Fetch it where there is a network, and name the file: `harbor config set speaches.source <archive>`",
    });
  }
  const scratch = makeScratch(place);
  try {
    const archive = isUrl ? await download(source, join(scratch, "archive"), { signal, teller }) : path;
    const unpacked = join(scratch, "unpacked");
    mkdirSync(unpacked);
    await unpack(archive, unpacked, signal);
    renameSync(rootOf(unpacked, source), folder);
    return folder;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function makeScratch(place: string): string {
  try {
    mkdirSync(place, { recursive: true, mode: 0o700 });
    return mkdtempSync(join(place, ".new-"));
  } catch (error) {
    throw new ManagerError("disk", `Cannot write to "${place}": ${(error as Error).message}`, { cause: error });
  }
}

async function download(url: string, to: string, { signal, teller }: { signal: AbortSignal; teller: Teller }): Promise<string> {
  await teller.status(`fetching ${url}`);
  try {
    const answer = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(FETCH_MS)]) });
    if (!answer.ok) throw refused(url, answer.status);
    await Bun.write(to, answer);
    return to;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ManagerError) throw error;
    throw new ManagerError("network", `Cannot fetch the source "${url}": ${(error as Error).message}`, {
      hint: "Look at the network and its proxy settings; or fetch it elsewhere, and name the file: `harbor config set speaches.source <archive>`",
      cause: error,
    });
  }
}

function refused(url: string, status: number): ManagerError {
  const hint = status === 404 ? "See which versions there are: https://github.com/speaches-ai/speaches/releases" : "Try again later";
  return new ManagerError(status === 404 ? "install" : "network", `Cannot fetch the source "${url}": the server answers ${status}`, {
    hint,
  });
}

/** By the system's tar, which lets nothing out of its folder. */
async function unpack(archive: string, folder: string, signal: AbortSignal): Promise<void> {
  const child = Bun.spawn(["tar", "-xf", archive, "-C", folder], { stdin: "ignore", stdout: "ignore", stderr: "pipe", signal });
  const said = await new Response(child.stderr).text();
  if ((await child.exited) === 0) return;
  signal.throwIfAborted();
  throw new ManagerError("install", `Cannot unpack "${archive}": ${said.trim().split("\n").at(-1) ?? "tar failed"}`);
}

/** The folder that holds its pyproject.toml: archives have one folder around all. */
function rootOf(unpacked: string, source: string): string {
  const folders = [unpacked, ...readdirSync(unpacked).map((name) => join(unpacked, name))];
  const root = folders.find((folder) => existsSync(join(folder, "pyproject.toml")));
  if (root !== undefined) return root;
  throw new ManagerError("install", `Cannot use the source "${source}": it holds no pyproject.toml`);
}

/** Beside the environment. */
export function placeOfSources(environment: string): string {
  return join(dirname(environment), `${environment.slice(dirname(environment).length + 1)}.source`);
}
