/** The configuration as it is shown: tables, with secrets masked. */
import { formatPlace } from "../_script/error.ts";
import { MASK, maskSecret } from "../_script/secret-name.ts";
import { table } from "../_script/table.ts";
import { shortType } from "./check-setting.ts";
import { type DescribedKey, describeKey, isSecretKey, type Key } from "./list-keys.ts";
import type { Setting } from "./list-settings.ts";

type Keys = ReadonlyMap<string, Key>;

/** A value as it may be shown. */
export function maskValue(name: string, value: string, keys: Keys): string {
  return maskSecret(name, value, isSecretKey(name, keys));
}

export function maskSettings(settings: readonly Setting[], keys: Keys, showsSecrets: boolean): Setting[] {
  if (showsSecrets) return [...settings];
  return settings.map((it) => ({ ...it, value: it.value && maskValue(it.name, it.value, keys), default: maskDefault(it, keys) }));
}

/** A declared secret's default is one as well. */
function maskDefault({ name, default: text }: Setting, keys: Keys): string | null {
  return text && keys.get(name)?.declared?.isSecret ? MASK : text;
}

/** With `keys` also the type and the description of each. */
export function renderSettings(settings: readonly Setting[], keys?: Keys): string {
  if (settings.length === 0) return "";
  const head = ["KEY", "VALUE", "SET IN", ...(keys === undefined ? [] : ["TYPE", "DESCRIPTION"])];
  const rows = settings.map((it) => {
    const row = [it.key, JSON.stringify(it.value ?? "").slice(1, -1), it.origin];
    if (keys === undefined) return row;
    const declared = keys.get(it.name)?.declared;
    return [...row, declared === undefined ? "text" : shortType(declared), declared?.description ?? ""];
  });
  return table([head, ...rows]).join("\n");
}

/** A setting with what its folder says of it, as JSON has it. */
export type DescribedSetting = Setting & Partial<Omit<DescribedKey, keyof Setting>>;

export function withDeclaration(setting: Setting, keys: Keys): DescribedSetting {
  const known = keys.get(setting.name);
  return known === undefined ? setting : { ...describeKey(known), ...setting };
}

/** Of folders whose declarations say what cannot be: their keys are texts like any other. */
export function problemsOf(keys: Keys): string[] {
  const problems = [...keys.values()].flatMap(({ problem }) => problem ?? []);
  return problems.map(({ at, message }) => (at === undefined ? message : `${formatPlace(at)}: ${message}`));
}
