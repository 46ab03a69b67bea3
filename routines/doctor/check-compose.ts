/** Docker's compose plugin: whether it is there, and new enough for services' files and for `provider:`. */
import { readComposeVersion } from "../engine/find-compose.ts";
import { FIRST_COMPOSE, readProvider } from "../provider/read-provider.ts";
import { isOlder } from "./_is-older.ts";
import type { Check } from "./check.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface ComposeFacts {
  /** Undefined where there is no plugin. */
  version: string | undefined;
  /** `harbor provider install` was run. */
  isProvider: boolean;
  /** Services that need it. */
  needing: readonly string[];
  platform: NodeJS.Platform;
}

/** Inline configs came with it. */
const OLDEST = "2.23.1";

export function judgeCompose({ version, isProvider, needing, platform }: ComposeFacts): Finding {
  const update =
    platform === "darwin" ? "Update Docker Desktop, or `brew upgrade docker-compose`" : "Update the package docker-compose-plugin";
  if (version === undefined) {
    const install = "install the package docker-compose-plugin (docker-compose-v2 on Ubuntu, docker-compose on Fedora and Debian 13)";
    const trouble = {
      what: "docker's compose plugin is not installed",
      why: needing.length > 0 ? `It is needed for ${needing.join(", ")}` : "No container can run without it; native services can",
      fix: platform === "linux" ? `As root ${install}` : "Install Docker Desktop, or `brew install docker-compose`",
    };
    return needing.length > 0 ? failed(trouble) : warning(trouble);
  }
  const what = `docker compose ${version}`;
  if (isOlder(version, OLDEST)) {
    return failed({ what: `${what}, older than ${OLDEST}`, why: "Services' files ask for what it does not know", fix: update });
  }
  if (!isOlder(version, FIRST_COMPOSE)) return ok(what);
  if (!isProvider) return ok(`${what}; plain \`docker compose\` with \`provider:\` would need ${FIRST_COMPOSE}`);
  const why = "`harbor provider` is installed, and compose does not know of providers";
  return warning({ what: `${what}, older than ${FIRST_COMPOSE}`, why, fix: update });
}

export const checkCompose: Check = {
  name: "compose",
  group: "engine",
  about: "docker's compose plugin and its version",
  async run(context) {
    const { env, home, platform } = context;
    const version = await readComposeVersion({ env, home });
    const { isInstalled } = await readProvider({ env, home });
    return judgeCompose({ version, isProvider: isInstalled, needing: await context.contained(), platform });
  },
};
