/** The coding tools that Harbor knows, and which of them this host has. One file each beside this one, with where its facts are from. */
import { HarborError } from "../_script/error.ts";
import { nearest } from "../_script/nearest.ts";
import { aichat } from "./_aichat.ts";
import { aider } from "./_aider.ts";
import { claude } from "./_claude.ts";
import { cline } from "./_cline.ts";
import { codex } from "./_codex.ts";
import { continueCli } from "./_continue.ts";
import { copilot } from "./_copilot.ts";
import { crush } from "./_crush.ts";
import { droid } from "./_droid.ts";
import { gemini } from "./_gemini.ts";
import { goose } from "./_goose.ts";
import { gptme } from "./_gptme.ts";
import { llm } from "./_llm.ts";
import { mods } from "./_mods.ts";
import { opencode } from "./_opencode.ts";
import { openhands } from "./_openhands.ts";
import { pi } from "./_pi.ts";
import { qwen } from "./_qwen.ts";
import type { Tool } from "./tool.ts";

/** By name. */
export const TOOLS: readonly Tool[] = [
  ...[aichat, aider, claude, cline, continueCli, codex, copilot, crush, droid],
  ...[gemini, goose, gptme, llm, mods, opencode, openhands, pi, qwen],
].sort((a, b) => (a.name < b.name ? -1 : 1));

/** By its name or another word for it. Throws `unknown` with the nearest. */
export function findTool(word: string): Tool {
  const tool = TOOLS.find(({ name, aliases = [] }) => name === word || aliases.includes(word));
  if (tool !== undefined) return tool;
  const guess = nearest(
    word,
    TOOLS.flatMap(({ name, aliases = [] }) => [name, ...aliases]),
  );
  throw new HarborError(
    `Cannot launch "${word}": no tool of that name is known${guess === undefined ? "" : `; did you mean "${guess}"?`}`,
    {
      exit: "unknown",
      hint: "Run `harbor launch` to see them all",
    },
  );
}

/** Where its program is; null where it is not installed. */
export function findProgram({ program }: Tool, path: string): string | null {
  return Bun.which(program, { PATH: path });
}

export function notInstalled({ title, program, install, docs }: Tool): HarborError {
  return new HarborError(`Cannot launch ${title}: "${program}" is not installed, or not on PATH`, {
    exit: "missing",
    hint: `Install it: ${install} (${docs})`,
  });
}
