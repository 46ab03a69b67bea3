/** The source of speaches as a folder: what it is installed from, and where files of its own are that its package leaves out. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { awaitChild, readOutput } from "harbor/_script/child-output";
import { HarborError } from "harbor/_script/error";
import { withLock } from "harbor/_script/lock";
import { maskUrls } from "harbor/_script/secret-name";
import { isDiskError, ManagerError } from "./failures.ts";
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
/** Longer than another can take for it. */
const LOCK_WAIT_MS = FETCH_MS + 5 * 60_000;

/** Throws a ManagerError, and what the file system says. An archive is fetched and unpacked once; it appears whole or not at all. */
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
    throw new ManagerError("network", `Cannot fetch the source "${maskUrls(source)}": offline`, {
      hint: "Fetch it where there is a network, and name the file: `harbor config set speaches.source <archive>`",
    });
  }
  await alone(place, signal, async (scratch) => {
    if (existsSync(folder)) return; // whoever we waited for has made it
    const archive = isUrl ? await download(source, join(scratch, "archive"), { signal, teller }) : path;
    const unpacked = join(scratch, "unpacked");
    mkdirSync(unpacked);
    await unpack(archive, unpacked, signal);
    renameSync(rootOf(unpacked, source), folder);
  });
  return folder;
}

/** One at a time, in a folder that is empty, whatever one that was killed has left there, and gone afterwards. */
async function alone(place: string, signal: AbortSignal, work: (scratch: string) => Promise<void>): Promise<void> {
  const scratch = join(place, ".new");
  try {
    mkdirSync(place, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new ManagerError("disk", `Cannot write to "${place}": ${(error as Error).message}`, { cause: error });
  }
  const run = async (): Promise<void> => {
    rmSync(scratch, { recursive: true, force: true });
    mkdirSync(scratch);
    try {
      await work(scratch);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  };
  try {
    await withLock(join(place, ".lock"), run, { waitMs: LOCK_WAIT_MS, signal, purpose: "fetching the source of speaches" });
  } catch (error) {
    throw error instanceof HarborError && error.exit === "timeout" ? ManagerError.of("locked", error) : error;
  }
}

async function download(url: string, to: string, { signal, teller }: { signal: AbortSignal; teller: Teller }): Promise<string> {
  await teller.status(`fetching ${maskUrls(url)}`);
  try {
    const answer = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(FETCH_MS)]) });
    if (!answer.ok) throw refused(url, answer.status);
    await Bun.write(to, answer);
    return to;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ManagerError || isDiskError(error)) throw error;
    throw new ManagerError("network", `Cannot fetch the source "${maskUrls(url)}": ${(error as Error).message}`, {
      hint: "Look at the network and its proxy settings; or fetch it elsewhere, and name the file: `harbor config set speaches.source <archive>`",
      cause: error,
    });
  }
}

function refused(url: string, status: number): ManagerError {
  const hint = status === 404 ? "See which versions there are: https://github.com/speaches-ai/speaches/releases" : "Try again later";
  return new ManagerError(
    status === 404 ? "install" : "network",
    `Cannot fetch the source "${maskUrls(url)}": the server answers ${status}`,
    {
      hint,
    },
  );
}

/** By the system's tar, which lets nothing out of its folder; what is in it is ours, also where we are root. */
async function unpack(archive: string, folder: string, signal: AbortSignal): Promise<void> {
  let said = "";
  const child = spawnTar(archive, folder, signal);
  const code = await awaitChild(child.exited, [readOutput(child.stderr, (text) => (said += text))]);
  signal.throwIfAborted();
  if (code === 0) return;
  // the first line says what is wrong, the last that it cannot go on
  const why = (said.trim().split("\n")[0] ?? "").replace(/^(?:bsd)?tar: /, "") || `tar ends with exit code ${code}`;
  throw new ManagerError(/No space left/.test(said) ? "disk" : "install", `Cannot unpack "${archive}": ${why}`);
}

function spawnTar(archive: string, folder: string, signal: AbortSignal) {
  try {
    return Bun.spawn(["tar", "-xof", archive, "-C", folder], { stdin: "ignore", stdout: "ignore", stderr: "pipe", signal });
  } catch (cause) {
    throw new ManagerError("install", `Cannot unpack "${archive}": tar cannot be run (${(cause as Error).message})`, {
      hint: "Install tar; or unpack it elsewhere, and name the folder: `harbor config set speaches.source <folder>`",
      cause,
    });
  }
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
  return `${environment}.source`;
}
