/** Credentials that services' folders have made for them: random, of letters and digits, and kept with the user's other secrets. */
import type { ServiceFile } from "../workspace/list-files.ts";
import { generatedKeys } from "./generated-keys.ts";
import type { Generate } from "./read-declarations.ts";
import type { Values } from "./read-values.ts";
import { changeSecrets } from "./write-secrets.ts";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** 5.95 bits a character; a URL, a shell and YAML take it as it is. */
export function randomSecret({ length, prefix }: Pick<Generate, "length" | "prefix">): string {
  let text = "";
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      // beyond the last multiple of 62 the first letters would come more often
      if (byte < 248 && text.length < length) text += LETTERS[byte % LETTERS.length];
    }
  }
  return `${prefix}${text}`;
}

/** Makes those that are set nowhere; an empty value is one, that of who wants none. Gives the keys as their folders write them. */
export async function makeCredentials({
  home,
  files,
  values,
}: {
  home: string;
  files: readonly Pick<ServiceFile, "kind" | "path">[];
  values: Values;
}): Promise<string[]> {
  const missing = generatedKeys(files, values).filter(({ name }) => values.find(name) === undefined);
  if (missing.length === 0) return [];
  // whoever was here first has made them
  const changes = (there: ReadonlyMap<string, string>): Map<string, string> =>
    new Map(missing.filter(({ name }) => !there.has(name)).map(({ name, generate }) => [name, randomSecret(generate)]));
  await changeSecrets({ home, changes });
  return missing.map(({ name, source }) => source?.key ?? name);
}
