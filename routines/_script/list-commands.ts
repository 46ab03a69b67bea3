/** A table of commands → a line for each, with what it does; imports them all. */
import type { Command, CommandTable } from "./command.ts";

export async function listCommands(table: CommandTable): Promise<string[]> {
  const names = Object.keys(table);
  const width = Math.max(...names.map((name) => name.length));
  const lines: string[] = [];
  for (const name of names) {
    const { command } = (await (table[name] as () => Promise<{ command: unknown }>)()) as { command: Command };
    lines.push(`  ${name.padEnd(width)}  ${command.meta.description}`);
  }
  return lines;
}
