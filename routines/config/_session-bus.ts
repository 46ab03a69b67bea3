/** One question to a program on the session's bus, over its socket, for a bounded time; nobody is started for it. */
import { HarborError } from "../_script/error.ts";
import { type Call, decodeReply, encodeCall, type Reply } from "./_dbus-message.ts";

export interface AskBusOptions {
  env: Readonly<Record<string, string | undefined>>;
  call: Omit<Call, "serial">;
  timeoutMs: number;
}

const HELLO: Call = {
  serial: 1,
  destination: "org.freedesktop.DBus",
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
  member: "Hello",
};

/** Throws where there is no bus, it lets us not in, or does not answer in time. An error of whom it asks is a reply. */
export async function askSessionBus({ env, call, timeoutMs }: AskBusOptions): Promise<Reply> {
  const path = findSocket(env);
  const answer = Promise.withResolvers<Reply>();
  const conversation = new Conversation({ ...call, serial: 2 }, answer.resolve);
  const refuse = (why: string): void => answer.reject(new HarborError(`Cannot ask the session bus: ${why}`));
  const timer = setTimeout(() => refuse(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
  const { connect } = await import("node:net");
  const socket = connect({ path });
  socket.on("error", (error) => refuse(error.message));
  socket.on("close", () => refuse("it closed the connection"));
  socket.on("connect", () => socket.write(conversation.start()));
  socket.on("data", (bytes) => {
    try {
      const more = conversation.take(bytes);
      if (more !== undefined) socket.write(more);
    } catch (error) {
      answer.reject(error);
    }
  });
  try {
    return await answer.promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

/** Says who we are, then hello, then asks. https://dbus.freedesktop.org/doc/dbus-specification.html#auth-protocol */
class Conversation {
  #isIn = false;
  #seen: Uint8Array = new Uint8Array();

  constructor(
    private readonly call: Call,
    private readonly onReply: (reply: Reply) => void,
  ) {}

  start(): string {
    const user = Buffer.from(String(process.getuid?.() ?? 0)).toString("hex");
    return `\0AUTH EXTERNAL ${user}\r\n`;
  }

  /** Gives what is to be said next. */
  take(bytes: Uint8Array): Uint8Array | undefined {
    this.#seen = Buffer.concat([this.#seen, bytes]);
    if (!this.#isIn) return this.#enter();
    for (let next = decodeReply(this.#seen); next !== undefined; next = decodeReply(this.#seen)) {
      this.#seen = this.#seen.subarray(next.length);
      const { serial, error } = next.reply;
      if (serial === HELLO.serial && error !== undefined) throw new HarborError(`Cannot ask the session bus: it says ${error}`);
      if (serial === this.call.serial) this.onReply(next.reply);
    }
    return undefined;
  }

  #enter(): Uint8Array | undefined {
    const line = Buffer.from(this.#seen).toString("latin1");
    if (!line.includes("\r\n")) return undefined;
    if (!line.startsWith("OK ")) throw new HarborError("Cannot ask the session bus: it is another user's");
    this.#isIn = true;
    this.#seen = new Uint8Array();
    return Buffer.concat([Buffer.from("BEGIN\r\n"), encodeCall(HELLO), encodeCall(this.call)]);
  }
}

/** Of its addresses the first that is a socket of this host. https://dbus.freedesktop.org/doc/dbus-specification.html#addresses */
function findSocket(env: AskBusOptions["env"]): string {
  const fallback = env.XDG_RUNTIME_DIR ? `unix:path=${env.XDG_RUNTIME_DIR}/bus` : "";
  for (const address of (env.DBUS_SESSION_BUS_ADDRESS || fallback).split(";")) {
    const [, key, value = ""] = /^unix:(?:.*,)?(path|abstract)=([^,]+)/.exec(address) ?? [];
    if (key !== undefined) return `${key === "abstract" ? "\0" : ""}${unescapeValue(value)}`;
  }
  throw new HarborError("Cannot ask the session bus: this session has none (DBUS_SESSION_BUS_ADDRESS)");
}

function unescapeValue(value: string): string {
  return value.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
