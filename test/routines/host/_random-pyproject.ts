/**
 * A random pyproject.toml, in pieces: texts that must stay as they are, and between them the places where what is asked
 * of Python stands. With what a reader of TOML would have to find there.
 */
import type { Random } from "../../differential/_random.ts";

export interface RandomPyproject {
  text: string;
  /** What must stay, in order; something that may change stands between two. */
  fixed: readonly string[];
  bounds: readonly { asks: string; syntax: "pep440" | "poetry" }[];
}

class Writer {
  readonly fixed: string[] = [""];
  text = "";

  keep(piece: string): void {
    this.text += piece;
    this.fixed[this.fixed.length - 1] += piece;
  }

  change(piece: string): void {
    this.text += piece;
    this.fixed.push("");
  }
}

interface Table {
  heading: string;
  write: (writer: Writer) => void;
}

export function makePyproject(random: Random): RandomPyproject {
  const writer = new Writer();
  const bounds: RandomPyproject["bounds"][number][] = [];
  const kind = random.pick(["standard", "standard", "poetry", "both", "flit", "pdm"] as const);
  const tables = shuffle(random, [...boundTables(random, kind, bounds), ...noiseTables(random, kind)]);
  if (random.chance(0.1)) writer.keep("\ufeff");
  if (random.chance(0.3)) writer.keep('# requires-python = ">=2.0"\n');
  for (const { heading, write } of tables) {
    writer.keep(`${random.pick(["", "", "  ", "\t"])}[${heading}]${comment(random)}\n`);
    write(writer);
    writer.keep(random.pick(["", "\n", "\n\n"]));
  }
  const end = random.pick(["\n", "\n", "\r\n"]);
  const isCut = random.chance(0.2);
  const finish = (text: string): string => text.replaceAll("\n", end);
  const last = writer.fixed.length - 1;
  const fixed = writer.fixed.map((piece, index) => finish(isCut && index === last ? piece.replace(/\n+$/, "") : piece));
  const text = finish(isCut ? writer.text.replace(/\n+$/, "") : writer.text);
  return { text, fixed, bounds };
}

function shuffle<T>(random: Random, list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, at: random.next() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item);
}

function boundTables(random: Random, kind: string, bounds: RandomPyproject["bounds"][number][]): Table[] {
  const standard = { heading: random.pick(["project", "project", ' "project" ']), key: "requires-python" };
  const places: Record<string, { heading: string; key: string; syntax: "pep440" | "poetry" }[]> = {
    standard: [{ ...standard, syntax: "pep440" }],
    poetry: [{ heading: "tool.poetry.dependencies", key: "python", syntax: "poetry" }],
    flit: [{ heading: "tool.flit.metadata", key: "requires-python", syntax: "pep440" }],
    pdm: [{ heading: "tool.pdm", key: "python_requires", syntax: "pep440" }],
  };
  const chosen = kind === "both" ? [...(places.standard ?? []), ...(places.poetry ?? [])] : (places[kind] ?? []);
  return chosen.map(({ heading, key, syntax }) => {
    const asks = syntax === "poetry" ? makeConstraint(random) : makeSpecifier(random);
    bounds.push({ asks, syntax });
    const entries: ((writer: Writer) => void)[] = [
      (writer) => writeBound(random, writer, { key, asks }),
      (writer) => writer.keep(`name${equals(random)}"ants-${random.below(100)}"${comment(random)}\n`),
    ];
    if (syntax === "pep440" && random.chance(0.7)) entries.push((writer) => writeClassifiers(random, writer));
    if (random.chance(0.5)) entries.push((writer) => writer.keep(`version = '1.0'\n`));
    return { heading, write: (writer: Writer) => shuffle(random, entries).forEach((entry) => void entry(writer)) };
  });
}

function writeBound(random: Random, writer: Writer, { key, asks }: { key: string; asks: string }): void {
  const name = random.pick([key, key, `"${key}"`, `'${key}'`]);
  const isTable = key === "python" && random.chance(0.3);
  writer.keep(`${random.pick(["", "", " ", "\t"])}${name}${equals(random)}${isTable ? "{ version = " : ""}`);
  const quote = random.pick(['"', '"', "'", '"""', "'''"]);
  writer.keep(`${quote}${quote.length === 3 && random.chance(0.5) ? "\n" : ""}`);
  writer.change(asks);
  writer.keep(`${quote}${isTable ? ", optional = false }" : ""}${comment(random)}\n`);
}

function equals(random: Random): string {
  return random.pick([" = ", " = ", "=", "\t=  ", " ="]);
}

function comment(random: Random): string {
  return random.chance(0.2)
    ? `${random.pick([" ", "  ", "\t"])}# ${random.pick(["why", "größer 🐜", 'requires-python = ">=3.12"', "]", '"'])}`
    : "";
}

const version = (random: Random): string => {
  const minor = `3.${6 + random.below(9)}`;
  return random.chance(0.25) ? `${minor}.${random.below(20)}` : minor;
};

function makeClause(random: Random): string {
  const gap = random.pick(["", "", " "]);
  const operator = random.pick([">=", ">=", ">=", "<", "<", "<=", ">", "==", "!=", "~=", "==*", "!=*"]);
  if (operator.endsWith("*")) return `${operator.slice(0, 2)}${gap}3.${6 + random.below(9)}.*`;
  const suffix = random.chance(0.1) ? { ">=": "rc1", "<": ".0a0" }[operator] : undefined;
  return `${operator}${gap}${suffix === undefined ? version(random) : `3.${6 + random.below(9)}${suffix}`}`;
}

function makeSpecifier(random: Random): string {
  const clauses = Array.from({ length: 1 + random.below(3) }, () => makeClause(random));
  return `${random.pick(["", "", "", " "])}${clauses.join(random.pick([",", ", ", " , "]))}`;
}

function makeConstraint(random: Random): string {
  const one = (): string =>
    random.pick([() => `^${version(random)}`, () => `~${version(random)}`, () => `3.${6 + random.below(9)}.*`, () => version(random)])();
  const few = (): string => (random.chance(0.5) ? one() : makeSpecifier(random).trim());
  return Array.from({ length: random.pick([1, 1, 1, 2, 3]) }, few).join(random.pick([" || ", "||", " | "]));
}

function writeClassifiers(random: Random, writer: Writer): void {
  const minors = random.some([6, 7, 8, 9, 10, 11, 12, 13, 14]).map((minor) => `Programming Language :: Python :: 3.${minor}`);
  const ordered = random.chance(0.7) ? minors.sort((one, other) => Number(one.split(".")[1]) - Number(other.split(".")[1])) : minors;
  const entries = [...(random.chance(0.8) ? ordered : []), ...random.some(["Topic :: Utilities", "Programming Language :: Python :: 3"])];
  const quote = random.pick(['"', "'"]);
  const strings = (random.chance(0.5) ? entries : shuffle(random, entries)).map((entry) => `${quote}${entry}${quote}`);
  writer.keep(`classifiers${equals(random)}[`);
  writer.change(layOut(random, strings));
  writer.keep(`]${comment(random)}\n`);
}

function layOut(random: Random, strings: readonly string[]): string {
  const style = random.pick(["lines", "lines", "line", "leading", "mixed"]);
  const trailing = random.chance(0.6) ? random.pick([",", " ,"]) : "";
  if (style === "line") return ` ${strings.join(random.pick([", ", ",", " , "]))}${trailing} `;
  const indent = random.pick(["  ", "    ", "\t", ""]);
  if (style === "leading") return `\n${indent}${strings.join(`${comment(random)}\n${indent}, `)}${comment(random)}\n`;
  const lines = strings.map((string, index) => {
    const comma = index === strings.length - 1 ? trailing : ",";
    const end = style === "mixed" && random.chance(0.4) ? " " : `${comment(random)}\n${indent}`;
    return `${random.chance(0.1) ? `# above\n${indent}` : ""}${string}${comma}${end}`;
  });
  return `\n${indent}${lines.join("")}\n`;
}

function noiseTables(random: Random, kind: string): Table[] {
  const keep = (body: string) => (writer: Writer) => writer.keep(body);
  const all: Table[] = [
    { heading: "tool.ruff", write: keep('target-version = "py312"\nselect = ["E",\n  "F", # requires-python\n]\n') },
    { heading: "tool.mypy", write: keep('python_version = "3.12"\n') },
    { heading: "tool.poetry.group.dev.dependencies", write: keep('python = "^3.13"\npytest = {version="*", python="<3.11"}\n') },
    { heading: "build-system", write: keep('requires = [ "hatchling" ]\nbuild-backend="hatchling.build"\n') },
    {
      heading: "tool.text",
      write: keep('a = \'\'\'\n[project]\nrequires-python = ">=3.12"\n\'\'\'\nb = """\\\n  requires-python \\\n  """\n'),
    },
    { heading: "[tool.uv.dependency-metadata]", write: keep('name = "a"\nrequires-python = ">=3.12"\n') },
    { heading: "tool.dates", write: keep("a = 1979-05-27T07:32:00Z\nb = 07:32:00\nc = [1_000, 0xdead, +1.5e3, inf, nan, true]\n") },
    { heading: 'tool."odd names"."a.b"', write: keep('"" = { x.y = 1, z = [ { requires-python = "3" } ] }\n') },
    { heading: "dependency-groups", write: keep('test = [\'tomli; python_version < "3.11"\', { include-group = "x" }]\nx = []\n') },
  ];
  const isStandard = kind === "standard" || kind === "both";
  if (isStandard) all.push({ heading: "project.optional-dependencies", write: keep("gpu = [\"onnx ; python_version >= '3.12'\"]\n") });
  return random.some(all);
}
