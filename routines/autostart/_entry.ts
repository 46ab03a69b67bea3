/** What is to start with the user's session, before a service manager's own file says it. */

export interface Entry {
  /** `$HARBOR_HOME`. */
  home: string;
  /** Path of `bin/harbor`. */
  launcher: string;
  /** The words after it: `up` and the selection. */
  up: readonly string[];
  /** The folder of the project whose services are among them; the user's own folder without. */
  directory?: string;
  environment: Readonly<Record<string, string>>;
  /** Handles, for a person. */
  services: readonly string[];
}

/** What of it a file says. */
export interface WrittenEntry {
  /** The whole command line. */
  command: string[];
}

/** In every file of ours; one without it is somebody else's. */
export const MARK = "Written by `harbor autostart enable`";
