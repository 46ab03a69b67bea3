/** A service manager of the system, as far as autostart needs one. */
import type { Entry, WrittenEntry } from "./_entry.ts";

export interface Manager {
  name: "systemd" | "launchd";
  /** What a person calls our entry by, in the manager's own tools. */
  unit: string;
  file: string;
  render(entry: Entry): string;
  read(text: string): WrittenEntry | undefined;
  /** What its own validator finds wrong with a text of `render`; nothing where there is none, or it cannot work here. */
  check(text: string): Promise<string[]>;
  /** Makes it count from the user's next session on. */
  write(text: string): void;
  remove(): void;
  /** Whether it is there at all on this system. */
  isInstalled(): boolean;
  /** Tells the one that runs; why that was not possible. */
  reload(): Promise<string | undefined>;
  /** What the one that runs says of our entry, in its own word; undefined where it does not answer. */
  state(): Promise<string | undefined>;
  /** Whether sessions of this user begin at boot and outlive a logout; undefined where there is no such thing. */
  lingers(): boolean | undefined;
  commands: {
    /** What to do by hand once it answers. */
    later: string;
    /** Starts it now. */
    start: string;
    /** Makes it start at boot; undefined where it cannot. */
    linger?: string;
  };
}

export interface ManagerPlace {
  /** `$HARBOR_HOME`. */
  home: string;
  env: Readonly<Record<string, string | undefined>>;
}
