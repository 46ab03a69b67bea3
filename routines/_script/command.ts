/**
 * The shape of a command. citty's own shape, with what it lacks: options that repeat, a positional
 * that takes the rest, examples. citty renders the help; it is loaded only then (5 ms).
 */

/**
 * What a value may be, for completion, which leaves all other words possible: one of these words; or of what there is when it
 * is asked. `running` is a service that is up, `default` one that every `up` starts, `selection` a service or a capability, `set-key` a key that `config.env` sets,
 * `key-value` a value of the key before it, `variable` one that the service before it was given, `program` what `harbor run` runs: a
 * service or an alias, `api` what a service provides, `backend` one that provides the API of a model server, `store` a folder of
 * models, `profile` a saved configuration, `secret` a key whose value is one, `connected` a service for which a server stands in, `exposed`
 * and `tunnelled` one that others reach.
 */
export type Completion =
  | readonly string[]
  | AskedWords
  | "handle"
  | "running"
  | "default"
  | "selection"
  | "capability"
  | "tag"
  | "api"
  | "backend"
  | "key"
  | "set-key"
  | "key-value"
  | "variable"
  | "alias"
  | "program"
  | "model"
  | "store"
  | "profile"
  | "secret"
  | "connected"
  | "exposed"
  | "tunnelled"
  | "file"
  | "directory";

/** Words that a service of ours knows while it runs: a program of Harbor's folder prints them, one a line, if it can do so at once. */
export interface AskedWords {
  /** Its path below the program's root. */
  readonly program: string;
  /** Before what is typed of the word. */
  readonly words: readonly string[];
}

export interface BooleanOption {
  type: "boolean";
  description: string;
  alias?: string;
}

export interface StringOption {
  type: "string";
  description: string;
  alias?: string;
  valueHint?: string;
  /** May be given several times, and each time as a comma list; gives an array. */
  multiple?: true;
  default?: string;
  completes?: Completion;
}

export interface Positional {
  type: "positional";
  description: string;
  required?: boolean;
  /** Takes all that follow; gives an array. */
  multiple?: true;
  completes?: Completion;
}

export type ArgSpec = BooleanOption | StringOption | Positional;
export type ArgSpecs = Record<string, ArgSpec>;

type ArgValue<S extends ArgSpec> = S extends { type: "boolean" }
  ? boolean
  : S extends { multiple: true }
    ? string[]
    : S extends { default: string } | { required: true }
      ? string
      : string | undefined;

export type ArgValues<A extends ArgSpecs> = { [K in keyof A]: ArgValue<A[K]> };

/** Word → loader of a module that exports `command`. */
export type CommandTable = Record<string, () => Promise<{ command: unknown }>>;

/** `done`: noted where it ended well; `tried`: however it ended, unless it was not understood, for a failure may leave something, too. */
export type Noted = "done" | "tried";

export interface Command<A extends ArgSpecs = ArgSpecs> {
  meta: {
    name: string;
    description: string;
    /** Whole command lines, shown in the help. */
    examples?: readonly string[];
    /** For other programs, and for those who look into Harbor: nobody types it about a service. */
    isPlumbing?: true;
  };
  args: A;
  /** That it changes something of the user's, and is noted in the history for it; with `--dry-run` it is not. */
  changes?: Noted | ((args: Readonly<Record<string, unknown>>) => Noted | undefined);
  /** The words after `--` mean something to it; else there must be none. */
  takesRest?: true;
  /** Hands all words on unread, in `rest`. */
  passThrough?: true;
  /** What its first word may be, where it hands it on: for the help. */
  commands?: CommandTable;
  /** `rest` holds the words after `--`; `verbs` is the table of the program, where that called it. */
  run(context: { args: ArgValues<A>; rest: string[]; verbs?: CommandTable | undefined }): void | Promise<void>;
}

/** Types a command; costs nothing at run time. */
export function defineCommand<const A extends ArgSpecs>(command: Command<A>): Command<A> {
  return command;
}

/** `--json`, spread into the `args` of every command that prints data. */
export const jsonArg = { json: { type: "boolean", description: "Print the result as JSON" } } as const satisfies ArgSpecs;
