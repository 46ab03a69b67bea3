/** One generated set of compose files: a base that makes everything in it valid, and overrides that collide. */
import { BUILD, DEPLOY, RESOURCES, SERVICE, VARIABLES } from "./_attributes.ts";
import { Random } from "./_random.ts";
import { host, Raw, Tagged, writeYaml } from "./_write-yaml.ts";

export interface SetFile {
  path: string;
  text: string;
  /** What the file's relative paths mean, seen from the project directory. */
  directory: string;
  /** What the oracle reads instead: the same with its paths written absolute. */
  oracleText?: string;
}

export interface FileSet {
  name: string;
  /** In the order of `-f`. */
  files: SetFile[];
  /** Files that others extend, include or name. */
  beside: { path: string; text: string }[];
  env: Record<string, string>;
  /** Attributes that two or more files of the set give. */
  attributes: string[];
}

/** Compose refuses their duplicates at once, even where a later file takes the list away: nothing to compare. */
const APPENDED = ["device_cgroup_rules", "external_links", "group_add", "security_opt", "volumes_from"];

type Tree = Record<string, unknown>;
type Document = { services?: Tree } & Tree;

const SERVICE_NAMES = Object.keys(SERVICE);
const RESOURCE_NAMES = Object.entries(RESOURCES).flatMap(([section, fields]) => Object.keys(fields).map((field) => `${section}.${field}`));
const NESTED: Record<string, typeof SERVICE> = { build: BUILD, deploy: DEPLOY };
const NESTED_NAMES = Object.entries(NESTED).flatMap(([key, fields]) => Object.keys(fields).map((field) => `services.${key}.${field}`));
const TARGETS = [...SERVICE_NAMES.map((name) => `services.${name}`), ...RESOURCE_NAMES, ...NESTED_NAMES];

/** How many sets give every attribute its turn once. */
export const ROUND = TARGETS.length;

/** Makes set number `index`; `root` is the folder it will be written to. */
export function makeSet(index: number, seed: number, root: string): FileSet {
  const random = new Random(seed * 1_000_003 + index);
  const focus = [...new Set([TARGETS[index % ROUND] as string, ...random.some(TARGETS, 4)])];
  const documents = [baseDocument(random)];
  const count = 1 + random.below(3);
  for (let at = 0; at < count; at++) documents.push({});
  for (const document of documents) for (const target of focus) if (random.chance(0.75)) addAttribute(document, target, random);
  const beside: { path: string; text: string }[] = [];
  const isMoved = random.chance(0.25);
  const kind = isMoved ? 1 : random.next();
  if (kind < 0.14) addExtends(documents, focus, beside, random);
  else if (kind < 0.26) addInclude(documents, focus, beside, random);
  if (isMoved) for (const document of documents) giveContext(document);
  for (const document of documents.slice(1)) addTags(document, random);
  const files = documents.map((document, at) => writeFile(document, at, isMoved, random, root));
  const attributes = focus.filter((target) => documents.filter((document) => hasTarget(document, target)).length > 1);
  return {
    name: `set ${index} of seed ${seed}: ${focus.join(" ")}`,
    files,
    beside: [...beside, ...namedFiles()],
    env: VARIABLES,
    attributes,
  };
}

function baseDocument(random: Random): Document {
  const image = (name: string): Tree => ({ image: `${name}:1` });
  return {
    ...(random.chance(0.5) ? { name: "given-name" } : {}),
    services: { web: image("web"), db: { ...image("db"), build: host("./db") }, cache: image("cache") },
    networks: { front: {}, back: { driver: "bridge" } },
    volumes: { data: {}, cache: random.chance(0.5) ? null : {} },
    configs: { config1: { file: "/c/1" }, config2: { file: "/c/2" } },
    secrets: { secret1: { file: "/s/1" }, secret2: { file: "/s/2" } },
    ...(random.chance(0.3) ? { "x-top": { a: [1], b: "base" } } : {}),
  };
}

function addAttribute(document: Document, target: string, random: Random): void {
  const [section = "", field = "", inner] = target.split(".");
  if (section === "services") {
    if (inner !== undefined) {
      addNested(document, field, inner, random);
      return;
    }
    const make = SERVICE[field];
    if (make !== undefined && !(field in NESTED && Object.hasOwn(at(document, "services", "web"), field)))
      at(document, "services", "web")[field] = make(random);
    if (random.chance(0.15)) at(document, "services", "web")["x-more"] = { [field]: random.below(3) };
    return;
  }
  const key = { networks: "front", volumes: "data", configs: "config1", secrets: "secret1" }[section] ?? "";
  const make = RESOURCES[section]?.[field];
  if (make === undefined) return;
  const resource = at(document, section, key);
  if (["file", "content", "environment"].includes(field)) for (const other of ["file", "content", "environment"]) delete resource[other];
  resource[field] = make(random);
}

/** A field of build or deploy; a build needs a context of its own in a moved file. */
function addNested(document: Document, key: string, field: string, random: Random): void {
  const web = at(document, "services", "web");
  const whole = typeof web[key] === "object" && web[key] !== null ? (web[key] as Tree) : {};
  web[key] = whole;
  whole[field] = NESTED[key]?.[field]?.(random);
}

function at(document: Document, section: string, name: string): Tree {
  document[section] ??= {};
  const entries = document[section] as Tree;
  entries[name] ??= {};
  return entries[name] as Tree;
}

function hasTarget(document: Document, target: string): boolean {
  const [section = "", field = "", inner] = target.split(".");
  const has = (value: unknown, key: string): boolean => typeof value === "object" && value !== null && Object.hasOwn(value, key);
  const hasInner = (value: unknown): boolean => inner === undefined || has((value as Tree)[field], inner);
  return Object.values((document[section] ?? {}) as Tree).some((entry) => has(entry, field) && hasInner(entry));
}

/** web extends a service of another file, which may extend one beside it; or one of its own file. */
function addExtends(documents: Document[], focus: string[], beside: { path: string; text: string }[], random: Random): void {
  const document = random.pick(documents);
  const services = focus.filter((target) => target.split(".").length === 2 && target.startsWith("services."));
  const base: Document = { services: { base: {}, under: {} } };
  for (const target of services) {
    const make = SERVICE[target.slice("services.".length)];
    if (make === undefined) continue;
    for (const name of ["base", "under"])
      if (random.chance(0.6)) at(base, "services", name)[target.slice("services.".length)] = make(random);
  }
  if (random.chance(0.5)) at(base, "services", "base").extends = random.chance(0.5) ? "under" : { service: "under" };
  const web = at(document, "services", "web");
  if (random.chance(0.4)) {
    document.services = { ...document.services, ...base.services };
    for (const name of ["base", "under"]) at(document, "services", name).image = `${name}:1`;
    web.extends = { service: "base" };
    return;
  }
  if (random.chance(0.3)) addTags({ services: { web: at(base, "services", "base") } }, random);
  beside.push({ path: "ext/base.yml", text: writeYaml(base, { random }) });
  web.extends = { file: random.pick(["./ext/base.yml", "ext/base.yml", "${UNSET:-ext}/base.yml"]), service: "base" };
}

/** A service of its own from an included file, which later files may override. */
function addInclude(documents: Document[], focus: string[], beside: { path: string; text: string }[], random: Random): void {
  const included: Document = { services: { inc: { image: "inc:${INNER:-none}" } } };
  const resources: Document = { networks: { front: {}, back: {} }, volumes: { data: {}, cache: {} } };
  const wanted = focus.filter(
    (target) =>
      target.split(".").length === 2 &&
      target.startsWith("services.") &&
      !/depends_on|links|volumes_from|network_mode|additional/.test(target),
  );
  for (const target of wanted) {
    const field = target.slice("services.".length);
    const value = SERVICE[field]?.(random);
    if (JSON.stringify(value)?.includes("service:db")) continue;
    at(included, "services", "inc")[field] = value;
    for (const document of documents.slice(1)) if (random.chance(0.4)) at(document, "services", "inc")[field] = SERVICE[field]?.(random);
  }
  const first = documents[0] as Document;
  // Compose 2.26 fills in the content of an included config that names a variable, then refuses it for having both.
  for (const config of Object.values(first.configs ?? {}) as Tree[]) if (config.environment !== undefined) replaceSource(config);
  delete first.volumes?.["cache" as never];
  Object.assign(first, { volumes: { data: {} } });
  const needed = {
    ...included,
    configs: first.configs,
    secrets: first.secrets,
    networks: resources.networks,
    volumes: { cache: {}, data: {} },
  };
  Object.assign(first, { networks: {}, configs: {}, secrets: {} });
  beside.push({ path: "inc/compose.yml", text: writeYaml(needed, { random }) });
  if (random.chance(0.5)) beside.push({ path: "inc/.env", text: "INNER=within\nUNSET=from-include\n" });
  beside.push({ path: "other.env", text: "INNER=other\n" });
  const long = { path: ["inc/compose.yml"], project_directory: "inc", ...(random.chance(0.5) ? { env_file: "other.env" } : {}) };
  first.include = [random.pick<unknown>(["inc/compose.yml", "./inc/compose.yml", { path: "./inc/compose.yml" }, long])];
}

function replaceSource(config: Tree): void {
  delete config.environment;
  config.file = "/c/3";
}

/** `!reset` and `!override` on what a document gives for web. */
function addTags(document: Document, random: Random): void {
  const web = document.services?.web as Tree | undefined;
  if (web === undefined) return;
  for (const key of Object.keys(web)) {
    if (key === "extends" || APPENDED.includes(key)) continue;
    if (random.chance(0.06)) web[key] = new Tagged("!override", web[key]);
    else if (random.chance(0.04)) web[key] = new Raw(random.pick(["!reset null", "!reset []", "!reset {}"]));
  }
}

function writeFile(document: Document, at: number, isMoved: boolean, random: Random, root: string): SetFile {
  const directory = isMoved ? random.pick([".", "sub", "sub/deep"]) : ".";
  const parts = !isMoved && random.chance(0.1) ? splitDocument(document) : [document];
  const write = (folder?: string): string =>
    parts.map((part) => writeYaml(part, { random, ...(folder === undefined ? {} : { directory: folder }) })).join("---\n");
  const file: SetFile = { path: `file${at}.yml`, text: write(), directory };
  return directory === "." ? file : { ...file, oracleText: write(`${root}/${directory}`) };
}

/** Without a context a build means its file's folder, which has no absolute spelling to give the oracle. */
function giveContext(document: Document): void {
  const build = (document.services?.web as Tree | undefined)?.build;
  if (typeof build === "object" && build !== null && !(build instanceof Raw) && !(build instanceof Tagged))
    (build as Tree).context ??= host(".");
}

/** The same in two documents. */
function splitDocument(document: Document): Document[] {
  const keys = Object.keys(document);
  if (keys.length < 2 || document.include !== undefined) return [document];
  const pick = (wanted: string[]): Document => Object.fromEntries(wanted.map((key) => [key, document[key]]));
  return [pick(keys.slice(0, 1)), pick(keys.slice(1))];
}

function namedFiles(): { path: string; text: string }[] {
  return [".", "sub", "sub/deep", "ext", "inc"].flatMap((folder) => [
    { path: `${folder}/a.env`, text: `FROM_A=${folder}\nSHARED=a\n` },
    { path: `${folder}/b.env`, text: "FROM_B=b\nSHARED=b\n" },
    { path: `${folder}/one.labels`, text: `one=${folder}\n` },
    { path: `${folder}/two.labels`, text: "two=2\none=two\n" },
  ]);
}

/** Every attribute of the schema; what has fields of its own is made with any of them. */
export const SCHEMA_PATHS = TARGETS;
