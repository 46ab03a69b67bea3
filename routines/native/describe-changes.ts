/** What is different between the spec a process was started from and the one it would be started from now, in words. */
import { fingerprintSpec, type NativeSpec } from "./_spec.ts";

export interface SpecChanges {
  /** Whether only a new process has the change; all else a supervisor applies as it goes. */
  needsRestart: boolean;
  /** For a person; the name of a variable or argument, never its value: it may be a secret. */
  changes: string[];
}

/** Empty where both mean the same. */
export function describeChanges(before: NativeSpec, after: NativeSpec): SpecChanges {
  const changes = [
    ...fromTo("program", before.argv[0], after.argv[0]),
    ...byName("argument", groupArguments(before.argv.slice(1)), groupArguments(after.argv.slice(1))),
    ...fromTo("folder", before.cwd, after.cwd),
    ...byName("variable", new Map(Object.entries(before.env)), new Map(Object.entries(after.env))),
    ...fromTo("port", before.port, after.port),
    ...fromTo("container port", before.containerPort, after.containerPort),
    ...fromTo("bridge", before.bridge, after.bridge),
    ...PARTS.flatMap(([key, words]) => (Bun.deepEquals(before[key], after[key]) ? [] : [words])),
  ];
  const needsRestart = fingerprintSpec(before) !== fingerprintSpec(after) || (!isTold(before) && isTold(after));
  // the same arguments under the same names, in another order between them
  if (needsRestart && changes.length === 0) changes.push("order of the arguments");
  return { needsRestart, changes };
}

/** Whether its process is told of a socket, `$NOTIFY_SOCKET`: one that runs cannot be told later. */
function isTold({ ready, live }: NativeSpec): boolean {
  return ready.notify === true || live?.notify === true;
}

const PARTS: readonly (readonly [keyof NativeSpec, string])[] = [
  ["ready", "readiness probe"],
  ["live", "liveness probe"],
  ["stop", "stop signal or grace"],
  ["restart", "restart policy"],
  ["preStart", "pre_start"],
  ["postStop", "post_stop"],
  ["dependsOn", "dependencies"],
  ["idle", "idle time"],
  ["logs", "log limits"],
];

function fromTo(what: string, before: string | number | undefined, after: string | number | undefined): string[] {
  return before === after ? [] : [`${what} ${before ?? "none"} -> ${after ?? "none"}`];
}

function byName(what: string, before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].flatMap((name) => {
    if (!before.has(name)) return [`${what} ${name} added`];
    if (!after.has(name)) return [`${what} ${name} removed`];
    return before.get(name) === after.get(name) ? [] : [`${what} ${name}`];
  });
}

/** Arguments by the option that they belong to, else by their number; several under one option are one. */
function groupArguments(words: readonly string[]): Map<string, string> {
  const groups = new Map<string, string>();
  let option: string | undefined;
  for (const [index, word] of words.entries()) {
    const isOption = /^-+[A-Za-z]/.test(word);
    if (isOption) option = word.split("=", 1)[0];
    const name = option ?? String(index + 1);
    groups.set(name, `${groups.get(name) ?? ""}\0${word}`);
  }
  return groups;
}
