/**
 * Text of others' making on a person's terminal: names of files that containers wrote, what a registry or a server says. What
 * would command the terminal, or show the text in another order than it has, shows as `�`; so does what ends a line.
 */

/** C1 is among them: what some terminals take for ESC [ is one character there. */
const COMMANDS = /[\p{Cc}\p{Bidi_Control}]/gu;

export function printable(text: string): string {
  return text.replace(COMMANDS, "\ufffd");
}

/** Of several lines, the colours that a program gave them taken off. */
export function printableLines(text: string): string {
  return Bun.stripANSI(text)
    .replaceAll("\r\n", "\n")
    .replace(COMMANDS, (character) => (character === "\n" || character === "\t" ? character : "\ufffd"));
}
