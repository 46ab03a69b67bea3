/** Harbor's documentation → its sections: what stands under one heading, and where. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Section {
  /** Below the root. */
  file: string;
  /** Of the heading; counts from 1. */
  line: number;
  /** The page's own title, then the headings down to this one. */
  headings: string[];
  /** Its paragraphs, items, rows and lines of code, without marks of Markdown. */
  lines: string[];
  /** Command lines of Harbor that stand in it. */
  commands: string[];
}

/** Every page below `docs/`, and the README. Records of decisions and what has changed answer other questions. */
export function readPages(root: string): Section[] {
  return listPages(root).flatMap((name) => readSections(readFileSync(join(root, name), "utf8"), name));
}

/** Their paths below the root. */
export function listPages(root: string): string[] {
  const names = ["README.md", "docs/**/*.md"].flatMap((pattern) => [...new Bun.Glob(pattern).scanSync({ cwd: root })]);
  return names.filter((name) => !name.startsWith("docs/adr/")).sort();
}

/** A `#` within a block of code is no heading. */
export function readSections(text: string, file: string): Section[] {
  const sections: Section[] = [];
  const path: string[] = [];
  let isCode = false;
  /** Whether the next line begins a paragraph. */
  let isNew = true;
  for (const [index, line] of text.split("\n").entries()) {
    const heading = isCode ? null : /^(#{1,4}) (.*)$/.exec(line);
    if (line.startsWith("```")) isCode = !isCode;
    if (line.startsWith("```") || line.trim() === "") isNew = true;
    else if (heading !== null) {
      const [, marks = "", title = ""] = heading;
      path.splice(marks.length - 1, path.length, plain(title));
      sections.push({ file, line: index + 1, headings: path.filter((it) => it !== undefined), lines: [], commands: [] });
      isNew = true;
    } else {
      addLine(sections.at(-1), line, { isCode, isNew });
      isNew = isCode || line.startsWith("|");
    }
  }
  return sections;
}

interface LineOptions {
  isCode: boolean;
  isNew: boolean;
}

function addLine(section: Section | undefined, line: string, { isCode, isNew }: LineOptions): void {
  if (section === undefined || /^\|[-| ]+\|$/.test(line)) return;
  if (isCode && line.startsWith("harbor ")) section.commands.push(line.replace(/ {2,}.*$/, ""));
  if (!isCode) for (const [, command = ""] of line.matchAll(/`(harbor [^`]+)`/g)) section.commands.push(command);
  const text = isCode ? line.trim() : plain(line);
  const last = section.lines.length - 1;
  if (isNew || last < 0 || /^\s*(?:[-*>|]|\d+\.)/.test(line)) section.lines.push(text);
  else section.lines[last] += ` ${text}`;
}

function plain(line: string): string {
  const unlinked = line.replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1");
  return unlinked
    .replace(/^\s*(?:[-*]|\d+\.|>)\s+/, "")
    .replace(/[`*]/g, "")
    .replace(/^\|\s*|\s*\|$/g, "")
    .replace(/\s*\|\s*/g, "  ")
    .trim();
}
