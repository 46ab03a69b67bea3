/** Who listens where on this machine: `/proc` on Linux, `lsof` elsewhere. */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs";
import { basename } from "node:path";

export interface Listener {
  port: number;
  /** As the system writes it: hexadecimal on Linux. */
  address: string;
  /** Linux: names the socket in `/proc/<pid>/fd`. */
  inode?: string;
  /** Elsewhere: known at once. */
  pid?: number;
}

const LISTEN = "0A";
const LISTENING = ` ${LISTEN} `;

const LOOPBACK = "127.0.0.1";

/** Listeners that keep another program from this port of an address: those on it (on any of loopback's) or on every address. */
export function listListeners(ports: ReadonlySet<number>, address = LOOPBACK): Listener[] {
  if (process.platform !== "linux") return [...ports].flatMap(listByLsof);
  return ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((table) => parseProcNet(readTable(table), ports, address));
}

/** The same of every port, in one look: on Linux that costs no more than one. */
export function listAllListeners(): Listener[] {
  return ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((table) => parseProcNet(readTable(table)));
}

/** Those that take connections from every network of this host: on 0.0.0.0 or [::]. */
export function listExposedListeners(): Listener[] {
  if (process.platform !== "linux") return parseLsof(runLsof("-iTCP")).filter(({ address }) => address === "*");
  return listAllListeners().filter(({ address }) => /^0+$/.test(address) || /^0{16}FFFF00000{8}$/.test(address));
}

/**
 * As far as it lists listeners: the kernel puts them first, and a host that has just served many short connections has
 * tens of thousands of lines behind them, which take it a tenth of a second to write.
 */
function readTable(path: string): string {
  let text = "";
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const piece = Buffer.alloc(PIECE_BYTES);
    while (true) {
      const count = readSync(file, piece);
      text += piece.toString("latin1", 0, count);
      if (count === 0 || isPastListeners(text)) return text;
    }
  } catch {
    return text; // no IPv6 in this kernel
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

const PIECE_BYTES = 64 * 1024;

/** Whether its last whole line is of a connection. */
function isPastListeners(text: string): boolean {
  const end = text.lastIndexOf("\n");
  const line = text.slice(text.lastIndexOf("\n", end - 1) + 1, end);
  return end !== -1 && !line.includes(LISTENING) && !line.includes("local_address");
}

/** Reads a table of `/proc/net/tcp` or `tcp6`; all ports when none are named. */
export function parseProcNet(text: string, ports?: ReadonlySet<number>, wanted = LOOPBACK): Listener[] {
  const found: Listener[] = [];
  for (const line of text.split("\n").slice(1)) {
    if (!line.includes(LISTENING)) continue; // a busy host has thousands of others
    const fields = line.trim().split(/\s+/);
    const [, local = "", , state] = fields;
    const inode = fields[9];
    if (state !== LISTEN || inode === undefined) continue;
    const [address = "", hexPort = ""] = local.split(":");
    const port = Number.parseInt(hexPort, 16);
    if ((ports?.has(port) ?? true) && covers(address, wanted)) found.push({ port, address, inode });
  }
  return found;
}

/** Four-byte words in the machine's order, so that 127.0.0.1 reads 0100007F. */
function covers(address: string, wanted: string): boolean {
  const isLoopback = wanted === LOOPBACK;
  const isMapped = /^0{16}FFFF0000/.test(address);
  const v4 = address.length === 8 ? address : isMapped ? address.slice(24) : undefined;
  if (v4 !== undefined) return v4 === "00000000" || (isLoopback ? v4.endsWith("7F") : v4 === toHexadecimal(wanted));
  return /^0{32}$/.test(address) || (isLoopback && address === "00000000000000000000000001000000");
}

/** An IPv4 address as these tables write it. */
export function toHexadecimal(address: string): string {
  const bytes = address.split(".").map((part) => Number(part).toString(16).toUpperCase().padStart(2, "0"));
  return bytes.reverse().join("");
}

/** The processes that hold any of these sockets, among `pids` or among all that we may look into. */
export function findHolders(inodes: ReadonlySet<string>, pids: readonly number[] = listPids()): Map<string, number> {
  const holders = new Map<string, number>();
  for (const pid of pids) {
    for (const link of readSockets(pid)) {
      if (inodes.has(link) && !holders.has(link)) holders.set(link, pid);
    }
    if (holders.size === inodes.size) break;
  }
  return holders;
}

function listPids(): number[] {
  return readdirSync("/proc").map(Number).filter(Number.isInteger);
}

function readSockets(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).flatMap((fd) => /^socket:\[(\d+)\]$/.exec(readLink(`${folder}/${fd}`))?.[1] ?? []);
  } catch {
    return []; // it ended, or belongs to another user
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function listByLsof(port: number): Listener[] {
  return parseLsof(runLsof(`-iTCP:${port}`));
}

function runLsof(which: string): string {
  const lsof = Bun.which("lsof", { PATH: `${process.env.PATH ?? ""}:/usr/sbin:/usr/bin` });
  if (lsof === null) return "";
  return Bun.spawnSync([lsof, "-nP", which, "-sTCP:LISTEN", "-Fpn"], { stderr: "ignore" }).stdout.toString();
}

/** Reads `lsof -Fpn`: a line for each process, then one for each of its sockets. Those on every address (`*`) and on loopback. */
export function parseLsof(text: string): Listener[] {
  const found: Listener[] = [];
  let pid = 0;
  for (const line of text.split("\n")) {
    if (line.startsWith("p")) pid = Number(line.slice(1));
    const [, address = "", port = ""] = /^n(\*|127\.0\.0\.1|\[::1\]):(\d+)$/.exec(line) ?? [];
    if (address !== "") found.push({ port: Number(port), address, pid });
  }
  return found;
}

/** A process's program and leading words; from the first option on it may hold secrets and is left out. */
export function describeCommand(pid: number): string | undefined {
  const words = process.platform === "linux" ? readCommandLine(pid) : readPsCommand(pid);
  const [program, ...rest] = words;
  if (program === undefined || program === "") return undefined;
  const option = rest.findIndex((word) => word.startsWith("-"));
  return [basename(program), ...(option === -1 ? rest : rest.slice(0, option))].join(" ").slice(0, 80);
}

function readCommandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8")
      .split("\0")
      .filter((word) => word !== "");
  } catch {
    return [];
  }
}

function readPsCommand(pid: number): string[] {
  const { stdout } = Bun.spawnSync(["ps", "-ww", "-p", String(pid), "-o", "command="], { stderr: "ignore" });
  return stdout.toString().trim().split(/\s+/);
}
