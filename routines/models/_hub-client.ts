/**
 * Requests to a model hub. The token goes to the hub's own origin alone, so redirects are followed here, by hand: large files
 * come from another host, by a URL that carries its own permission.
 */
import type { HarborErrorOptions } from "../_script/error.ts";
import { explainRefusal } from "./_explain-refusal.ts";
import { ModelError, type ModelErrorKind } from "./_model-error.ts";
import { type Patience, persist, Transient } from "./_patience.ts";
import { Watch } from "./_watch.ts";

export interface HubClientOptions {
  repo: string;
  /** `https://huggingface.co`, a mirror's, a proxy's; may have a path. */
  endpoint: string;
  token?: string | undefined;
  /** What sets the token, for hints; HF_TOKEN when left out. */
  tokenName?: string | undefined;
  patience: Patience;
  signal?: AbortSignal | undefined;
}

/** A body that is read piece by piece, none of which may be long in coming. */
export interface Download {
  response: Response;
  chunks: AsyncGenerator<Uint8Array>;
}

const MOST_REDIRECTS = 10;
const MOST_PAGES = 1_000;

export class HubClient {
  readonly repo: string;
  readonly #endpoint: URL;
  readonly #token: string | undefined;
  readonly #tokenName: string;
  readonly #patience: Patience;
  readonly #signal: AbortSignal | undefined;
  #hasAnswered = false;

  /** Throws `network` for an endpoint that is none. */
  constructor({ repo, endpoint, token, tokenName = "HF_TOKEN", patience, signal }: HubClientOptions) {
    this.repo = repo;
    this.#endpoint = readEndpoint(repo, endpoint);
    this.#token = token || undefined;
    this.#tokenName = tokenName;
    this.#patience = patience;
    this.#signal = signal;
  }

  /** For messages. */
  get host(): string {
    return this.#endpoint.host;
  }

  /** A path below the endpoint; each part is encoded, but for the slashes in it. */
  url(...parts: readonly string[]): URL {
    const path = parts.map((part) => part.split("/").map(encodeURIComponent).join("/")).join("/");
    return new URL(`${this.#endpoint.href.replace(/\/+$/, "")}/${path}`);
  }

  /** The JSON there. */
  async ask(url: URL): Promise<unknown> {
    return (await this.persist(() => this.#askOnce(url))).body;
  }

  /** The JSON there, then that of each page that follows. */
  async *askPages(first: URL): AsyncGenerator<unknown> {
    let url: URL | undefined = first;
    for (let page = 0; url !== undefined; page++) {
      if (page === MOST_PAGES) throw this.fail("network", `${this.host} lists its files without an end`);
      const here: URL = url;
      const { body, link } = await this.persist(() => this.#askOnce(here));
      yield body;
      url = readNextLink(link, here);
    }
  }

  /** Runs `attempt` again and again while it throws `Transient`, with patience; in the end that is an error, with what `describe` adds. */
  async persist<T>(attempt: (getsOn: () => void) => Promise<T>, describe: () => string = () => ""): Promise<T> {
    try {
      return await persist(attempt, { patience: this.#patience, signal: this.#signal, hasAnswered: () => this.#hasAnswered });
    } catch (error) {
      if (!(error instanceof Transient)) throw error;
      if (!this.#hasAnswered) throw this.fail("offline", `${this.host} cannot be reached: ${error.message}`, { cause: error });
      throw this.fail("network", `${error.message}${describe()}`, {
        cause: error,
        hint: "Call again: it goes on from what was received",
      });
    }
  }

  /** The bytes there from `from` on. Throws `Transient` for what may go well the next time. */
  async open(url: URL, from: number): Promise<Download> {
    const watch = this.#watch();
    try {
      // a compressed body has no bytes to go on from
      const headers = { "accept-encoding": "identity", ...(from > 0 ? { range: `bytes=${from}-` } : {}) };
      const response = await this.#send(url, headers, watch);
      return { response, chunks: this.#read(response, watch) };
    } catch (error) {
      watch.end();
      throw error;
    }
  }

  fail(kind: ModelErrorKind, why: string, options?: Omit<HarborErrorOptions, "exit">): ModelError {
    return new ModelError(kind, this.repo, why, options);
  }

  async #askOnce(url: URL): Promise<{ body: unknown; link: string | null }> {
    const watch = this.#watch();
    try {
      const response = await this.#send(url, { accept: "application/json" }, watch);
      const text = await response.text().catch((cause) => {
        throw this.#explainBreak(cause, watch);
      });
      return { body: this.#parse(text), link: response.headers.get("link") };
    } finally {
      watch.end();
    }
  }

  #parse(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw this.fail("network", `${this.host} does not answer as a model hub does`, {
        cause,
        hint: "Is it one? The login page of a network in between answers like this, too",
      });
    }
  }

  #watch(): Watch {
    return new Watch(this.#hasAnswered ? this.#patience.stallMs : this.#patience.contactMs, this.#signal);
  }

  /** Through redirects; the answer is a good one. */
  async #send(start: URL, headers: Record<string, string>, watch: Watch): Promise<Response> {
    let url = start;
    for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
      const response = await this.#sendOnce(url, headers, watch);
      if (response.ok) return response;
      const location = response.status >= 300 && response.status < 400 ? response.headers.get("location") : null;
      if (location === null) throw await this.#refuse(response, url);
      void response.body?.cancel();
      const next = new URL(location, url);
      if (url.protocol === "https:" && next.protocol !== "https:") {
        throw this.fail("network", `${url.host} leads from https to ${next.protocol}//${next.host}`);
      }
      url = next;
    }
    throw this.fail("network", `${start.host} leads from one address to the next without an end`);
  }

  async #sendOnce(url: URL, headers: Record<string, string>, watch: Watch): Promise<Response> {
    const hasToken = this.#token !== undefined && this.#isHub(url);
    try {
      const response = await fetch(url, {
        headers: { "user-agent": "harbor", ...headers, ...(hasToken ? { authorization: `Bearer ${this.#token}` } : {}) },
        redirect: "manual",
        signal: watch.signal,
      });
      this.#hasAnswered = true;
      watch.touch();
      return response;
    } catch (cause) {
      throw this.#explainBreak(cause, watch, url);
    }
  }

  async *#read(response: Response, watch: Watch): AsyncGenerator<Uint8Array> {
    const reader = response.body?.getReader();
    try {
      while (reader !== undefined) {
        const { done, value } = await reader.read().catch((cause) => {
          throw this.#explainBreak(cause, watch);
        });
        if (done) return;
        watch.touch();
        yield value;
      }
    } finally {
      watch.end();
      void reader?.cancel().catch(() => {});
    }
  }

  #isHub(url: URL): boolean {
    return url.origin === this.#endpoint.origin;
  }

  #refuse(response: Response, url: URL): Promise<Error> {
    return explainRefusal(response, {
      repo: this.repo,
      host: this.host,
      page: this.url(this.repo).href,
      hasToken: this.#token !== undefined,
      tokenName: this.#tokenName,
      isHub: this.#isHub(url),
      from: url.host,
    });
  }

  /** Why a request broke off: we were told to, nothing came, or the connection did. `url` where none has been made yet. */
  #explainBreak(cause: unknown, watch: Watch, url?: URL): Error {
    if (this.#signal?.aborted) return this.fail("interrupted", "interrupted", { cause });
    if (watch.isStalled) return new Transient(`nothing came for ${watch.ms / 1000} s`, { cause });
    const { code = "", message } = cause as NodeJS.ErrnoException;
    if (url === undefined) return new Transient(`the connection broke off (${code || message})`, { cause });
    if (/CERT|SELF_SIGNED|UNABLE_TO/.test(code)) {
      return this.fail("network", `the certificate of ${url.host} is not trusted (${code})`, {
        cause,
        hint: "Where a proxy of your network signs for others, name its certificate in NODE_EXTRA_CA_CERTS",
      });
    }
    return new Transient(`no connection to ${url.host} (${code || message})`, { cause });
  }
}

function readEndpoint(repo: string, text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "" || url.search !== "") {
    throw new ModelError("network", repo, "the address of the hub is none", {
      hint: "HF_ENDPOINT is a URL like https://huggingface.co, without a user, a password or a question mark",
    });
  }
  return url;
}

/** `Link: <https://…>; rel="next"`. */
function readNextLink(header: string | null, base: URL): URL | undefined {
  const [, target] = /<([^>]+)>\s*;[^,]*\brel="?next"?/i.exec(header ?? "") ?? [];
  return target === undefined ? undefined : new URL(target, base);
}
