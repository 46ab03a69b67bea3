/** A launchd agent for what is to start, and what one says. */
import { HarborError } from "../_script/error.ts";
import type { Entry, WrittenEntry } from "./_entry.ts";
import { fillTemplate } from "./_fill-template.ts";

export interface AgentPlace {
  label: string;
  /** Where its output goes: launchd keeps none. */
  log: string;
}

/** Throws for a value that no property list can hold. */
export function renderAgent(entry: Entry, { label, log }: AgentPlace): string {
  const environment = Object.entries({ HARBOR_HOME: entry.home, ...entry.environment });
  return fillTemplate("launchd.plist", {
    label: escapeXml(label),
    log: escapeXml(log),
    up: [entry.launcher, ...entry.up].map((word) => `    <string>${escapeXml(word)}</string>`).join("\n"),
    environment: environment
      .map(([name, value]) => `    <key>${escapeXml(name)}</key>\n    <string>${escapeXml(value)}</string>`)
      .join("\n"),
    directory: entry.directory === undefined ? "" : `  <key>WorkingDirectory</key>\n  <string>${escapeXml(entry.directory)}</string>`,
  });
}

/** Undefined where it has no command. */
export function readAgent(text: string): WrittenEntry | undefined {
  const list = /<key>ProgramArguments<\/key>\s*<array>([\s\S]*?)<\/array>/.exec(text)?.[1];
  const command = [...(list ?? "").matchAll(/<string>([^<]*)<\/string>/g)].map(([, word = ""]) => unescapeXml(word));
  return command.length === 0 ? undefined : { command };
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** XML has no way at all to write most control characters. */
function escapeXml(text: string): string {
  if (/[\p{Cc}\p{Cs}\ufffe\uffff]/u.test(text))
    throw new HarborError(`Cannot write ${JSON.stringify(text)} into a property list: it holds a control character`);
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}

function unescapeXml(text: string): string {
  return text.replace(/&(?:amp|lt|gt|quot);/g, (entity) => Object.keys(ENTITIES).find((key) => ENTITIES[key] === entity) ?? entity);
}
