/** The healthcheck of a proxy: as healthy as the native service behind it, asked through the proxy. */
import { isIpAddress, isLoopback, type ServerAddress } from "../config/connection.ts";
import { isLocalAddress } from "../host/is-local-address.ts";
import type { OfferingSpec } from "../native/resolve-contract.ts";
import type { ConnectedSpec } from "./_connect-services.ts";
import { quote } from "./_relay-programs.ts";
import { escapeDollars } from "./interpolate.ts";
import type { ComposeModel } from "./merge-compose.ts";

/** Where a proxy finds what the supervisor says of each service: one word in a file by its handle. */
export const HEALTH_FOLDER = "/health";

export interface ProxyHealthOptions {
  spec: OfferingSpec;
  /** Shell that sets `at` to the proxy's own address and port. */
  locate: string;
}

/** Whether the supervisor's word is needed: HTTP and connections tell all by themselves. */
export function needsSupervisor({ ready, idle }: OfferingSpec): boolean {
  const { status, body, exec, log, notify } = ready;
  return [status, body, exec, log, notify, idle].some((it) => it !== undefined);
}

/** Three bad answers two seconds apart: a process that is killed is seen within ten. */
export function proxyHealth({ spec, locate }: ProxyHealthOptions): ComposeModel {
  const lines = [...(needsSupervisor(spec) ? [supervisorsWord(spec)] : []), locate, question(spec)];
  return {
    test: ["CMD-SHELL", escapeDollars(lines.join("\n"))],
    interval: "2s",
    timeout: "3s",
    retries: 3,
    start_period: "120s",
  };
}

export interface RemoteHealthOptions extends Pick<ProxyHealthOptions, "locate"> {
  spec: ConnectedSpec;
}

/**
 * Any answer but a failure of the server's own, or of the relay that does not reach it. Whether it is what it stands in for
 * has been seen when it was connected; it may ask for a key that only its users have. A stranger's server is not asked every moment.
 */
export function remoteHealth({ spec: { question: asked, address }, locate }: RemoteHealthOptions): ComposeModel {
  const lines = asked.path === undefined ? [locate, connection] : [locate, anyAnswer(asked.path)];
  return {
    test: ["CMD-SHELL", escapeDollars(lines.join("\n"))],
    interval: isNear(address) ? "2s" : "10s",
    timeout: "5s",
    retries: 3,
    start_period: "10s",
  };
}

function isNear(address: ServerAddress): boolean {
  return isLoopback(address) || (isIpAddress(address.host) && isLocalAddress(address.host));
}

/** wget alone takes an error for a failure, and goes where a redirect leads. */
function anyAnswer(path: string): string {
  return `said=$(wget -Y off -q -S -O /dev/null "http://$at"${quote(path)} 2>&1) && exit 0
case $said in *"HTTP/1."[01]" "[1-4][0-9][0-9]*) exit 0 ;; esac
echo "$said"
exit 1`;
}

/**
 * What only the supervisor knows: a program's exit code, a line of the log, a body. Without a file there is no supervisor,
 * as for an ejected stack. One that sleeps is as good as ready, and must not be asked: that would wake it.
 */
function supervisorsWord({ handle, idle }: OfferingSpec): string {
  const good = idle === undefined ? "ready) ;;" : "ready | asleep) exit 0 ;;";
  return `file=${quote(`${HEALTH_FOLDER}/${handle}`)}
if [ -e "$file" ]; then read -r state < "$file"; case $state in ${good} *) echo "it is $state"; exit 1 ;; esac; fi`;
}

/**
 * `-Y off`: the engine may hand an HTTP proxy to its containers. Without a path, a connection that is not closed at once
 * is taken for health, since the relay itself takes every connection; its input is a pipe that never ends.
 */
function question({ ready }: OfferingSpec): string {
  if (ready.http !== undefined && ready.status === undefined && ready.body === undefined)
    return `wget -Y off -q -O /dev/null "http://$at"${quote(ready.http)}`;
  return connection;
}

const connection = `[ -p /dev/shm/quiet ] || mkfifo /dev/shm/quiet
timeout 1 nc "\${at%:*}" "\${at##*:}" 0<> /dev/shm/quiet > /dev/null
[ $? -ge 124 ]`;
