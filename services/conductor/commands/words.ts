/**
 * What may stand where the cursor is, for completion: components, state keys, alerts, rules of the conductor that runs. A word a line, and
 * nothing where it does not answer at once; no engine, no keychain and no supervisor is asked.
 *
 *   bun services/conductor/commands/words.ts components sher
 */
import { MASK } from "../../../routines/_script/secret-name.ts";
import { readValues } from "../../../routines/config/read-values.ts";
import { currentStack } from "../../../routines/stack/current-stack.ts";
import { findStackWorkspace } from "../../../routines/stack/find-stack-workspace.ts";
import { Operator } from "../client/operator.ts";
import { trustConfigured } from "./trust-configured.ts";

const PATIENCE_MS = 250;
const MOST = 1_000;

const WORDS: Readonly<Record<string, (conductor: Operator, begins: string) => Promise<readonly string[]>>> = {
  components: async (conductor) => (await conductor.services({ limit: MOST })).flatMap((it) => [it.component, it.component_id]),
  ids: async (conductor) => (await conductor.services({ limit: MOST })).map((it) => it.component_id),
  targets: async (conductor) =>
    (await conductor.services({ limit: MOST })).flatMap((it) => [it.component, it.component_id, ...it.capabilities]),
  capabilities: async (conductor) => (await conductor.services({ limit: MOST })).flatMap((it) => it.capabilities),
  keys: async ({ state }, begins) => (await state.list(begins, { limit: MOST })).map(({ key }) => key),
  alerts: async (conductor) => (await conductor.alerts()).alerts.map((it) => it.alert_name),
  rules: async (conductor) => (await conductor.accessRules()).rules.map((it) => it.from),
};

const [kind = "", begins = ""] = process.argv.slice(2);
const { home, record } = currentStack(process.env);
const url = record?.planned.find(({ handle }) => handle === "conductor")?.urls[0];
const ask = WORDS[kind];
if (url !== undefined && ask !== undefined) {
  const { workspace } = findStackWorkspace({ home, record });
  const values = readValues({ workspace, env: process.env });
  const token = values.get("HARBOR_CONDUCTOR_TOKEN") ?? "";
  const trust = await trustConfigured(url, values);
  const conductor = new Operator({ url, token: token === MASK ? "" : token, trust, signal: AbortSignal.timeout(PATIENCE_MS) });
  const words = await ask(conductor, begins).catch(() => []);
  process.stdout.write([...new Set(words)].map((word) => `${word}\n`).join(""));
}
