import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type ArgSpecs, type CommandTable, defineCommand } from "../../../routines/_script/command.ts";
import { INDEX_FILE, indexHelp } from "../../../routines/help/_help-index.ts";
import { describeProgram } from "../../../routines/help/describe-commands.ts";
import { type Answer, searchHelp } from "../../../routines/help/search-help.ts";

let root: string;

const make =
  (name: string, description: string, args: ArgSpecs = {}, examples: string[] = []) =>
  async () => ({
    command: defineCommand({ meta: { name, description, examples }, args, run: () => undefined }),
  });
const verbs: CommandTable = {
  up: make("up", "Start services", {}, ["harbor up", "harbor up webui    With a browser"]),
  down: make("down", "Stop services", {}, ["harbor down"]),
  logs: make("logs", "Show what services print", { since: { type: "string", description: "Nothing older than a time" } }, ["harbor logs"]),
};

const PAGE = `# Guide

Before any section.

## Graphics cards

A service that runs natively has the card
directly. In a container it needs the **toolkit**; see [elsewhere](x.md).

\`\`\`sh
# not a heading: penguin
harbor up -x ollama     # the card is there
\`\`\`

| key | meaning |
|---|---|
| \`HARBOR_CARD\` | which card, a pelican |

## Locks

Only one command at a time; \`harbor config ls\` needs none.
`;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "harbor-search-"));
  const files: Record<string, string> = {
    "docs/guide.md": PAGE,
    "docs/adr/0001-why.md": "# Why a walrus\n\nwalrus walrus\n",
    "home/services/zebra/compose.zebra.yml":
      "x-harbor: { name: Zebra, description: Draws stripes, tags: [art] }\nservices:\n  zebra: { image: z }\n",
    "home/services/broken/compose.broken.yml": "services: [\n",
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
});
afterAll(() => rmSync(root, { recursive: true }));

const search = (words: string): Promise<Answer[]> => searchHelp({ words, verbs, home: join(root, "home"), root });
const first = async (words: string): Promise<Answer | undefined> => (await search(words))[0];

describe("searchHelp", () => {
  test("finds a section by its heading, with its place, the sentence that answers and a line to try", async () => {
    expect(await first("graphics container toolkit")).toEqual({
      kind: "page",
      title: "Guide: Graphics cards",
      file: join(root, "docs/guide.md"),
      line: 5,
      text: "In a container it needs the toolkit; see elsewhere.",
      try: "harbor up -x ollama",
      score: expect.any(Number),
    });
  });

  test.each([
    ["what runs natively", "A service that runs natively has the card directly."],
    ["pelican", "HARBOR_CARD  which card, a pelican"],
    ["penguin", "# not a heading: penguin"],
  ])("%s: of paragraphs, tables and code", async (words, text) => {
    expect(await first(words)).toMatchObject({ title: "Guide: Graphics cards", text });
  });

  test.each([
    ["start services", "harbor up"],
    ["starting a service", "harbor up"],
    ["how do I stop something", "harbor down"],
    ["shutdown", "harbor down"],
    ["older", "harbor logs"],
    ["logs", "harbor logs"],
    ["prnit", "harbor logs"],
    ["draw stripes", "zebra: Zebra"],
    ["lock", "Guide: Locks"],
  ])("%s finds %s: other forms of a word, words of the same meaning, slips", async (words, title) => {
    expect(await first(words)).toMatchObject({ title });
  });

  test("the line to try is the one that fits best, without its explanation", async () => {
    expect(await first("start webui")).toMatchObject({ title: "harbor up", try: "harbor up webui" });
    expect(await first("lock")).toMatchObject({ try: "harbor config ls" });
    expect(await first("stripes")).toMatchObject({ kind: "service", try: "harbor up zebra", file: join(root, "home/services/zebra") });
  });

  test("finds nothing where there is nothing; records of decisions are no help", async () => {
    expect(await search("walrus")).toEqual([]);
    expect(await search("the of and")).toEqual([]);
    expect(await search("")).toEqual([]);
  });

  test("answers are in order", async () => {
    const scores = (await search("service card")).map(({ score }) => score);
    expect(scores.length).toBeGreaterThan(2);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
  });

  test("with what the build has kept of commands and pages it finds the same, until a page is newer", async () => {
    const live = await search("constructor of a service card");
    const { commands } = await describeProgram(verbs);
    const file = join(root, INDEX_FILE);
    mkdirSync(dirname(file));
    writeFileSync(file, JSON.stringify(indexHelp(commands, root)));
    expect(await search("constructor of a service card")).toEqual(live);

    const page = join(root, "docs/later.md");
    writeFileSync(page, "# Later\n\nOkapi.\n");
    const future = new Date(Date.now() + 60_000);
    utimesSync(page, future, future);
    expect(await first("okapi")).toMatchObject({ title: "Later", file: page });
    rmSync(page);
    rmSync(dirname(file), { recursive: true });
  });
});
