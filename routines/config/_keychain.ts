/**
 * The system's keychain, as Bun speaks to it: Keychain Services, the Secret Service of a Linux session (gnome-keyring, KWallet,
 * KeePassXC). One entry for each home, with all of its secrets: whole at any time, and one question where the system asks its user.
 * https://bun.com/docs/runtime/secrets
 */
import { HarborError } from "../_script/error.ts";

/** What its entries are called; the account is the home. */
export const SERVICE = "harbor";

/** By name. Throws `missing` where the keychain does not answer, or has not what it should: it may be locked, or another user's. */
export async function fetchSecrets(home: string, names: readonly string[]): Promise<Map<string, string>> {
  const text = await ask("read", () => Bun.secrets.get({ service: SERVICE, name: home }));
  const values = text === null ? new Map<string, string>() : parse(text);
  const lost = names.filter((name) => !values.has(name));
  if (lost.length === 0) return values;
  throw new HarborError(`Cannot read ${lost.join(", ")} from the keychain: it has no such entry for "${home}"`, {
    exit: "missing",
    hint: HINT,
  });
}

/** All of a home's in place of what was there; none takes the entry away. */
export async function storeSecrets(home: string, values: ReadonlyMap<string, string>): Promise<void> {
  const entry = { service: SERVICE, name: home };
  if (values.size === 0) await ask("change", () => Bun.secrets.delete(entry));
  else await ask("change", () => Bun.secrets.set({ ...entry, value: JSON.stringify(Object.fromEntries(values)) }));
}

function parse(text: string): Map<string, string> {
  try {
    return new Map(Object.entries(JSON.parse(text) as Record<string, string>));
  } catch (cause) {
    throw new HarborError("Cannot read the keychain: the entry of Harbor is not as Harbor writes it", { cause, hint: HINT });
  }
}

async function ask<T>(what: string, question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (cause) {
    throw new HarborError(`Cannot ${what} the keychain: ${(cause as Error).message}`, { exit: "missing", cause, hint: HINT });
  }
}

const HINT =
  process.platform === "linux"
    ? "It takes libsecret, and a Secret Service that is unlocked in this session (gnome-keyring, KWallet, KeePassXC); over ssh and at a start by itself there is none as a rule: `harbor secrets store file` keeps them in a file instead, `--forget` where those in the keychain are lost"
    : "Unlock it; `harbor secrets store file` keeps them in a file instead, `--forget` where those in the keychain are lost";
