/** A profile over https: whose certificate counts, and where it may be redirected to. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { resultOf } from "../../_process.ts";

const openssl = Bun.which("openssl");
const ROUTINE = resolve(import.meta.dir, "../../../routines/config/fetch-profile.ts");

describe.skipIf(openssl === null)("over https (needs openssl)", () => {
  const folder = mkdtempSync(join(tmpdir(), "harbor-fetch-"));
  const certificate = join(folder, "cert.pem");
  let server: Bun.Server<undefined>;
  let plain: Bun.Server<undefined>;

  beforeAll(() => {
    const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-nodes"];
    const key = join(folder, "key.pem");
    const made = Bun.spawnSync([openssl ?? "", "req", "-x509", "-newkey", "rsa:2048", ...subject, "-keyout", key, "-out", certificate]);
    if (made.exitCode !== 0) throw new Error(`no certificate: ${made.stderr}`);
    plain = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("HARBOR_FROM=http\n") });
    const answers: Record<string, () => Response | Promise<Response>> = {
      "/there": () => new Response("HARBOR_FROM=https\n"),
      "/moved": () => Response.redirect("/there", 302),
      "/down": () => Response.redirect(`http://127.0.0.1:${plain.port}/`, 302),
      "/round": () => Response.redirect("/round", 302),
    };
    server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      tls: { cert: Bun.file(certificate), key: Bun.file(key) },
      fetch: ({ url }) => answers[new URL(url).pathname]?.() ?? new Response("", { status: 404 }),
    });
  });
  afterAll(async () => {
    await Promise.all([server.stop(true), plain.stop(true)]);
    rmSync(folder, { recursive: true });
  });

  /** In a process of its own: which certificates count is read once. */
  async function fetched(path: string, env: Record<string, string> = { NODE_EXTRA_CA_CERTS: certificate }): Promise<string> {
    const script = `import { fetchProfile } from ${JSON.stringify(ROUTINE)}; console.log(await fetchProfile(process.argv[1]).catch((e) => e.message))`;
    const argv = [process.execPath, "-e", script, `https://127.0.0.1:${server.port}${path}`];
    const { stdout } = await resultOf(Bun.spawn(argv, { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" }));
    return stdout.trim();
  }

  test.each([
    ["/there", "HARBOR_FROM=https"],
    ["/moved", "HARBOR_FROM=https"],
  ])("%s is taken", async (path, expected) => {
    expect(await fetched(path)).toBe(expected);
  });

  test("a redirect away from https is not followed, and a circle ends", async () => {
    expect(await fetched("/down")).toContain("which is not https");
    expect(await fetched("/round")).toContain("it is redirected more than 5 times");
  });

  test("a certificate that nobody vouches for is refused", async () => {
    expect(await fetched("/there", {})).toMatch(/Cannot fetch the profile .*certificate/i);
  });
});
