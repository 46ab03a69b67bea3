/**
 * Whether the system's keychain is there and has this home's entry, without a look at what is in it: nothing is unlocked, nobody is
 * asked, and nothing is started for it.
 */
import { HarborError } from "../_script/error.ts";
import { SERVICE } from "./_keychain.ts";
import { askSessionBus } from "./_session-bus.ts";
import type { Env } from "./read-values.ts";

export interface ProbeOptions {
  home: string;
  env: Env;
  platform: NodeJS.Platform;
  timeoutMs: number;
}

export interface KeychainProbe {
  /** `locked`: it has the entry, and its user would be asked first; `empty`: it answers, and has none of this home. */
  state: "open" | "locked" | "empty" | "unreachable";
  /** Of one that is unreachable. */
  why?: string;
}

/** Never throws for what the keychain does. */
export async function probeKeychain(options: ProbeOptions): Promise<KeychainProbe> {
  try {
    return await (options.platform === "darwin" ? probeMac(options) : probeSecretService(options));
  } catch (error) {
    if (error instanceof HarborError) return { state: "unreachable", why: error.message.replace(/^Cannot/, "cannot") };
    throw error;
  }
}

/** https://specifications.freedesktop.org/secret-service-spec/latest/org.freedesktop.Secret.Service.html: unlocked ones, then locked ones */
async function probeSecretService({ home, env, timeoutMs }: ProbeOptions): Promise<KeychainProbe> {
  const { error, uint32 } = await askSessionBus({
    env,
    timeoutMs,
    call: {
      destination: "org.freedesktop.secrets",
      path: "/org/freedesktop/secrets",
      interface: "org.freedesktop.Secret.Service",
      member: "SearchItems",
      dictionary: { service: SERVICE, account: home },
    },
  });
  if (error !== undefined) {
    const isNobody = /\.(?:ServiceUnknown|NameHasNoOwner)$/.test(error);
    return { state: "unreachable", why: isNobody ? "no Secret Service runs in this session" : `the Secret Service says ${error}` };
  }
  if (uint32(0) > 0) return { state: "open" };
  return { state: uint32(4) > 0 ? "locked" : "empty" };
}

/** What it says without `-g` or `-w` is no secret, and it gives that without a question. */
const NOT_FOUND = 44;

async function probeMac({ home, env, timeoutMs }: ProbeOptions): Promise<KeychainProbe> {
  const argv = ["security", "find-generic-password", "-s", SERVICE, "-a", home];
  let child: Bun.Subprocess<"ignore", "ignore", "pipe">;
  try {
    child = Bun.spawn(argv, { env, stdin: "ignore", stdout: "ignore", stderr: "pipe", timeout: timeoutMs, killSignal: "SIGKILL" });
  } catch (cause) {
    throw new HarborError(`Cannot run security: ${(cause as Error).message}`, { cause });
  }
  const [exit, stderr] = await Promise.all([child.exited, new Response(child.stderr).text()]);
  if (exit === 0) return { state: "open" };
  if (exit === NOT_FOUND) return { state: "empty" };
  const why =
    child.signalCode === "SIGKILL"
      ? `security did not answer within ${timeoutMs / 1000} s`
      : stderr.trim() || `security ended with ${exit}`;
  return { state: "unreachable", why };
}
