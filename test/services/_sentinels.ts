/** A value that nothing else has for every secret of the catalogue, and who of its services may have each. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isSecretKey, listKeys } from "../../routines/config/list-keys.ts";
import { handleOf } from "../../routines/config/name-variable.ts";
import { findWorkspace } from "../../routines/workspace/find-workspace.ts";
import { type CatalogueFile, isCapability, readCatalogue } from "./_catalogue.ts";

export const catalogue = readCatalogue();
export const handles = catalogue.map(({ handle }) => handle);

/** Variable → its sentinel. */
export type Sentinels = ReadonlyMap<string, string>;

const OWN = "OWN_TOKEN";

/** Sets every secret that there is, and gives each service one of its own by `harbor env`. */
export function setSentinels(home: string): Sentinels {
  mkdirSync(join(home, "env"), { recursive: true });
  const keys = listKeys({ workspace: findWorkspace({ home, cwd: home }) });
  const names = [...keys.keys()].filter((name) => isSecretKey(name, keys));
  const found = new Map(names.map((name) => [name, `sentinel-of-${name}-`]));
  writeFileSync(join(home, "secrets.env"), [...found].map(([name, value]) => `${name}=${value}\n`).join(""));
  for (const handle of handles) {
    found.set(`${OWN}@${handle}`, `sentinel-of-${OWN}@${handle}-`);
    writeFileSync(join(home, "env", `${handle}.env`), `${OWN}=sentinel-of-${OWN}@${handle}-\n`);
  }
  // a condition of another secret's
  writeFileSync(join(home, "config.env"), "HARBOR_WEBUI_ADMIN_EMAIL=me@example.com\n");
  return found;
}

/** Those in a text. */
export function sentinelsIn(text: string, sentinels: Sentinels): string[] {
  return [...sentinels].filter(([, value]) => text.includes(value)).map(([name]) => name);
}

/**
 * A service may have its own secrets; of another that is selected those which a cross file of the two names; of those that belong
 * to no service what its own files name.
 */
export function mayHave(handle: string, name: string, selected: readonly string[]): boolean {
  const [variable = "", receiver] = name.split("@");
  if (receiver !== undefined) return receiver === handle;
  const owner = handleOf(variable, handles);
  if (owner === handle) return true;
  const names = (file: CatalogueFile): boolean => new RegExp(`\\b${variable}\\b`).test(file.text);
  const own = catalogue.find((folder) => folder.handle === handle);
  const services = (file: CatalogueFile): string[] => file.parts.filter((part) => !isCapability(part));
  if (owner === undefined) return own?.files.some((file) => services(file).length === 1 && names(file)) ?? false;
  return own?.crosses.some((file) => services(file).includes(owner) && selected.includes(owner) && names(file)) ?? false;
}
