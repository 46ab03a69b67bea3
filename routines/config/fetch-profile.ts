/** A profile from elsewhere, as text: over https alone, bounded in size and time, and never run nor filled in. */
import { HarborError } from "../_script/error.ts";
import { maskUrls } from "../_script/secret-name.ts";
import { formatSize } from "../_script/size.ts";

/** A whole configuration of a thousand keys has 60 kB. */
const MOST_BYTES = 256 * 1024;
const MOST_MS = 20_000;
const MOST_REDIRECTS = 5;

/** Whether it is a URL, of whatever kind, and no name. */
export function isUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

/** Throws `usage` for a URL that is not taken, `failed` for what does not come, is too large, slow or no text. */
export async function fetchProfile(address: string): Promise<string> {
  const fail = failureOf(address);
  const signal = AbortSignal.timeout(MOST_MS);
  try {
    const response = await follow(readUrl(address), signal, fail);
    if (response.status !== 200) throw fail(`the server answers ${response.status}`);
    if (/^text\/html\b/i.test(response.headers.get("content-type") ?? "")) {
      throw fail("it is a web page", "Give the URL of the file itself, which sites of code call raw");
    }
    return decode(await readBody(response, fail), fail);
  } catch (error) {
    if (error instanceof HarborError) throw error;
    if (signal.aborted) throw fail(`it took longer than ${MOST_MS / 1000} s`);
    throw fail((error as Error).message);
  }
}

type Fail = (what: string, hint?: string) => HarborError;

/** Without what could be a secret in it. */
function failureOf(address: string): Fail {
  const shown = maskUrls(address).replace(/[?#].*$/s, "");
  return (what, hint) => new HarborError(`Cannot fetch the profile ${JSON.stringify(shown)}: ${what}`, hint === undefined ? {} : { hint });
}

/** Only https; http from this host alone, where nobody is in between. */
function readUrl(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname))) return url;
  const { message } = failureOf(address)("it takes an https URL, for whoever is in between could change what an http one gives");
  throw new HarborError(message, { exit: "usage" });
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** To https alone, whatever it began with. */
async function follow(first: URL, signal: AbortSignal, fail: Fail): Promise<Response> {
  let url = first;
  for (let count = 0; count <= MOST_REDIRECTS; count++) {
    const response = await fetch(url.href, {
      redirect: "manual",
      signal,
      headers: { accept: "text/plain, application/json;q=0.9, */*;q=0.1" },
    });
    const location = response.headers.get("location");
    if (response.status < 300 || response.status > 399 || location === null) return response;
    if (!URL.canParse(location, url.href)) throw fail("it is redirected to what is no URL");
    url = new URL(location, url);
    if (url.protocol !== "https:") throw fail(`it is redirected to ${url.protocol}//${url.host}, which is not https`);
  }
  throw fail(`it is redirected more than ${MOST_REDIRECTS} times`);
}

async function readBody(response: Response, fail: Fail): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > MOST_BYTES) throw fail(`it is larger than ${formatSize(MOST_BYTES)}`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function decode(bytes: Uint8Array, fail: Fail): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw fail("it is no text");
  }
}
