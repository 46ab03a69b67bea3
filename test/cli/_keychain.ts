/** A real keychain of a test's own: gnome-keyring on a session bus, unlocked, with its data in a folder that is given. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Result, resultOf } from "../_process.ts";
import { readUntil } from "./_sandbox.ts";

const PROGRAMS = ["dbus-run-session", "dbus-send", "gnome-keyring-daemon", "secret-tool"];

/** Why there is none; throws instead where `HARBOR_E2E` is `required`, as in CI. */
export function keychainMissing(): string | undefined {
  if (process.platform !== "linux") return "the Secret Service is Linux's";
  const missing = PROGRAMS.filter((program) => Bun.which(program) === null);
  if (missing.length === 0) return undefined;
  const why = `${missing.join(", ")} missing (Debian: dbus-daemon, gnome-keyring, libsecret-tools)`;
  if (process.env.HARBOR_E2E === "required") throw new Error(`Cannot test the keychain: ${why}`);
  return why;
}

export interface Keychain extends AsyncDisposable {
  /** For whoever is to reach it. */
  env: Record<string, string>;
  /** What it has under these; empty for nothing. */
  lookup: (account: string) => Promise<string>;
  /** From now on whoever wants something of it is asked for its password, and there is nobody who could be. */
  lock: () => Promise<void>;
}

const LOCK = ["/org/freedesktop/secrets", "org.freedesktop.Secret.Service.Lock", "array:objpath:/org/freedesktop/secrets/collection/login"];

/** `isUnlocked` false: nobody has ever made a keyring, and nobody can be asked for its password. */
export async function startKeychain(folder: string, { isUnlocked = true } = {}): Promise<Keychain> {
  const home = join(folder, "keychain");
  const runtime = join(folder, "run");
  mkdirSync(home, { recursive: true });
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  const env = { HOME: home, XDG_RUNTIME_DIR: runtime };
  const unlock = "printf test | gnome-keyring-daemon --unlock --components=secrets >/dev/null && ";
  const script = `${isUnlocked ? unlock : ""}echo "bus $DBUS_SESSION_BUS_ADDRESS" && exec cat`;
  const session = Bun.spawn(["dbus-run-session", "--", "sh", "-c", script], {
    env: { PATH: process.env.PATH ?? "", ...env },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  const [, address = ""] = await readUntil(session.stdout, /^bus (\S+)$/m);
  const reach = { DBUS_SESSION_BUS_ADDRESS: address, XDG_RUNTIME_DIR: runtime };
  const ask = async (argv: string[]): Promise<Result> =>
    resultOf(Bun.spawn(argv, { env: { PATH: process.env.PATH ?? "", ...env, ...reach }, stdin: "ignore", stdout: "pipe", stderr: "pipe" }));
  return {
    env: reach,
    lookup: async (account) => (await ask(["secret-tool", "lookup", "service", "harbor", "account", account])).stdout,
    async lock() {
      const { exit, stderr } = await ask(["dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.secrets", ...LOCK]);
      if (exit !== 0) throw new Error(`Cannot lock the keychain: ${stderr}`);
    },
    async [Symbol.asyncDispose]() {
      session.stdin.end(); // the session ends with its program, and the keyring with its bus
      await session.exited;
    },
  };
}
