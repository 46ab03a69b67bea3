/** `templates/autostart/<name>` with its `{{…}}` filled in. */
import { join } from "node:path";
import { programRoot } from "../_script/program-root.ts";
import { readText } from "../_script/read-text.ts";

/** Values are written as they are: each must be escaped for its place. A line of its own goes where its value is empty. */
export function fillTemplate(name: string, values: Readonly<Record<string, string>>): string {
  const text = readText(join(programRoot(), "templates", "autostart", name), "template");
  return text.replace(/^\{\{(\w+)\}\}\n|\{\{(\w+)\}\}/gm, (place, line: string | undefined, word: string | undefined) => {
    const value = values[line ?? word ?? ""];
    if (value === undefined) throw new Error(`nothing fills in ${place} of the template ${name}`);
    return line === undefined || value === "" ? value : `${value}\n`;
  });
}
