/** Who may read what holds secrets: files of mode 0600, the state's folder of mode 0700. */
import { chmodSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { listProfileFiles } from "../config/profiles.ts";
import { secretsFile } from "../config/read-secrets.ts";
import { configFile } from "../config/write-values.ts";
import { stateOf } from "../stack/read-stack.ts";
import type { Check } from "./check.ts";
import { listOverrides } from "./check-config.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface ModeFacts {
  path: string;
  mode: number;
  /** It is this user's, who alone may change its mode. */
  isOwn: boolean;
  isFolder: boolean;
}

const OTHERS = 0o077;

export function judgeModes(files: readonly ModeFacts[]): Finding[] {
  const found = files.flatMap((file) => judgeMode(file) ?? []);
  return found.length > 0
    ? found
    : [ok(files.length === 0 ? "nothing with secrets is there yet" : "nobody else can read what holds secrets")];
}

function judgeMode({ path, mode, isOwn, isFolder }: ModeFacts): Finding | undefined {
  if (!isOwn) {
    return warning({
      what: `${path} belongs to another user`,
      why: "Harbor, run by you, may not be able to change it: it was run as root once, perhaps with sudo",
      fix: `sudo chown -R "$(id -un)" ${path}`,
    });
  }
  if ((mode & OTHERS) === 0) return undefined;
  const wanted = isFolder ? 0o700 : 0o600;
  return failed({
    what: `${path} has mode ${word(mode)}: others on this host can get at it`,
    why: isFolder ? "Values of secrets, and the sockets by which services are controlled, are in it" : "There are keys and passwords in it",
    fix: `chmod ${word(wanted)} ${path}`,
    mend: () => {
      chmodSync(path, wanted);
      return `${path} has mode ${word(wanted)} now`;
    },
  });
}

function word(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, "0");
}

function readMode(path: string): ModeFacts[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || (!found.isFile() && !found.isDirectory())) return [];
  return [{ path, mode: found.mode, isOwn: found.uid === (process.getuid?.() ?? found.uid), isFolder: found.isDirectory() }];
}

/** Files of the state itself: its folder keeps others out, and a backup of them does not. */
function listState(directory: string): string[] {
  return readNames(directory)
    .filter((name) => /\.(?:env|yml|json)$/.test(name))
    .map((name) => join(directory, name));
}

/** Passwords of what is exposed, and the key of the authority that devices trust. */
function listReachSecrets(home: string): string[] {
  const folder = join(home, "reach");
  return readNames(folder)
    .filter((name) => /\.(?:key|password)$/.test(name))
    .map((name) => join(folder, name));
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // never made
  }
}

export const checkModes: Check = {
  name: "modes",
  group: "state",
  about: "who may read what holds secrets",
  run({ home }) {
    const { directory } = stateOf(home);
    return judgeModes(
      [
        directory,
        configFile(home),
        secretsFile(home),
        ...listOverrides(home),
        ...listProfileFiles(home),
        ...listReachSecrets(home),
        ...listState(directory),
      ].flatMap(readMode),
    );
  },
};
