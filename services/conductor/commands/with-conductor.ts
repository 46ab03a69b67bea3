/** Where the conductor is and how it is asked, for the subcommands of `harbor conductor`; what it refuses, in Harbor's words. */
import { emitLine } from "../../../routines/_script/emit.ts";
import { HarborError } from "../../../routines/_script/error.ts";
import { listenForInterrupt } from "../../../routines/_script/interrupt.ts";
import { nearest } from "../../../routines/_script/nearest.ts";
import { endWith } from "../../../routines/_script/script.ts";
import { openSecrets } from "../../../routines/config/read-secrets.ts";
import { readValues, type Values } from "../../../routines/config/read-values.ts";
import { currentStack } from "../../../routines/stack/current-stack.ts";
import { findStackWorkspace } from "../../../routines/stack/find-stack-workspace.ts";
import { findUrls } from "../../../routines/stack/find-urls.ts";
import { warn } from "../../../routines/stack/say.ts";
import { ConductorClientError, isThisHost } from "../client/http.ts";
import { Operator, type OperatorOptions } from "../client/operator.ts";
import type { Subscription } from "../client/stream.ts";
import { trustConfigured } from "./trust-configured.ts";

/** What completion asks of the conductor that runs. */
export const wordsOf = (kind: string) => ({ program: "services/conductor/commands/words.ts", words: [kind] }) as const;

/** Spread into the `args` of every subcommand. */
export const whereArgs = {
  url: { type: "string", description: "Another conductor than the one that Harbor runs", valueHint: "URL" },
  "token-from-env": { type: "string", description: "Its token is in this variable", valueHint: "NAME" },
} as const;

export interface Where {
  readonly url: string | undefined;
  readonly "token-from-env": string | undefined;
}

/** Ends quietly with 130 on Ctrl-C. Throws `unknown` where none is up. */
export async function withConductor(where: Where, work: (conductor: Operator) => Promise<void>): Promise<void> {
  using interrupt = listenForInterrupt();
  const { signal } = interrupt;
  try {
    await work(new Operator({ ...(await findConductor(where)), signal, onProblem: (error) => warn([(error as Error).message]) }));
    if (signal.aborted) endWith(130);
  } catch (error) {
    if (signal.aborted) return endWith(130);
    throw error instanceof ConductorClientError ? asHarborError(error) : error;
  }
}

/**
 * Until it is refused, Ctrl-C, or nobody reads what is printed any more (`| head`); what is wrong with the place or the token is said at
 * once, before the stream tries again for ever.
 */
export async function follow(conductor: Operator, open: (print: (line: string) => void) => Subscription): Promise<void> {
  await conductor.services({ limit: 1 });
  const unread = Promise.withResolvers<void>();
  using stream = open((line) => emitLine(line) || unread.resolve());
  const ended = new Promise<void>((resolve) => conductor.signal.addEventListener("abort", () => resolve()));
  const refused = new Promise<never>((_, reject) => {
    stream.ready.catch(reject);
  });
  await Promise.race([ended, refused, unread.promise]);
}

async function findConductor(where: Where): Promise<Pick<OperatorOptions, "url" | "token" | "trust">> {
  const named = where["token-from-env"] === undefined ? undefined : tokenIn(where["token-from-env"]);
  const url = where.url === undefined ? await findRunning() : checkUrl(where.url, named !== undefined);
  // another one is none of this host's configuration
  if (named !== undefined && where.url !== undefined && !isThisHost(url)) return { url, token: named };
  const values = await readConfigured();
  return { url, token: named ?? values.get("HARBOR_CONDUCTOR_TOKEN") ?? "", trust: await trustConfigured(url, values) };
}

/** Without what stands after its path. */
function checkUrl(url: string, hasToken: boolean): string {
  const parsed = URL.parse(url);
  if (parsed === null || !["http:", "https:"].includes(parsed.protocol)) {
    throw new HarborError(`Cannot ask the conductor at "${url}": it is no URL`, {
      exit: "usage",
      hint: "Write it like http://127.0.0.1:8888",
    });
  }
  if (parsed.password !== "" || parsed.username !== "") {
    throw new HarborError("Cannot use a URL with a password in it: others could read it in the list of processes", { exit: "usage" });
  }
  if (!hasToken && !isThisHost(url)) {
    throw new HarborError(`Cannot send this host's token to ${parsed.host}: it may be somebody else's`, {
      exit: "usage",
      hint: "Say which token is meant: --token-from-env NAME",
    });
  }
  return parsed.origin + parsed.pathname;
}

function tokenIn(name: string): string {
  const token = process.env[name] ?? "";
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new HarborError(`Cannot take a token from the variable ${name}: it is empty, or has what no header can have`, { exit: "usage" });
}

async function findRunning(): Promise<string> {
  try {
    const { urls } = await findUrls({ env: process.env, handle: "conductor", kind: "local" });
    return urls[0]?.url ?? "";
  } catch (error) {
    if (!(error instanceof HarborError) || error.exit !== "unknown") throw error;
    const { details } = error;
    throw new HarborError("Cannot ask the conductor: it is not up", {
      exit: "unknown",
      details,
      hint: "Start it: harbor up conductor; another one is named by --url",
    });
  }
}

async function readConfigured(): Promise<Values> {
  const { home, record } = currentStack(process.env);
  await openSecrets(home);
  const { workspace } = findStackWorkspace({ home, record });
  return readValues({ workspace, env: process.env });
}

type Exit = NonNullable<ConstructorParameters<typeof HarborError>[1]>["exit"];

/** What is not here has failed. */
const EXITS: Readonly<Record<string, Exit>> = {
  unknown_component: "unknown",
  unknown_key: "unknown",
  unknown_alert: "unknown",
  unknown_rule: "unknown",
  upstream_timeout: "timeout",
  invalid_request: "usage",
  bad_condition: "usage",
  token_required: "missing",
  unknown_token: "missing",
};

function asHarborError({ code, message, hint, details, cause }: ConductorClientError): HarborError {
  const exit = EXITS[code] ?? "failed";
  const { pointer, reason } = details;
  const more = [pointer, reason].flatMap((it) => (typeof it === "string" ? it.split("\n") : []));
  const guess = guessOf(message, details.known);
  const next = nextStep(code, cause) ?? hint;
  return new HarborError(`${message}${guess === undefined ? "" : `; did you mean "${guess}"?`}`, {
    exit,
    cause,
    details: more,
    ...(next === undefined ? {} : { hint: next }),
  });
}

/** The conductor's hints are for those who ask it over HTTP. */
function nextStep(code: string, cause: unknown): string | undefined {
  if (isDistrusted(cause)) return "Put those that signed its certificate after it into the file, or name theirs: NODE_EXTRA_CA_CERTS=FILE";
  if (code === "unreachable") return "See whether it is well: harbor ps conductor";
  if (code === "token_required" || code === "unknown_token") {
    return "The configured token is harbor config get conductor.token; --token-from-env NAME takes another";
  }
  if (code === "unknown_component") return "harbor conductor ls shows who is registered";
  if (code === "no_responder") return "harbor conductor send leaves a message that waits for it";
  return undefined;
}

/** As OpenSSL and Node name what is wrong with a certificate. */
function isDistrusted(cause: unknown): boolean {
  return /CERT|_SIGNATURE/.test((cause as { code?: string } | undefined)?.code ?? "");
}

/** What was typed stands in quotes in the message; ids are known by their names as well. */
function guessOf(message: string, known: unknown): string | undefined {
  const typed = /"([^"]+)"/.exec(message)?.[1];
  if (typed === undefined || !Array.isArray(known)) return undefined;
  const names = known.filter((it): it is string => typeof it === "string");
  return nearest(typed, [...names, ...names.map((it) => it.replace(/-\d+$/, ""))]);
}
