/** The dashboard for people: one page with all of its parts in it, so that nothing else has to be asked for without a token. */
import { fileURLToPath } from "node:url";

const FOLDER = new URL("../page/", import.meta.url);
const STYLES = /<link rel="stylesheet" href="([\w.]+)">/g;
const SCRIPT = /<script type="module" src="([\w.]+)"><\/script>/;

/** Made when it is first asked for. */
let made: Promise<{ html: string; policy: string }> | undefined;

/** It has nothing in it that would need a token: it asks for one, and for the rest with that. */
export async function answerPage(): Promise<Response> {
  made ??= make();
  const { html, policy } = await made;
  return new Response(html, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
      "cache-control": "no-cache",
      "cross-origin-opener-policy": "same-origin",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      vary: "accept, authorization",
    },
  });
}

/** Only this style and this script may run, and nothing may be asked of anywhere else. */
async function make(): Promise<{ html: string; policy: string }> {
  const page = await read("dashboard.html");
  const names = [...page.matchAll(STYLES)].map(([, name = ""]) => name);
  const style = (await Promise.all(names.map(read))).join("\n");
  const script = await bundle(SCRIPT.exec(page)?.[1] ?? "");
  // what is put in is no pattern for replace, whatever dollars it has
  const html = page
    .replace(STYLES, "")
    .replace("</head>", () => `<style>${style}</style>\n</head>`)
    .replace(SCRIPT, () => `<script type="module">${script}</script>`);
  const policy = [
    ...["default-src 'none'", `style-src ${hashOf(style)}`, `script-src ${hashOf(script)}`, "connect-src 'self'", "img-src data:"],
    ...["frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'"],
  ];
  return { html, policy: policy.join("; ") };
}

function read(name: string): Promise<string> {
  return Bun.file(new URL(name, FOLDER)).text();
}

/** Its modules as one. */
async function bundle(name: string): Promise<string> {
  const { outputs } = await Bun.build({ entrypoints: [fileURLToPath(new URL(name, FOLDER))], target: "browser", minify: true });
  return (await outputs[0]?.text()) ?? "";
}

function hashOf(text: string): string {
  return `'sha256-${new Bun.CryptoHasher("sha256").update(text).digest("base64")}'`;
}
