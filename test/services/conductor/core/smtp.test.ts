/** Mail, to a server that others have written. */
import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { makeCertificate } from "../_certificate.ts";

const SERVER = join(import.meta.dir, "../../../fixtures/mail-server/serve.py");
const USER = `${encodeURIComponent("me@example.com")}:${encodeURIComponent("s3cret ü")}`;
const { certificate, key, authority } = makeCertificate("DNS:localhost");

const running: Bun.Subprocess[] = [];
afterEach(async () => {
  for (const each of running.splice(0)) {
    each.kill();
    await each.exited;
  }
});

interface Mail {
  sender: string;
  to: string[];
  content: string;
  tls: boolean;
  mechanism: string | null;
  user: string | null;
}

function findPython(): string {
  const found = ["python3", "/usr/bin/python3"].find((python) => {
    return Bun.which(python) !== null && Bun.spawnSync([python, "-c", "import aiosmtpd"]).exitCode === 0;
  });
  if (found === undefined) throw new Error("Mail is tested with a real server, and there is none: apt-get install python3-aiosmtpd");
  return found;
}

async function startServer(
  mode: "starttls" | "tls" | "plain",
  mechanisms = "PLAIN,LOGIN",
): Promise<{ port: number; next(): Promise<Mail> }> {
  const child = Bun.spawn([findPython(), SERVER, mode, certificate, key, mechanisms], { stdout: "pipe", stderr: "ignore" });
  running.push(child);
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const next = async () => {
    while (!text.includes("\n")) {
      const { done, value = "" } = await lines.read();
      if (done) throw new Error("the mail server has ended");
      text += value;
    }
    const end = text.indexOf("\n");
    const line = text.slice(0, end);
    text = text.slice(end + 1);
    return JSON.parse(line);
  };
  return { port: (await next()).port, next };
}

/** What went wrong, or nothing. */
async function send(url: string, trusted = authority): Promise<string> {
  const child = Bun.spawn([process.execPath, Bun.fileURLToPath(new URL("./_send-mail.ts", import.meta.url)), url], {
    env: { PATH: process.env.PATH ?? "", NODE_EXTRA_CA_CERTS: trusted },
    stdout: "pipe",
    stderr: "inherit",
  });
  return new Response(child.stdout).text();
}

describe("sendMail", () => {
  test.each([
    ["smtp", "starttls"],
    ["smtps", "tls"],
  ] as const)("by %s arrives over TLS, with the user's password, word for word", async (scheme, mode) => {
    const server = await startServer(mode);
    expect(await send(`${scheme}://${USER}@localhost:${server.port}`)).toBe("");
    const mail = await server.next();
    expect(mail).toMatchObject({
      sender: "harbor@example.com",
      to: ["you@example.com"],
      tls: true,
      mechanism: "PLAIN",
      user: "me@example.com",
    });
    const [head = "", body = ""] = mail.content.split("\r\n\r\n");
    expect(Buffer.from(body, "base64").toString()).toBe(".\n. a dot\nend");
    const subject = [...head.matchAll(/=\?utf-8\?B\?(.*?)\?=/g)].map(([, word = ""]) => Buffer.from(word, "base64"));
    expect(Buffer.concat(subject).toString()).toBe("CRITICAL: höchst (hub-001)");
  });

  test("uses LOGIN where the server does not know PLAIN, and says what there is where it knows neither", async () => {
    const server = await startServer("starttls", "LOGIN");
    expect(await send(`smtp://${USER}@localhost:${server.port}`)).toBe("");
    expect(await server.next()).toMatchObject({ mechanism: "LOGIN", user: "me@example.com" });
    const other = await startServer("starttls", "none");
    expect(await send(`smtp://${USER}@localhost:${other.port}`)).toContain("takes no password by PLAIN or LOGIN");
  });

  test("says what the server says of a wrong password, and never the password", async () => {
    const server = await startServer("tls");
    const answer = await send(`smtps://me%40example.com:hunter2@localhost:${server.port}`);
    expect(answer).toContain("535");
    expect(answer).not.toContain("hunter2");
    expect(answer).not.toContain(Buffer.from("\0me@example.com\0hunter2").toString("base64"));
  });

  test("goes to nobody whose certificate is another's, or nobody's", async () => {
    const server = await startServer("tls");
    expect(await send(`smtps://${USER}@localhost:${server.port}`, "")).toMatch(/certificate|issuer/);
    expect(await send(`smtps://${USER}@127.0.0.1:${server.port}`)).toMatch(/does not match|altnames|IP/i);
    const upgraded = await startServer("starttls");
    expect(await send(`smtp://${USER}@localhost:${upgraded.port}`, "")).toMatch(/certificate|issuer/);
  });

  test("needs no password, and no TLS, on this machine", async () => {
    const server = await startServer("plain");
    expect(await send(`smtp://127.0.0.1:${server.port}`)).toBe("");
    expect(await server.next()).toMatchObject({ tls: false, mechanism: null });
  });

  test("sends no password in the clear to another machine", async () => {
    // this machine, by a name that is not loopback's
    const name = "0.0.0.0";
    const server = await startServer("plain");
    expect(await send(`smtp://${USER}@${name}:${server.port}`)).toContain("the password is not sent without");
  });
});
