/**
 * What a profile that comes from elsewhere may set: values that can say nothing but a number, a choice, or the name of a model or
 * a service. Not what names a file, a program, an image, an address, a URL or options of a program, nor what decides whether a
 * service runs in a container and what it listens on; never a secret, which whoever wrote the profile would know.
 */
import { HarborError } from "../_script/error.ts";
import { isSecretKey, type Key } from "./list-keys.ts";
import { variableOf } from "./name-variable.ts";

export interface Screened {
  /** By variable. */
  values: Map<string, string>;
  leftOut: LeftOut[];
}

export interface LeftOut {
  key: string;
  reason: string;
}

export interface ScreenProfileOptions {
  /** As they stand in it. */
  incoming: ReadonlyMap<string, string>;
  keys: ReadonlyMap<string, Key>;
  /** Throws for a value that its key does not take. */
  check: (name: string, value: string) => void;
}

/** Nothing in it is a reason to fail: what may not be set is left out, and told. */
export function screenProfile({ incoming, keys, check }: ScreenProfileOptions): Screened {
  const screened: Screened = { values: new Map(), leftOut: [] };
  for (const [typed, value] of incoming) {
    const name = /^[A-Za-z_][\w.-]*$/.test(typed) ? variableOf(typed) : "";
    const known = keys.get(name);
    const reason =
      known === undefined ? "no service of this workspace declares it" : (refuse(known, value, keys) ?? wrong(name, value, check));
    if (reason === undefined) screened.values.set(name, value);
    else screened.leftOut.push({ key: known?.key ?? JSON.stringify(typed), reason });
  }
  return screened;
}

/** Whether a profile from elsewhere may set it, or take it out. */
export function isPortable(name: string, keys: ReadonlyMap<string, Key>): boolean {
  return keys.get(name)?.declared?.isPortable === true && !isSecretKey(name, keys);
}

/** Names of models and services, lists of them: nothing that a command line would take apart, no option, no path out of a folder. */
const PLAIN = /^(?:[A-Za-z0-9](?:[\w./:@+,;-]*)|-?\d+[a-z]*|)$/;

function refuse({ name, declared }: Key, value: string, keys: ReadonlyMap<string, Key>): string | undefined {
  if (isSecretKey(name, keys)) return "a secret that comes from elsewhere is known elsewhere";
  if (declared === undefined) return "no service of this workspace declares it";
  if (!declared.isPortable) return "it can name a file, a program, an address or options, or decide what runs where";
  if (!PLAIN.test(value) || value.includes("..") || value.includes("://")) return "its value is more than a number, a choice or a name";
  return undefined;
}

function wrong(name: string, value: string, check: ScreenProfileOptions["check"]): string | undefined {
  try {
    check(name, value);
    return undefined;
  } catch (error) {
    if (!(error instanceof HarborError)) throw error;
    return error.message;
  }
}
