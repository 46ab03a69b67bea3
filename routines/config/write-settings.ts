/** Changes of the configuration → each to where it belongs: secrets to the other secrets, all else into `config.env`. */
import type { WrittenValues } from "./rewrite-env-file.ts";
import { changeSecrets, storeOf, wordStore } from "./write-secrets.ts";
import { configFile, writeValues } from "./write-values.ts";

export interface WriteSettingsOptions {
  home: string;
  /** Name → its new value; undefined takes it out, wherever it is. */
  changes: ReadonlyMap<string, string | undefined>;
  isSecret: (name: string) => boolean;
}

export interface WrittenSettings extends WrittenValues {
  /** Where secrets were written, for a person. */
  store: string;
}

/** A secret that is in `config.env` moves. Throws as `writeValues` and `changeSecrets` do. */
export async function writeSettings({ home, changes, isSecret }: WriteSettingsOptions): Promise<WrittenSettings> {
  const secrets = [...changes].filter(([name]) => isSecret(name));
  const changed = secrets.length === 0 ? [] : await changeSecrets({ home, changes: new Map(secrets) });
  // first where they are to be: whoever is killed in between has the old one, which goes first
  const others = new Map([...changes].map(([name, value]) => [name, isSecret(name) ? undefined : value]));
  const written = await writeValues({ home, changes: others });
  return { file: configFile(home), changed: [...new Set([...changed, ...written.changed])], store: wordStore(home) };
}

/** What a value is in now, for a person. */
export function placeOf(name: string, { home, isSecret }: Pick<WriteSettingsOptions, "home" | "isSecret">): string {
  if (!isSecret(name)) return configFile(home);
  return storeOf(home) === "file" ? wordStore(home) : "keychain";
}
