/** What a contract says before its `${…}` are filled in: every value is text, and a program is a command line. */

export interface CommandLine {
  executable: string;
  /** A text is split into words once it is filled in, a list never is. */
  args: string[] | string;
}

/** The same keys as the spec that it becomes. */
export type Written<T> = {
  [K in keyof T]: Exclude<T[K], undefined> extends true ? true : Exclude<T[K], undefined> extends readonly string[] ? CommandLine : string;
};
