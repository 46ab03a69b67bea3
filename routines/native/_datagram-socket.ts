/**
 * A unix socket for datagrams, which neither bun nor node has: the system's own calls by bun:ffi. It is asked, never
 * waited on. Linux says of each datagram which process sent it; macOS, whose address has another layout, does not.
 * bun:ffi compiles each call, so that it cannot work in a bun that was started with BUN_JSC_useJIT=0; one with
 * BUN_JSC_useBaselineJIT=0 stays nearly as small and can.
 */
import { chmodSync } from "node:fs";
import { HarborError } from "../_script/error.ts";

export interface Datagram {
  text: string;
  /** The sender, where the system says so; it may have ended since. */
  sender?: { pid: number; uid: number };
}

export interface DatagramSocket {
  /** The next datagram that has come; undefined where there is none. */
  receive(): Datagram | undefined;
  close(): void;
}

const MAX_BYTES = 4_096;
const isLinux = process.platform === "linux";
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = isLinux ? 0x40 : 0x80;
/** EAGAIN, and on macOS ENOBUFS: the reader has not kept up. */
const FULL: ReadonlySet<number> = new Set(isLinux ? [11] : [35, 55]);
const PATIENCE_MS = 5_000;
const PAUSE_MS = 20;
const SOL_SOCKET = 1;
const SO_PASSCRED = 16;
const SCM_CREDENTIALS = 2;
/** Of one `struct ucred` with its header. There is no room for more, so that descriptors which a sender passes along are closed at once. */
const CONTROL_BYTES = 32;

/** Takes the path anew; only the owner can send to it. */
export async function openDatagramSocket(path: string): Promise<DatagramSocket> {
  const { ptr } = await import("bun:ffi");
  const libc = await openLibc();
  const failure = (call: string): HarborError => new HarborError(`Cannot open socket "${path}": ${call} failed with error ${libc.errno()}`);
  const descriptor = libc.socket(AF_UNIX, isLinux ? SOCK_DGRAM | SOCK_CLOEXEC : SOCK_DGRAM, 0);
  if (descriptor < 0) throw failure("socket");
  const address = encodeAddress(path);
  if (libc.bind(descriptor, ptr(address), address.length) !== 0) {
    const error = failure("bind");
    libc.close(descriptor);
    throw error;
  }
  chmodSync(path, 0o600);
  if (isLinux) libc.setsockopt(descriptor, SOL_SOCKET, SO_PASSCRED, ptr(new Int32Array([1])), 4);
  const message = new Message(ptr);
  return {
    receive: () => {
      const length = isLinux
        ? Number(libc.recvmsg(descriptor, message.header(), MSG_DONTWAIT))
        : Number(libc.recv(descriptor, message.data(), MAX_BYTES, MSG_DONTWAIT));
      return length < 0 ? undefined : message.read(length);
    },
    close: () => void libc.close(descriptor),
  };
}

/**
 * One datagram to whoever has that path. Linux keeps ten for a reader that is busy: then it is tried again for a while, and
 * nothing else waits. Throws where nobody has the path, nobody reads, or it is too long for the system.
 */
export async function sendDatagram(path: string, text: string, patienceMs = PATIENCE_MS): Promise<void> {
  const { ptr } = await import("bun:ffi");
  const libc = await openLibc();
  const refused = (errno: number): HarborError =>
    new HarborError(`Cannot send to socket "${path}": ${FULL.has(errno) ? "nobody reads" : `the system refused with error ${errno}`}`);
  const descriptor = libc.socket(AF_UNIX, isLinux ? SOCK_DGRAM | SOCK_CLOEXEC : SOCK_DGRAM, 0);
  if (descriptor < 0) throw refused(libc.errno());
  try {
    const address = encodeAddress(path);
    const data = new TextEncoder().encode(text);
    const deadline = performance.now() + patienceMs;
    while (libc.sendto(descriptor, ptr(data), data.length, MSG_DONTWAIT, ptr(address), address.length) < 0) {
      const errno = libc.errno();
      if (!FULL.has(errno) || performance.now() >= deadline) throw refused(errno);
      await Bun.sleep(PAUSE_MS);
    }
  } finally {
    libc.close(descriptor);
  }
}

/** `struct sockaddr_un`: the BSDs put its length in front of the family. */
function encodeAddress(path: string): Uint8Array {
  const name = new TextEncoder().encode(path);
  const address = new Uint8Array(2 + name.length + 1);
  address.set(isLinux ? new Uint8Array(new Uint16Array([AF_UNIX]).buffer) : [address.length, AF_UNIX]);
  address.set(name, 2);
  return address;
}

type PointerOf = (view: NodeJS.TypedArray) => import("bun:ffi").Pointer;

/** The memory that the system writes one datagram into, made once: `struct msghdr` of 64-bit Linux, what it points to, and what that holds. */
class Message {
  readonly #data = new Uint8Array(MAX_BYTES);
  readonly #control = new Uint32Array(CONTROL_BYTES / 4);
  readonly #vector: BigUint64Array;
  readonly #header = new BigUint64Array(7);
  readonly #ptr: PointerOf;

  constructor(ptr: PointerOf) {
    this.#ptr = ptr;
    this.#vector = new BigUint64Array([BigInt(ptr(this.#data)), BigInt(MAX_BYTES)]);
  }

  data() {
    return this.#ptr(this.#data);
  }

  /** Made ready anew: the system writes into it how much there was. */
  header() {
    this.#control.fill(0);
    this.#header.set([0n, 0n, BigInt(this.#ptr(this.#vector)), 1n, BigInt(this.#ptr(this.#control)), BigInt(CONTROL_BYTES), 0n]);
    return this.#ptr(this.#header);
  }

  read(length: number): Datagram {
    const text = new TextDecoder().decode(this.#data.subarray(0, length));
    // cmsghdr { size_t length; int level, type } and ucred { pid, uid, gid }
    const [, , level, type, pid = 0, uid = 0] = this.#control;
    const isSigned = level === SOL_SOCKET && type === SCM_CREDENTIALS;
    return isSigned ? { text, sender: { pid, uid } } : { text };
  }
}

type Libc = Awaited<ReturnType<typeof loadLibc>>;
let loaded: Libc | undefined;

async function openLibc(): Promise<Libc> {
  try {
    loaded ??= await loadLibc();
    return loaded;
  } catch (cause) {
    throw new HarborError(`Cannot call the system's C library: ${(cause as Error).message}`, { cause });
  }
}

const CALLS = {
  socket: { args: ["int", "int", "int"], returns: "int" },
  bind: { args: ["int", "ptr", "u32"], returns: "int" },
  setsockopt: { args: ["int", "int", "int", "ptr", "u32"], returns: "int" },
  recv: { args: ["int", "ptr", "u64", "int"], returns: "i64" },
  sendto: { args: ["int", "ptr", "u64", "int", "ptr", "u32"], returns: "i64" },
  recvmsg: { args: ["int", "ptr", "int"], returns: "i64" },
  close: { args: ["int"], returns: "int" },
} as const;
const ERRNO = { args: [], returns: "ptr" } as const;

async function loadLibc() {
  const { dlopen, read } = await import("bun:ffi");
  const name = isLinux ? await findLibc() : "libSystem.B.dylib";
  const place = isLinux
    ? dlopen(name, { __errno_location: ERRNO }).symbols.__errno_location
    : dlopen(name, { __error: ERRNO }).symbols.__error;
  const errno = (): number => {
    const at = place();
    return at === null ? 0 : read.i32(at, 0);
  };
  return { ...dlopen(name, CALLS).symbols, errno };
}

/** glibc's, or on Alpine and its like musl's, which has another name. */
async function findLibc(): Promise<string> {
  const { dlopen } = await import("bun:ffi");
  const glibc = "libc.so.6";
  try {
    dlopen(glibc, { close: CALLS.close });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_DLOPEN_FAILED") throw error;
    return `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`;
  }
  return glibc;
}
