/** Texts ranked by how well they answer words: Okapi BM25 (Robertson and Zaragoza, 2009) over fields of different weight. */
import { nearest } from "../_script/nearest.ts";

export interface Field {
  text: string;
  /** How much a word in it counts, against 1 in plain text. */
  weight: number;
}

const SATURATION = 1.2;
const LENGTH_SHARE = 0.75;
/** What a word of the same meaning counts, and one that only begins so. */
const RELATED = 0.6;
const BEGINS = 0.5;

const COMMON = new Set(
  "a all an and any are as at be but by can do does for from get has have how i if in is it its me my not of on one or some so that the there this to use want what when where which who why will with you your".split(
    " ",
  ),
);

/** Words that people say for one another. */
const SAME: readonly (readonly string[])[] = [
  ["remove", "delete", "rm", "uninstall", "unset", "clear", "prune"],
  ["stop", "down", "end", "quit", "kill", "shutdown"],
  ["start", "up", "run", "launch", "boot"],
  ["boot", "autostart", "login", "startup", "reboot"],
  ["list", "ls", "show", "see", "which"],
  ["gpu", "nvidia", "cuda", "rocm", "amd", "cdi", "graphics", "accelerator"],
  ["native", "host", "process", "outside", "bare"],
  ["container", "docker", "compose", "image", "podman"],
  ["speech", "speaches", "voice", "audio", "tts", "stt", "transcribe", "whisper", "microphone"],
  ["secret", "password", "token", "key", "credential"],
  ["log", "output", "print", "message"],
  ["port", "host_port"],
  ["lan", "network", "phone", "remote", "expose", "share", "0.0.0.0"],
  ["disk", "space", "size", "storage"],
  ["config", "setting", "configure", "option", "change", "set"],
  ["env", "environment", "variable"],
  ["browser", "open", "url", "address", "web"],
  ["memory", "cpu", "ram", "usage", "top"],
  ["completion", "tab", "complete", "autocomplete"],
  ["upgrade", "update", "version"],
  ["mac", "macos", "darwin", "apple", "metal"],
];

/** Ends of words that make no difference: `services`, `starting`, `stopped`. */
function stem(word: string): string {
  if (word.length < 5) return word.replace(/(?<=[a-z]{2}[^s])s$/, "");
  return word
    .replace(/(?:ies)$/, "y")
    .replace(/(?<!s)s$/, "")
    .replace(/(?:ing|ed)$/, "")
    .replace(/([b-df-hj-np-tv-z])\1$/, "$1")
    .replace(/e$/, "");
}

/** Most words of a text have come before. */
const known = new Map<string, readonly string[]>();

export function wordsOf(text: string): string[] {
  return (text.toLowerCase().match(/[a-z0-9][a-z0-9._]*[a-z0-9]|[a-z0-9]/g) ?? []).flatMap((word) => {
    let stems = known.get(word);
    if (stems === undefined) {
      const parts = /[._]/.test(word) ? [word, ...word.split(/[._]+/)] : [word];
      stems = parts.filter((part) => part !== "" && !COMMON.has(part)).map(stem);
      known.set(word, stems);
    }
    return stems;
  });
}

/** A text's words, as JSON can hold them. */
export interface Indexed {
  /** Each word once, with the weight of all places where it stands. */
  counts: Readonly<Record<string, number>>;
  /** How many words it has. */
  length: number;
  /** What its score counts, against 1. */
  share: number;
}

export interface Ranked<T> {
  item: T;
  score: number;
}

/** Those that have any of the words, the best first. */
export function rank<T extends Indexed>(items: readonly T[], question: string): Ranked<T>[] {
  const found = new Map<string, number>();
  for (const { counts } of items) for (const word in counts) found.set(word, (found.get(word) ?? 0) + 1);
  const mean = items.reduce((sum, it) => sum + it.length, 0) / Math.max(1, items.length);
  const asked = [...new Set(wordsOf(question))].map((word) => variantsOf(word, found));
  const ranked = items.map((item) => {
    const { counts, length } = item;
    const stretch = SATURATION * (1 - LENGTH_SHARE + (LENGTH_SHARE * length) / mean);
    const scores = asked.map((variants) => {
      let best = 0;
      for (const [word, share] of variants) {
        const count = Object.hasOwn(counts, word) ? (counts[word] ?? 0) : 0;
        const rarity = Math.log(1 + (items.length - (found.get(word) ?? 0) + 0.5) / ((found.get(word) ?? 0) + 0.5));
        best = Math.max(best, (share * rarity * count * (SATURATION + 1)) / (count + stretch));
      }
      return best;
    });
    // what has all of the words comes before what has one of them often
    const met = scores.filter((score) => score > 0).length / Math.max(1, asked.length);
    return { item, score: scores.reduce((sum, score) => sum + score, 0) * met * item.share };
  });
  return ranked.filter(({ score }) => score > 0).sort((a, b) => b.score - a.score);
}

/** The words of its fields. */
export function indexFields(fields: readonly Field[]): Pick<Indexed, "counts" | "length"> {
  // without the names that every object has: some are words
  const counts: Record<string, number> = Object.create(null);
  let length = 0;
  for (const { text, weight } of fields) {
    for (const word of wordsOf(text)) {
      counts[word] = (counts[word] ?? 0) + weight;
      length++;
    }
  }
  return { counts, length };
}

/** The word itself, those of the same meaning, those that begin so; where nothing has any of them, the nearest that something has. */
function variantsOf(word: string, found: ReadonlyMap<string, number>): Map<string, number> {
  const variants = new Map<string, number>();
  const add = (variant: string, share: number): void => {
    if (found.has(variant) && (variants.get(variant) ?? 0) < share) variants.set(variant, share);
  };
  add(word, 1);
  for (const group of SAME) if (group.map(stem).includes(word)) for (const other of group) add(stem(other), RELATED);
  if (word.length > 2) for (const other of found.keys()) if (other.startsWith(word)) add(other, BEGINS);
  const slip = variants.size === 0 ? nearest(word, found.keys()) : undefined;
  if (slip !== undefined) add(slip, 1);
  return variants;
}
