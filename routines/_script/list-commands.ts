/** A table of commands → a line for each, with what it does; imports them all. */
import type { Command, CommandTable } from "./command.ts";

/** `width`: of the names' column, where several tables stand below each other. */
export async function listCommands(table: CommandTable, width?: number): Promise<string[]> {
  const names = Object.keys(table);
  const columns = width ?? Math.max(...names.map((name) => name.length));
  const lines: string[] = [];
  for (const name of names) {
    const { command } = (await (table[name] as () => Promise<{ command: unknown }>)()) as { command: Command };
    lines.push(`  ${name.padEnd(columns)}  ${command.meta.description}`);
  }
  return lines;
}
