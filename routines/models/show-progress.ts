/**
 * How far a model is, for a person: on a terminal one line that is written over, else a line now and then, as a log wants it.
 */
import { formatSize } from "../_script/size.ts";

export interface ModelProgress {
  /** The file that is being received, which of how many. */
  file: string;
  fileIndex: number;
  files: number;
  /** Bytes of the whole model. */
  received: number;
  total: number;
}

export interface ShowProgressOptions {
  repo: string;
  write: (text: string) => void;
  isTerminal: boolean;
  /** Characters in a line of the terminal; 0 where it does not tell. */
  columns?: number | undefined;
  /** Milliseconds. */
  now?: () => number;
}

export interface ShownProgress {
  show(progress: ModelProgress): void;
  /** Leaves the cursor at the beginning of an empty line; once more changes nothing. */
  end(): void;
}

const REWRITE_MS = 100;
/** In a log: so often at least, or at each tenth. */
const LINE_MS = 5_000;
const LINE_PERCENT = 10;

export function showProgress(options: ShowProgressOptions): ShownProgress {
  return options.isTerminal ? new OneLine(options) : new Lines(options);
}

class OneLine implements ShownProgress {
  readonly #options: ShowProgressOptions;
  readonly #rate: Rate;
  #shownMs = Number.NEGATIVE_INFINITY;
  #isShown = false;

  constructor(options: ShowProgressOptions) {
    this.#options = options;
    this.#rate = new Rate(options.now ?? (() => performance.now()));
  }

  show(progress: ModelProgress): void {
    const { repo, write, columns, now = () => performance.now() } = this.#options;
    const rate = this.#rate.measure(progress.received);
    if (now() - this.#shownMs < REWRITE_MS) return;
    this.#shownMs = now();
    this.#isShown = true;
    write(`\r\x1b[K${describe(repo, progress, rate).slice(0, (columns || 80) - 1)}`);
  }

  end(): void {
    if (this.#isShown) this.#options.write("\r\x1b[K");
    this.#isShown = false;
  }
}

class Lines implements ShownProgress {
  readonly #options: ShowProgressOptions;
  readonly #rate: Rate;
  #shownMs: number | undefined;
  #shownPercent = 0;

  constructor(options: ShowProgressOptions) {
    this.#options = options;
    this.#rate = new Rate(options.now ?? (() => performance.now()));
  }

  show(progress: ModelProgress): void {
    const { repo, write, now = () => performance.now() } = this.#options;
    const rate = this.#rate.measure(progress.received);
    const percent = percentOf(progress);
    const isDue = this.#shownMs === undefined || now() - this.#shownMs >= LINE_MS || percent >= this.#shownPercent + LINE_PERCENT;
    if (!isDue) return;
    this.#shownMs = now();
    this.#shownPercent = percent - (percent % LINE_PERCENT);
    write(`${describe(repo, progress, rate)}\n`);
  }

  end(): void {}
}

/** Bytes a second, of the last seconds. */
class Rate {
  readonly #now: () => number;
  readonly #samples: { at: number; received: number }[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  measure(received: number): number | undefined {
    const at = this.#now();
    const last = this.#samples.at(-1);
    if (last === undefined || at - last.at >= 250) this.#samples.push({ at, received });
    while (this.#samples.length > 20) this.#samples.shift();
    const [first] = this.#samples;
    if (first === undefined || at - first.at < 1_000 || received < first.received) return undefined;
    return ((received - first.received) * 1000) / (at - first.at);
  }
}

function percentOf({ received, total }: ModelProgress): number {
  return total === 0 ? 100 : Math.floor((received * 100) / total);
}

function describe(repo: string, progress: ModelProgress, rate: number | undefined): string {
  const { file, fileIndex, files, received, total } = progress;
  const speed = rate === undefined ? "" : `, ${formatSize(Math.round(rate))}/s`;
  return `${repo}: ${percentOf(progress)} %, ${formatSize(received)} of ${formatSize(total)}${speed} (${file}, ${fileIndex + 1} of ${files})`;
}
