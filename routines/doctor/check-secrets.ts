/** Where secrets are kept, and whether the system's keychain, where they are in it, can be had from here. */
import { type KeychainProbe, probeKeychain } from "../config/probe-keychain.ts";
import { KEYCHAIN, keychainNames, readSecrets, secretsFile } from "../config/read-secrets.ts";
import type { Check } from "./check.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface SecretFacts {
  home: string;
  file: string;
  /** How many are in the file. */
  inFile: number;
  /** How many are in the keychain; undefined where none is in use. */
  inKeychain: number | undefined;
  /** As the keychain answers, where it is in use. */
  probe: KeychainProbe | undefined;
}

export function judgeSecrets(facts: SecretFacts): Finding {
  const { file, inFile, inKeychain, probe } = facts;
  if (inKeychain === undefined || probe === undefined)
    return ok(inFile === 0 ? `none is set; they go into ${file}` : countIn(inFile, file));
  const what = [countIn(inKeychain, "the system's keychain"), ...(inFile === 0 ? [] : [countIn(inFile, file)])].join(", ");
  if (inKeychain === 0) return judgeEmpty(what, probe);
  return judgeKeychain(what, probe, facts.home);
}

/** Nothing that starts needs one yet; new ones go there. */
function judgeEmpty(what: string, { state, why }: KeychainProbe): Finding {
  if (state !== "unreachable") return ok(`${what}, which answers`);
  return warning({
    what: `the system's keychain, where new secrets go, cannot be had here: ${why}`,
    why: "What makes or sets one ends with exit code 3",
    fix: "harbor secrets store file keeps them in a file instead",
  });
}

const NEEDED = "`harbor up` of what needs one of them ends with exit code 3";

function judgeKeychain(what: string, { state, why }: KeychainProbe, home: string): Finding {
  if (state === "open") return ok(`${what}, which answers`);
  if (state === "locked") {
    return warning({
      what: `${what}, which is locked`,
      why: "Whoever is next to need one of them is asked to unlock it; where nobody can be asked, it does not start",
      fix: "Unlock it; `harbor secrets store file` keeps them in a file from then on",
    });
  }
  if (state === "empty") {
    return failed({
      what: `${what}, which has no entry of Harbor's for ${home}`,
      why: NEEDED,
      fix: "Unlock it, in the session where they were put into it; where they are lost: harbor secrets store file --forget",
    });
  }
  return failed({
    what: `${what}, which cannot be had here: ${why}`,
    why: NEEDED,
    fix: "Unlock it in this session (over ssh there is none as a rule), and `harbor secrets store file` there keeps them in a file instead",
  });
}

function countIn(count: number, place: string): string {
  return `${count} ${count === 1 ? "secret" : "secrets"} in ${place}`;
}

/** Nobody is asked meanwhile, so that it is quick. */
const PATIENCE_MS = 2_000;

export const checkSecrets: Check = {
  name: "secrets",
  group: "state",
  about: "where secrets are kept, and whether the keychain answers",
  async run({ home, env, platform }) {
    const inFile = readSecrets(home).find(({ origin }) => origin !== KEYCHAIN)?.values.size ?? 0;
    const inKeychain = keychainNames(home)?.length;
    const probe = inKeychain === undefined ? undefined : await probeKeychain({ home, env, platform, timeoutMs: PATIENCE_MS });
    return judgeSecrets({ home, file: secretsFile(home), inFile, inKeychain, probe });
  },
};
