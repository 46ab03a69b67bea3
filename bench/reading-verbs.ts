/** The verbs that only look, as the package has them, against the shortest start of bun, and where they ask the engine against `docker ps` as well. */
import { dirname, join } from "node:path";
import { type Comparison, emptyStart, type Figure, type FigureContext, ownHome } from "./_figure.ts";
import type { Sample } from "./_measure.ts";
import { unpackPackage } from "./unpack-package.ts";

const TIMES_EMPTY_START = 5;

/** One line of each. */
const LINES = [
  "version",
  "help",
  "ls",
  "info ollama",
  "find webui",
  "history",
  "how gpu",
  "stats --json",
  "top --json",
  "env webui",
  "config ls",
  "config get ollama.version",
  "config search version",
  "defaults ls",
  "volumes webui",
  "alias ls",
  "secrets ls",
  "profile ls",
  "models ls",
  "launch",
  "completion bash",
];

/** What can only be told by asking the engine. */
const ENGINE_LINES = ["ps", "url", "logs", "size"];

const nameOf = (line: string): string => `read-${line.replaceAll(/\W+/g, "-")}`;

function harbor(context: FigureContext, words: readonly string[]): Sample {
  const env = { ...ownHome(context), PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
  return { label: `harbor ${words.join(" ")}`, command: [join(unpackPackage(context), "bin/harbor"), ...words], cwd: context.scratch, env };
}

function againstEngine(context: FigureContext, line: string): Comparison | string {
  const docker: Sample = { label: "docker ps", command: ["docker", "ps"] };
  if (Bun.spawnSync([...docker.command], { stdout: "ignore", stderr: "ignore" }).exitCode !== 0) return "no engine answers";
  const floor = [
    { sample: docker, times: 1.5 },
    { sample: emptyStart, times: TIMES_EMPTY_START },
  ];
  return { subject: harbor(context, line.split(" ")), floor };
}

export const figures: Figure[] = [
  ...LINES.map(
    (line): Figure => ({
      name: nameOf(line),
      title: `${line}, built package / bun -e 0`,
      limit: TIMES_EMPTY_START,
      runs: 20,
      prepare: async (context) => ({ subject: harbor(context, line.split(" ")), floor: emptyStart }),
    }),
  ),
  ...ENGINE_LINES.map(
    (line): Figure => ({
      name: nameOf(line),
      title: `${line}, built package / 1.5 docker ps + ${TIMES_EMPTY_START} bun -e 0`,
      limit: 1,
      runs: 20,
      prepare: async (context) => againstEngine(context, line),
    }),
  ),
];
