/**
 * What the manager says of itself: to a person on stderr, which is the service's log, and to the supervisor that
 * started it, as its status. Both hear the same words.
 */
import { writeAll } from "harbor/_script/emit";
import { type Notification, notifySupervisor } from "harbor/native/notify-supervisor";

/** How long the supervisor's deadline is put off by each sign of work, and how often one is given. */
const STEP_MS = 60_000;
const BEAT_MS = 10_000;

export class Teller {
  readonly #env: NodeJS.ProcessEnv;
  #said = "";
  #saidAt = 0;
  #unsent: Notification | undefined;
  #sending: Promise<void> | undefined;
  #wasRefused = false;

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  /** One line of the log. */
  say(text: string): void {
    writeAll(2, `speaches: ${text}\n`);
  }

  warn(text: string): void {
    this.say(`warning: ${text}`);
  }

  /** What it does now; told once in the log, however often it is said. */
  async status(text: string): Promise<void> {
    if (text !== this.#said) this.say(text);
    await this.progress(text);
  }

  /** The same for what changes many times a second: not in the log. */
  async progress(text: string): Promise<void> {
    this.#said = text;
    this.#saidAt = performance.now();
    await this.notify({ status: text, isAlive: true, extendTimeoutMs: STEP_MS });
  }

  /**
   * Says from time to time that it still works, and for how long it has been at it, until disposed of: installers are silent for
   * minutes. Not once it is told to end: that has a deadline of its own.
   */
  beat(signal: AbortSignal): Disposable {
    const timer = setInterval(() => {
      const seconds = Math.round((performance.now() - this.#saidAt) / 1_000);
      const status = this.#said === "" ? {} : { status: `${this.#said} (for ${seconds} s)` };
      if (!signal.aborted) void this.notify({ ...status, isAlive: true, extendTimeoutMs: STEP_MS });
    }, BEAT_MS);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  }

  /**
   * One message at a time; what comes meanwhile goes out together, as the next. A supervisor that has gone does not end what it
   * supervised: another comes, and is told with the next message what this one did not hear.
   */
  async notify(notification: Notification): Promise<void> {
    this.#unsent = { ...this.#unsent, ...notification };
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
    await this.#sending;
  }

  async #send(): Promise<void> {
    for (let next = this.#unsent; next !== undefined; next = this.#unsent) {
      this.#unsent = undefined;
      try {
        await notifySupervisor(next, this.#env);
        this.#wasRefused = false;
      } catch (error) {
        this.#unsent = { ...next, ...(this.#unsent as Notification | undefined) };
        if (!this.#wasRefused) this.say(`the supervisor does not listen: ${(error as Error).message}`);
        this.#wasRefused = true;
        return;
      }
    }
  }
}
