/**
 * When to look at a folder of spools again. Quiet ones cost nothing: the system tells (inotify). From one
 * that is written all the time nobody wants to hear each time; while that goes on it is looked at every
 * few milliseconds instead. A slow beat, one for all, finds what the system did not tell.
 */
import { type FSWatcher, watch } from "node:fs";

/** Between two looks: what comes in the meantime is taken together. */
const PAUSE_MS = 10;
/** After so many looks in a row that found something, the system is asked no more … */
const BUSY_LOOKS = 10;
/** … and after so many that found nothing, it is asked again. */
const QUIET_LOOKS = 5;
const BEAT_MS = { watched: 5_000, unwatched: 100 };

export class Waker {
  private watcher: FSWatcher | undefined;
  private isBusy = false;
  private found = 0;
  private missed = 0;
  private isTold = false;
  /** Whether what is watched may be there no more. */
  private isDoubtful = false;
  private wake: (() => void) | undefined;
  private isClosed = false;

  constructor(private readonly folder: string) {
    this.watch();
  }

  /** Resolves when it is time to look again; at once after `close`. */
  async next(hasFound: boolean): Promise<void> {
    this.found = hasFound ? this.found + 1 : 0;
    this.missed = hasFound ? 0 : this.missed + 1;
    if (hasFound || this.isBusy) await Bun.sleep(PAUSE_MS);
    if (this.isClosed) return;
    if (this.isBusy) return this.missed < QUIET_LOOKS ? undefined : this.calmDown();
    if (this.found >= BUSY_LOOKS) return this.stayAwake();
    if (!this.isTold) await new Promise<void>((resolve) => (this.wake = resolve));
    this.isTold = false;
    this.wake = undefined;
    if (this.isDoubtful) this.watchAnew();
  }

  private watchAnew(): void {
    this.isDoubtful = false;
    this.unwatch();
    if (!this.isClosed) this.watch();
  }

  private stayAwake(): void {
    this.isBusy = true;
    this.unwatch();
  }

  /** The look that follows finds what came before the watch was there. */
  private calmDown(): void {
    this.isBusy = false;
    this.watch();
  }

  /** Something may have changed. */
  poke(): void {
    this.isTold = true;
    this.wake?.();
  }

  private watch(): void {
    try {
      this.watcher = watch(this.folder, (event) => this.hear(event));
      this.watcher.on("error", () => this.unwatch());
    } catch {
      // not there yet, or no watches left: the beat does
    }
    beats[this.watcher === undefined || process.platform !== "linux" ? "unwatched" : "watched"].add(this);
  }

  /** Something came or went: it may be the folder itself, which would never be heard of again. */
  private hear(event: string): void {
    this.isDoubtful ||= event === "rename";
    this.poke();
  }

  private unwatch(): void {
    this.watcher?.close();
    this.watcher = undefined;
    for (const beat of Object.values(beats)) beat.delete(this);
  }

  beat(): void {
    this.watchAnew();
    this.poke();
  }

  close(): void {
    this.isClosed = true;
    this.unwatch();
    this.poke();
  }
}

/** One timer for all that wait for it, and none where nobody does. */
class Beat {
  private readonly members = new Set<Waker>();
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly ms: number) {}

  add(waker: Waker): void {
    this.members.add(waker);
    this.timer ??= setInterval(() => {
      for (const member of [...this.members]) member.beat();
    }, this.ms);
  }

  delete(waker: Waker): void {
    this.members.delete(waker);
    if (this.members.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }
}

const beats = { watched: new Beat(BEAT_MS.watched), unwatched: new Beat(BEAT_MS.unwatched) };
