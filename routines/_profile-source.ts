/** What `harbor profile` takes for a profile → the values that the configuration would have with it. */
import { type Configuration, checkValue, type Place } from "./_configuration.ts";
import { maskUrls } from "./_script/secret-name.ts";
import { fetchProfile, isUrl } from "./config/fetch-profile.ts";
import { isSecretKey } from "./config/list-keys.ts";
import { changesBetween } from "./config/merge-edited.ts";
import { parseEnv } from "./config/parse-env.ts";
import { findProfile, type Profile, readProfile } from "./config/profiles.ts";
import { readImport } from "./config/read-import.ts";
import { readValues } from "./config/read-values.ts";
import { applyChanges, readFileOrNothing } from "./config/rewrite-env-file.ts";
import { isPortable, type LeftOut, screenProfile } from "./config/screen-profile.ts";

/** A file's, with what it refers to filled in where it is a workspace's. */
export function readFileProfile(profile: Profile, { workspace }: Pick<Place, "workspace">): Map<string, string> {
  return readProfile(profile, readValues({ workspace, env: process.env }));
}

export interface Source {
  /** For a person. */
  name: string;
  /** The text of `config.env` with it in place of what is set; `current` is the text as it is. */
  rewrite: (current: string) => string;
  /** Of one from elsewhere: what it may not set. */
  leftOut: LeftOut[];
}

export interface OpenSourceOptions extends Pick<Configuration, "keys" | "home" | "workspace"> {
  file: string;
}

/** Throws `unknown` for a name that there is not, `usage` for a value that its key does not take, `failed` for what cannot be fetched. */
export async function openSource(word: string, options: OpenSourceOptions): Promise<Source> {
  if (isUrl(word)) return openForeign(word, options);
  const { keys, file } = options;
  const profile = findProfile(word, options.workspace);
  const wanted = readFileProfile(profile, options);
  for (const [name, value] of wanted) if (keys.has(name)) checkValue(name, value, options);
  const isKept = (name: string): boolean => isSecretKey(name, keys) && !wanted.has(name);
  // once: what is written is what was shown
  const text = profile.from === "user" && profile.file !== null ? { of: readFileOrNothing(profile.file), file: profile.file } : undefined;
  const rewrite = (current: string): string => {
    const before = parseEnv(current, { file });
    const changes = new Map([...changesBetween(before, wanted)].filter(([name]) => !isKept(name)));
    if (text === undefined) return applyChanges(current, changes, file);
    // its own comments as well
    const secrets = new Map([...before].filter(([name]) => isKept(name)));
    return applyChanges(text.of, secrets, text.file);
  };
  return { name: word, rewrite, leftOut: [] };
}

/** It sets what it may, and takes out of that what it does not set; all else stays as it is. */
async function openForeign(address: string, { keys, workspace, file }: OpenSourceOptions): Promise<Source> {
  const name = maskUrls(address).replace(/[?#].*$/s, "");
  const incoming = readImport(await fetchProfile(address), name);
  const { values, leftOut } = screenProfile({ incoming, keys, check: (key, value) => checkValue(key, value, { keys, workspace }) });
  const rewrite = (current: string): string => {
    const changes = [...changesBetween(parseEnv(current, { file }), values)].filter(([key]) => isPortable(key, keys));
    return applyChanges(current, new Map(changes), file);
  };
  return { name, rewrite, leftOut };
}
