/**
 * What the containers of a bridge run: haproxy, and around it a few lines of shell that any image of it can run. A
 * service's ports and names in, the text of a program out. How they work together: docs/adr/0009-one-relay.md.
 */

export interface ListenerOptions {
  /** Of the files in `/sock` by which listener and relay find each other. */
  name: string;
  /** In the stack's network. */
  port: number;
}

/** Where a relay leads. */
export interface Backend {
  /** Of haproxy's configuration, beside what it listens on; nothing in them that a shell would take for its own. */
  lines: readonly string[];
  /** What these name, in a place that the container may write to. */
  file?: { path: string; text: string };
  /** After a start that failed: a name that nobody knows yet is looked up again, and each time haproxy says so. Half a second when left out. */
  retrySeconds?: number;
}

export interface RelayOptions extends Pick<ListenerOptions, "name">, Backend {}

/** A process, by host and port: its bytes as they are. */
export function toProcess(target: string): Backend {
  return { lines: [`server native ${target}`] };
}

/**
 * Threads: each moves one connection's bytes at a time, so that tokens of several streams do not wait for each other.
 * Buffers are of the size that large bodies want; a quiet connection has none. A connection to nothing ends at once, one
 * that waits is never cut, and one that only one side has closed ends as well.
 */
const TUNING = `  maxconn 8192
  no strict-limits
  nbthread 3
  tune.bufsize 262144
defaults
  mode tcp
  maxconn 8192
  retries 0
  timeout connect 3s
  timeout client 24d
  timeout server 24d
  timeout client-fin 10s
  timeout server-fin 10m
  option clitcpka
  clitcpka-idle 30s
  clitcpka-intvl 10s
  clitcpka-cnt 3`;

/** `alive PID`, false for a zombie too; `says FILE WORD`, whether the file begins with it. Builtins alone: they run every second. */
const FUNCTIONS = `cd /sock || exit 1
alive() { line=; { read -r line < "/proc/$1/cmdline"; } 2> /dev/null; [ -n "$line" ]; }
says() { word=; { read -r word _ < "$1"; } 2> /dev/null; [ "$word" = "$2" ]; }`;

/**
 * In the stack's network: listens there, and hands the listening socket itself to the relay, which then takes the
 * connections without this container. Whenever the relay no longer has it, it listens and offers anew.
 *
 * It binds this container's own addresses, each by itself, as the engine notes them in `/etc/hosts`: no other network has
 * them, so that the relay, should it not be given the sockets, cannot open them in the host's in their place. Those of
 * IPv6 are left out: one haproxy does not know them again in another's hands.
 */
export function listenerProgram({ name, port }: ListenerOptions): string {
  return `name=${quote(name)}
${FUNCTIONS}
while :; do
  rm -f "$name.fds"
  read -r offer < /proc/sys/kernel/random/uuid
  read -r self < /etc/hostname
  addresses=
  while read -r ip names; do
    case $ip in *:*) continue ;; esac
    case " $names " in *" $self "*) addresses=$addresses,$ip:${port} ;; esac
  done < /etc/hosts
  addresses=\${addresses#,}
  haproxy -f /dev/stdin << END &
global
  nbthread 1
  stats socket /sock/$name.fds mode 600 expose-fd listeners
defaults
  mode tcp
  timeout client 1s
frontend offered
  bind $addresses
END
  listener=$!
  until [ -S "$name.fds" ]; do alive $listener || exit 1; sleep 0.05; done
  echo "$offer $addresses" > "$name.offer.new" && mv "$name.offer.new" "$name.offer"
  until says "$name.taken" "$offer" || ! alive $listener; do sleep 0.1; done
  { kill -9 $listener; wait $listener; } 2> /dev/null
  rm -f "$name.fds"
  while says "$name.taken" "$offer"; do sleep 1; done
done
`;
}

/** In the host's network, where it listens on nothing: takes the listener's socket, and leads each connection to the process. */
export function relayProgram({ name, ...backend }: RelayOptions): string {
  return `name=${quote(name)}
${FUNCTIONS}
${writeFile(backend)}rm -f "$name.taken"
while :; do
  until [ -S "$name.fds" ] && { read -r offer addresses < "$name.offer"; } 2> /dev/null; do sleep 0.1; done
  rm -f "$name.up"
  haproxy -x "/sock/$name.fds" -f /dev/stdin << END &
global
  stats socket /sock/$name.up mode 600
${TUNING}
listen relay
  bind $addresses
${section(backend)}
END
  relay=$!
  until [ -S "$name.up" ] || ! alive $relay; do sleep 0.05; done
  if [ -S "$name.up" ]; then echo "$offer" > "$name.taken.new" && mv "$name.taken.new" "$name.taken"; else sleep ${backend.retrySeconds ?? 0.5}; fi
  while alive $relay && says "$name.offer" "$offer"; do sleep 1; done
  { kill -9 $relay; wait $relay; } 2> /dev/null
  rm -f "$name.taken"
done
`;
}

/** Where the host is reached by a name: one relay, which listens itself. */
export function gatewayProgram({ port, ...backend }: Pick<ListenerOptions, "port"> & Backend): string {
  return `${writeFile(backend)}exec haproxy -f /dev/stdin << END
global
${TUNING}
listen relay
  bind :${port}
${section(backend)}
END
`;
}

function section({ lines }: Backend): string {
  return lines.map((line) => `  ${line}`).join("\n");
}

function writeFile({ file }: Backend): string {
  return file === undefined ? "" : `cat > ${quote(file.path)} << 'FILE'\n${file.text.trimEnd()}\nFILE\n`;
}

/** One word of a shell, whatever is in it. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
