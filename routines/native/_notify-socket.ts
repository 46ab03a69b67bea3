/**
 * The other end of sd_notify(3): where a service says that it is ready, instead of being asked, and how it is. The socket
 * stands in the service's own folder and is looked at from time to time: often while it starts, seldom afterwards.
 */
import { readProcess } from "../_script/process-identity.ts";
import { placeSocket, removeSocket, type SocketPlace } from "../_script/socket-path.ts";
import type { Datagram, DatagramSocket } from "./_datagram-socket.ts";
import { excerpt } from "./_verdict.ts";

/** What a service said; what it left out is not there. */
export interface NotifyMessage {
  isReady?: true;
  isStopping?: true;
  /** It reads its configuration anew; `isReady` follows. */
  isReloading?: true;
  /** `WATCHDOG=1`: it is still alive. */
  isAlive?: true;
  /** In its own words, fit for a terminal; empty where it takes back what it said. */
  status?: string;
  /** It answers, and a part of it is missing; `false` once that is there again. */
  isDegraded?: boolean;
  /** It needs this long from now on to start, or to stop. A day at most. */
  extendMs?: number;
}

export interface NotifySocketOptions {
  /** The service's own state folder, of mode 0700. */
  folder: string;
  onMessage: (message: NotifyMessage) => void;
  /** Whether a living process is the service's: others are not listened to. Not asked on macOS, which does not say who sent. */
  isMember: (pid: number) => boolean;
}

const PAUSE_MS = { starting: 20, running: 1_000 };
const STATUS_LENGTH = 200;
const LONGEST_EXTENSION_MS = 24 * 60 * 60_000;
/** In one look: a service that floods it has to wait for the next one. */
const MAX_MESSAGES = 256;

/** sd_notify(3) has private fields begin with `X_` and a name of their own. */
const FLAGS: Readonly<Record<string, NotifyMessage>> = {
  "READY=1": { isReady: true },
  "STOPPING=1": { isStopping: true },
  "RELOADING=1": { isReloading: true },
  "WATCHDOG=1": { isAlive: true },
  "X_HARBOR_HEALTH=degraded": { isDegraded: true },
  "X_HARBOR_HEALTH=healthy": { isDegraded: false },
};

export class NotifySocket {
  /** For the environment of the service. */
  readonly environment: { NOTIFY_SOCKET: string };
  readonly #options: NotifySocketOptions;
  readonly #place: SocketPlace;
  readonly #socket: DatagramSocket;
  #timer: ReturnType<typeof setInterval>;

  private constructor(options: NotifySocketOptions, place: SocketPlace, socket: DatagramSocket) {
    this.environment = { NOTIFY_SOCKET: place.path };
    this.#options = options;
    this.#place = place;
    this.#socket = socket;
    this.#timer = setInterval(() => this.look(), PAUSE_MS.starting);
  }

  /** At the same path for the same folder: a service that runs already is heard by whoever opens it next. */
  static async open(options: NotifySocketOptions): Promise<NotifySocket> {
    const { openDatagramSocket } = await import("./_datagram-socket.ts");
    const place = placeSocket(options.folder, "notify");
    removeSocket({ path: place.path });
    return new NotifySocket(options, place, await openDatagramSocket(place.path));
  }

  /** How often it is looked at from now on. */
  setPace(pace: keyof typeof PAUSE_MS): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.look(), PAUSE_MS[pace]);
  }

  /** Hands on what has come, in order; by itself from time to time, and whenever it is wanted now. */
  look(): void {
    for (let count = 0; count < MAX_MESSAGES; count++) {
      const datagram = this.#socket.receive();
      if (datagram === undefined) return;
      const message = this.#isTrusted(datagram) ? parseNotification(datagram.text) : {};
      if (Object.keys(message).length > 0) this.#options.onMessage(message);
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.close();
    removeSocket(this.#place);
  }

  /** A helper that spoke for the service may have ended since, as `systemd-notify` does: only this user could have sent it. */
  #isTrusted({ sender }: Datagram): boolean {
    if (sender === undefined) return true;
    if (sender.uid !== 0 && sender.uid !== process.getuid?.()) return false;
    // one that nobody has waited for yet has ended as well
    return readProcess(sender.pid) === undefined || this.#options.isMember(sender.pid);
  }
}

/** Lines of `NAME=value`; MAINPID and what else only a service manager understands is left out. */
export function parseNotification(text: string): NotifyMessage {
  const message: NotifyMessage = {};
  for (const line of text.split("\n")) {
    const [, microseconds] = /^EXTEND_TIMEOUT_USEC=(\d+)$/.exec(line) ?? [];
    if (microseconds !== undefined) message.extendMs = Math.min(Number(microseconds) / 1000, LONGEST_EXTENSION_MS);
    else if (line.startsWith("STATUS=")) message.status = excerpt(line.slice("STATUS=".length), STATUS_LENGTH);
    else if (Object.hasOwn(FLAGS, line)) Object.assign(message, FLAGS[line]);
  }
  return message;
}
