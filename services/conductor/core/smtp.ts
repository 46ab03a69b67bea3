/**
 * Sends one mail by SMTP (RFC 5321), with STARTTLS where it is offered (RFC 3207), and AUTH PLAIN (RFC 4616) or LOGIN. A password goes out
 * over TLS or to this machine, and nowhere else; the server's certificate has to be good (`NODE_EXTRA_CA_CERTS` names an authority of one's own).
 *
 * Nodemailer would do this and much more. The conductor's container is given its folder and no node_modules, and what a mail of
 * an alert needs of SMTP are these six commands: attachments, HTML, pools and OAuth are not among them.
 */
import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export interface Mail {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  /** Lines of plain text. */
  readonly text: string;
}

const TIMEOUT_MS = 10_000;
const REPLY_BYTES = 65_536;

/** `smtp://[user:password@]host[:port]`, or `smtps://…`. Rejects with what the server said, or why there was none. */
export async function sendMail(server: URL, mail: Mail): Promise<void> {
  for (const address of [mail.from, mail.to]) {
    if (!isAddress(address)) throw new Error(`"${address}" is no mail address`);
  }
  const host = server.hostname.replace(/^\[|\]$/g, "");
  const isTls = server.protocol === "smtps:";
  const port = Number(server.port) || (isTls ? 465 : 587); // RFC 8314
  const servername = isIP(host) === 0 ? { servername: host } : {};
  let talk = new Talk(isTls ? connectTls({ host, port, ...servername }) : connectPlain({ host, port }));
  const first = talk;
  try {
    await talk.expect(220);
    let offered = await talk.say("EHLO harbor.local", 250);
    let isSafe = isTls;
    if (!isTls && /^STARTTLS$/im.test(offered)) {
      await talk.say("STARTTLS", 220);
      talk = new Talk(connectTls({ socket: talk.release(), ...servername }));
      offered = await talk.say("EHLO harbor.local", 250);
      isSafe = true;
    }
    if (server.username !== "") await authenticate(talk, server, { offered, isSafe: isSafe || isLoopback(host) });
    await talk.say(`MAIL FROM:<${mail.from}>`, 250);
    await talk.say(`RCPT TO:<${mail.to}>`, 250);
    await talk.say("DATA", 354);
    await talk.say(`${compose(mail)}\r\n.`, 250);
    // it is accepted by now: what is said in leaving changes nothing
    await talk.say("QUIT", 221).catch(() => {});
  } finally {
    talk.end();
    first.end();
  }
}

/** No quotation marks, no line breaks: what could be a command of its own. */
export function isAddress(text: string): boolean {
  return /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}$/.test(text);
}

/** By what the server offers: LOGIN, which no RFC has, where it does not know PLAIN. */
async function authenticate(
  talk: Talk,
  { username, password }: URL,
  { offered, isSafe }: { offered: string; isSafe: boolean },
): Promise<void> {
  if (!isSafe) throw new Error("the server offers no TLS, and the password is not sent without: use smtps://");
  const [user, secret] = [decodeURIComponent(username), decodeURIComponent(password)];
  const [, methods = ""] = /^AUTH[ =](.*)$/im.exec(offered) ?? [];
  const known = methods.toUpperCase().split(/\s+/);
  if (known.includes("PLAIN")) {
    await talk.say(`AUTH PLAIN ${encode(`\0${user}\0${secret}`)}`, 235, "AUTH PLAIN");
  } else if (known.includes("LOGIN")) {
    await talk.say("AUTH LOGIN", 334);
    await talk.say(encode(user), 334, "the user");
    await talk.say(encode(secret), 235, "the password");
  } else {
    throw new Error(`the server takes no password by PLAIN or LOGIN${methods === "" ? "" : `, but by ${methods}`}`);
  }
}

function encode(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** The body in base64: no line is too long, none begins with a dot, and any text passes. */
function compose({ from, to, subject, text }: Mail): string {
  const body = Buffer.from(text).toString("base64").replace(/.{76}/g, "$&\r\n");
  // an encoded word may have 75 characters (RFC 2047)
  const words = [...subject.matchAll(/.{1,10}/gsu)].map(([part]) => `=?utf-8?B?${Buffer.from(part).toString("base64")}?=`);
  const headers = [
    `From: Harbor <${from}>`,
    `To: <${to}>`,
    `Subject: ${words.join("\r\n ")}`,
    `Date: ${new Date().toUTCString().replace("GMT", "+0000")}`,
    `Message-ID: <${crypto.randomUUID()}@harbor.local>`,
    ...[
      "MIME-Version: 1.0",
      "Content-Type: text/plain; charset=utf-8",
      "Content-Transfer-Encoding: base64",
      "Auto-Submitted: auto-generated",
    ],
  ];
  return `${headers.join("\r\n")}\r\n\r\n${body}`;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

/** One connection: a line out, a reply in. */
class Talk {
  readonly #socket: Socket;
  #text = "";
  #failure: Error | undefined;
  #wake = (): void => {};
  readonly #timer: Timer;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#timer = setTimeout(() => socket.destroy(new Error(`it did not finish within ${TIMEOUT_MS / 1_000} s`)), TIMEOUT_MS);
    socket.on("data", (chunk: Buffer) => {
      this.#text += chunk.toString("latin1");
      if (this.#text.length > REPLY_BYTES) socket.destroy(new Error("it says too much"));
      this.#wake();
    });
    socket.on("error", (error: Error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("it closed the connection")));
  }

  /** `shown`: in place of a line that nobody may see. */
  say(line: string, code: number, shown = line.slice(0, 60).split("\r")[0]): Promise<string> {
    this.#socket.write(`${line}\r\n`);
    return this.expect(code, shown);
  }

  /** The words of the reply, a line each. */
  async expect(code: number, shown = "the connection"): Promise<string> {
    while (true) {
      const [reply] = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\r?\n/.exec(this.#text) ?? [];
      if (reply !== undefined) {
        this.#text = this.#text.slice(reply.length);
        const words = reply
          .replace(/^\d{3}[- ]?/gm, "")
          .replaceAll("\r", "")
          .trim();
        if (reply.trimEnd().split("\n").at(-1)?.startsWith(String(code)) === true) return words;
        throw new Error(`the mail server answered ${shown} with: ${reply.trim().slice(0, 200)}`);
      }
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** For TLS on top of it: what was said in plain text before that counts for nothing. */
  release(): Socket {
    this.#socket.removeAllListeners("data");
    clearTimeout(this.#timer);
    return this.#socket;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }
}
