/**
 * What a leased service consists of for the engine, as two compose models: the *companion*, a project of Harbor's own
 * with the containers by which the service is found under its name in the user's networks; and the *mirror*, a container
 * of the user's project that says there what the process says and is as healthy as it is.
 */
import { escapeDollars, interpolate } from "../compose/interpolate.ts";
import type { MadePlan } from "../compose/make-plan.ts";
import type { ComposeModel } from "../compose/merge-compose.ts";
import { IMAGE } from "../compose/write-proxy.ts";
import type { LeaseName } from "../stack/leases.ts";

type Service = Record<string, unknown>;

export interface CompanionOptions {
  made: MadePlan;
  handle: string;
  lease: LeaseName;
  /** The project of Harbor's own. */
  project: string;
  /** Names of networks as the engine knows them. */
  networks: readonly string[];
}

/** What stands in for the service in a stack of Harbor's, under the name that it has in the user's file. */
export function companionModel({ made, handle, lease, project, networks }: CompanionOptions): ComposeModel {
  const { services: all, networks: _, ...rest } = made.merged.model;
  const own = made.selection.contracts.get(handle)?.service ?? handle;
  const rename = (name: string): string => (name === own ? lease.service : name);
  const joined = Object.fromEntries(networks.map((name, index) => [`user-${index + 1}`, { name, external: true }]));
  const services = Object.entries((all ?? {}) as Record<string, Service>)
    .filter(([name]) => made.standIns.includes(name))
    .map(([name, service]) => {
      const { ports: _ports, container_name: _name, networks: _networks, depends_on: dependsOn, ...kept } = service;
      const others = dependsOn === undefined ? {} : { depends_on: renameKeys(dependsOn, rename) };
      const where = service.network_mode === undefined ? { networks: Object.keys(joined) } : {};
      return [rename(name), { ...kept, ...others, ...where, labels: labelsOf(handle) }];
    });
  return { name: project, services: Object.fromEntries(services), ...rest, networks: joined };
}

export interface MirrorOptions {
  made: MadePlan;
  handle: string;
  lease: LeaseName;
  /** `$HARBOR_HOME/state`. */
  stateDirectory: string;
}

/**
 * Prints the log as it grows, less what Harbor writes in front of each line. Restarted it goes on where it was stopped:
 * the note of that is in the container's own layer.
 */
const PROGRAM = `cd /log || exit 1
note=/tmp/mirrored
since=
[ ! -r $note ] || read -r since < $note
trap 'date -u +%Y-%m-%dT%H:%M:%S > $note; exit 0' TERM
tail -n 1000 -F log 2> /dev/null | while IFS= read -r line; do
  [ "\${line%% *}" \\< "$since" ] && continue
  line=\${line#* }
  case $line in
  out* | err*)
    line=\${line#* }
    printf '%s\\n' "\${line#* }"
    ;;
  esac
done &
wait`;

/** The supervisor's word, which knows more than any probe from here. */
const HEALTH = `read -r state < /health/"$1" || state=gone
case $state in ready | asleep) ;; *)
  echo "it is $state"
  exit 1
  ;;
esac`;

/** In no network and without any right but to read these two folders. */
export function mirrorModel({ made, handle, lease, stateDirectory }: MirrorOptions): ComposeModel {
  const mirror: Service = {
    image: escapeDollars(interpolate(IMAGE, made.values.get)),
    entrypoint: ["/bin/sh", "-c"],
    command: [escapeDollars(PROGRAM)],
    user: `${made.values.get("HARBOR_USER_ID")}:${made.values.get("HARBOR_GROUP_ID")}`,
    init: true,
    network_mode: "none",
    cap_drop: ["ALL"],
    security_opt: ["no-new-privileges:true"],
    stop_signal: "SIGTERM",
    restart: "on-failure",
    // of bounded size by itself, whatever the engine's default is
    logging: { driver: "local" },
    volumes: [bind(`${stateDirectory}/native/${handle}`, "/log"), bind(`${stateDirectory}/health`, "/health")],
    healthcheck: {
      test: ["CMD", "/bin/sh", "-c", escapeDollars(HEALTH), "health", handle],
      interval: "2s",
      timeout: "3s",
      retries: 1,
    },
    labels: labelsOf(handle),
  };
  return { name: lease.project, services: { [lease.service]: mirror } };
}

function bind(source: string, target: string): Service {
  return { type: "bind", source: escapeDollars(source), target, read_only: true, bind: { create_host_path: false } };
}

/** By which `harbor down` and the project's own end find it. */
function labelsOf(handle: string): Record<string, string> {
  return { "harbor.handle": handle, "harbor.runtime": "native" };
}

/** Of `depends_on` in either spelling. */
function renameKeys(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((name) => rename(String(name)));
  return Object.fromEntries(Object.entries(value as object).map(([name, entry]) => [rename(name), entry as unknown]));
}
