/** Harbor on a terminal, where something is typed each time it asks. */
import { join } from "node:path";
import { checkout, type Sandbox } from "./_sandbox.ts";

/** Each question, by how what is on the screen ends, and what is typed then. `text` is all that was on the screen. */
export async function onTerminal(
  box: Sandbox,
  words: string[],
  answers: [question: RegExp, answer: string][],
  env: Record<string, string> = {},
): Promise<{ exit: number; text: string }> {
  const open = [...answers];
  let text = "";
  const child = Bun.spawn([join(checkout, "bin/harbor"), ...words], {
    cwd: box.root,
    env: { ...box.env, ...env },
    terminal: {
      cols: 120,
      rows: 20,
      data: (terminal, bytes) => {
        text += new TextDecoder().decode(bytes);
        const [question, answer] = open[0] ?? [];
        if (question === undefined || answer === undefined || !question.test(text)) return;
        open.shift();
        terminal.write(answer);
      },
    },
  });
  const exit = await child.exited;
  child.terminal?.close();
  return { exit, text };
}
