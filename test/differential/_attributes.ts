/**
 * Every attribute of the compose schema, each with values that meet and part in ways the rules of merging are about.
 * The keys are the list that the suite asserts its coverage against.
 */
import type { Random } from "./_random.ts";
import { host, Raw } from "./_write-yaml.ts";

type Make = (random: Random) => unknown;

const one =
  (...values: unknown[]): Make =>
  (random) =>
    random.pick(values);
const list =
  (...values: unknown[]): Make =>
  (random) =>
    random.some(values, 4);
/** For lists that keep duplicates, which the schema then refuses: few of many. */
const few =
  (...values: unknown[]): Make =>
  (random) =>
    random.some(values, 2);
const map =
  (fields: Record<string, Make>): Make =>
  (random) =>
    Object.fromEntries(random.some(Object.keys(fields), 4).map((key) => [key, (fields[key] as Make)(random)]));
const either =
  (...makes: Make[]): Make =>
  (random) =>
    random.pick(makes)(random);
const bool = one(true, false, "true", "${YES}");

/** `KEY=value` in a list, or a map; some keys only meet once they are interpolated. */
const pairs: Make = either(
  list("A=1", "B=two", "A=3", "C", "C=", "${NAME}=four", "D=a=b", "E=${UNSET:-e}", "F=$${literal}", "${PAIR}", "G= spaced ", "A=${NAME}"),
  map({
    A: one("1", 2, true, "${NAME}"),
    B: one("x", "", "a=b"),
    C: one(null, "c"),
    D: one(1.5, Raw_("0777"), Raw_("1_000")),
    FOO: one("four"),
  }),
  map({ E: one("e", 0), F: one("$${x}", false), G: one(Raw_("1e3"), Raw_("12345678901234567890"), -1), "k.v/w": one("dotted") }),
);
const command: Make = one("run --all", ["run", "--all"], ["sh", "-c", "echo $$HOME ${NAME}"], [], "", null);
const size = one("64m", "1g", 1048576);
const mounts = (folder: string): Make =>
  list(
    `${folder}1`,
    `${folder}2`,
    { source: `${folder}1`, target: "/elsewhere" },
    { source: `${folder}2`, target: "/elsewhere", mode: Raw_("0440") },
    { source: `${folder}1`, uid: "103", gid: "104", mode: 288 },
    { source: `${folder}2`, target: `/run/secrets/${folder}1` },
    `\${${folder.toUpperCase()}}`,
  );
const hosts: Make = either(
  list("a=10.0.0.1", "b:10.0.0.2", "a=10.0.0.3", "a:10.0.0.1", "gw=host-gateway", "v6=::1"),
  map({ a: one("10.0.0.4", ["10.0.0.6", "10.0.0.5"]), b: one("10.0.0.2"), c: one("${IP}") }),
);
const ulimits = map({ nofile: one(1024, { soft: 10, hard: 20 }, { soft: 5, hard: 6 }), nproc: one(65535, 1), core: one(0, Raw_("0x10")) });
const labels = pairs;
const devices = list(
  { driver: "nvidia", count: 1, capabilities: ["gpu"] },
  { driver: "cdi", device_ids: ["nvidia.com/gpu=all"], capabilities: ["gpu"] },
  {
    capabilities: ["gpu", "utility"],
    options: { a: "b" },
  },
);
const ports: Make = list(
  "80",
  80,
  "8080:80",
  "8081:80",
  "127.0.0.1:8080:80",
  "8080:80/udp",
  "3000-3003:3000-3003",
  "3001:3001",
  "9000-9002:9000",
  "${PORT}:80",
  "${UNSET:-8080}:80",
  "[::1]:8080:80",
  "5000-5002",
  "5001",
  "9998-10001:9998-10001",
  { target: 80, published: "8080" },
  { target: 80, published: 8080, protocol: "tcp" },
  { target: "80", published: "${PORT}", mode: "host" },
  { target: 80, host_ip: "127.0.0.1", published: "8080", name: "web", app_protocol: "http" },
  { target: 53, protocol: "udp" },
);
const volumes: Make = list(
  "data:/data",
  "cache:/data",
  `${host("./local")}:/data:ro`,
  `${host("./local")}:/other`,
  `\${UNSET:-${host("./deep/er")}}:/data`,
  `\${UNSET:-${host("./x")}}:\${DIR}/y:ro,z`,
  "/abs:/data:rw",
  "~/home:/home",
  "/anonymous",
  "data:/data/",
  `${host("../up")}:/up:rshared`,
  "${VOLUME}:/data",
  {
    type: "bind",
    source: host("./local"),
    target: "/data",
    bind: { create_host_path: false, propagation: "rslave", selinux: "z", recursive: "disabled" },
  },
  { type: "volume", source: "data", target: "/data", read_only: true, volume: { nocopy: true, subpath: "sub" } },
  { type: "tmpfs", target: "/tmpfs", tmpfs: { size: 1000, mode: Raw_("0700") } },
  { type: "volume", source: "cache", target: "/other/", consistency: "cached" },
);
const watch: Make = list(
  { path: host("./src"), action: "sync", target: "/src", ignore: ["node_modules/"] },
  { path: host("./package.json"), action: "rebuild" },
  {
    path: host("./conf"),
    action: "sync+exec",
    target: "/conf",
    exec: { command: "reload", user: "root", privileged: true, working_dir: "/", environment: ["A=1"] },
  },
);
const hook: Make = list(
  { command: ["a", "b"], user: "root" },
  { command: "x y", privileged: true, working_dir: "/w", environment: { A: "1" } },
);
const update = map({
  parallelism: one(1, 2),
  delay: one("5s", "1m"),
  failure_action: one("pause", "continue"),
  monitor: one("10s"),
  max_failure_ratio: one(0.5, Raw_("1e-1")),
  order: one("start-first", "stop-first"),
});
const rates = list({ path: "/dev/a", rate: 1000 }, { path: "/dev/b", rate: "1mb" });

export const BUILD: Record<string, Make> = {
  context: one(host("./ctx"), host("."), "https://github.com/a/b.git", "git@github.com:a/b.git", `\${UNSET:-${host("./ctx2")}}`),
  dockerfile: one("Dockerfile.dev", "${NAME}.dockerfile"),
  dockerfile_inline: one("FROM scratch\nRUN a\n"),
  entitlements: list("network.host", "security.insecure"),
  args: pairs,
  ssh: either(list("default", `id=${host("./key")}`), map({ default: one(null), id: one(host("./key"), host("./key2")) })),
  labels,
  cache_from: list("a:1", "b:2", `type=local,src=./cache`),
  cache_to: list("type=inline", "user/app:cache"),
  no_cache: bool,
  additional_contexts: either(
    list(`a=${host("./a")}`, "b=docker-image://alpine", `\${NAME}=${host("./n")}`, "a=service:db"),
    map({ a: one(host("./a2")), FOO: one("https://x.test/y.git"), b: one(host("${NAME}")) }),
  ),
  network: one("host", "none"),
  pull: bool,
  target: one("dev", "prod"),
  shm_size: size,
  extra_hosts: hosts,
  isolation: one("default"),
  privileged: bool,
  secrets: mounts("secret"),
  tags: list("a:1", "a:2", "b=c", "b=d"),
  ulimits,
  platforms: list("linux/amd64", "linux/arm64"),
};

export const DEPLOY: Record<string, Make> = {
  mode: one("replicated", "global"),
  endpoint_mode: one("vip", "dnsrr"),
  replicas: one(2, 3),
  labels,
  rollback_config: update,
  update_config: update,
  resources: map({
    limits: map({ cpus: one(0.5, "0.25", Raw_("1.50")), memory: one("64m", "1g"), pids: one(10, 20) }),
    reservations: map({
      cpus: one("0.1"),
      memory: one("32m"),
      generic_resources: list({ discrete_resource_spec: { kind: "gpu", value: 1 } }, { discrete_resource_spec: { kind: "ssd", value: 2 } }),
      devices,
    }),
  }),
  restart_policy: map({ condition: one("on-failure", "any"), delay: one("5s"), max_attempts: one(1, 3), window: one("1m") }),
  placement: map({
    constraints: list("node.role==manager", "node.labels.a==b"),
    preferences: list({ spread: "node.labels.zone" }, { spread: "node.labels.rack" }),
    max_replicas_per_node: one(1, 2),
  }),
};

/** The attributes of a service. */
export const SERVICE: Record<string, Make> = {
  annotations: labels,
  attach: bool,
  blkio_config: map({
    device_read_bps: rates,
    device_read_iops: rates,
    device_write_bps: rates,
    device_write_iops: rates,
    weight: one(300, 500),
    weight_device: list({ path: "/dev/a", weight: 100 }, { path: "/dev/b", weight: 200 }),
  }),
  build: either(one(host("./short"), host("."), "https://x.test/a.git"), map(BUILD), map(BUILD), map(BUILD)),
  cap_add: list("ALL", "NET_ADMIN", "SYS_TIME", "${CAP}"),
  cap_drop: list("ALL", "NET_ADMIN", "SYS_TIME"),
  cgroup: one("host", "private"),
  cgroup_parent: one("m-executor", "x"),
  command,
  configs: mounts("config"),
  container_name: one("one", "two", "${NAME}"),
  cpu_count: one(1, "2"),
  cpu_percent: one(10, "20"),
  cpu_period: one(1000, "2000"),
  cpu_quota: one(1000, "${CPUS}"),
  cpu_rt_period: one(1300, "1400"),
  cpu_rt_runtime: one(300, "400"),
  cpu_shares: one(73, "74"),
  cpus: one(0.5, "1.5", Raw_("2.50")),
  cpuset: one("0,1", "0-3"),
  credential_spec: map({ config: one("cfg"), file: one("spec.json"), registry: one("reg") }),
  depends_on: either(
    either(list("db", "cache"), list("${DEPENDENCY}", "cache")),
    map({
      db: one(
        { condition: "service_healthy" },
        { condition: "service_started", restart: true },
        { condition: "service_healthy", required: false },
      ),
      cache: one({ condition: "service_completed_successfully" }, { condition: "service_healthy", restart: false }),
    }),
  ),
  deploy: map(DEPLOY),
  develop: map({ watch }),
  device_cgroup_rules: few("c 1:3 mr", "a 7:* rmw", "c 2:3 r", "c 4:3 r", "c 5:3 r", "c 6:3 r", "c 7:3 r"),
  devices: list("/dev/a:/dev/x", "/dev/b:/dev/x:r", "/dev/c", "/dev/c:/dev/c:rw", "nvidia.com/gpu=all", "${DEVICE}:/dev/x", {
    source: "/dev/z",
    target: "/dev/x",
    permissions: "rw",
  }),
  dns: either(one("8.8.8.8", "1.1.1.1"), list("8.8.8.8", "9.9.9.9", "${IP}", "")),
  dns_opt: list("use-vc", "ndots:5", "timeout:1"),
  dns_search: either(one("a.test", "b.test"), list("a.test", "c.test")),
  domainname: one("d.test", "${NAME}.test"),
  entrypoint: command,
  env_file: either(
    one(host("./a.env"), host("b.env")),
    list(host("./a.env"), host("./b.env"), { path: host("./a.env"), required: false }, { path: host("./none.env"), required: false }),
  ),
  environment: pairs,
  expose: list("80", 80, "8000-8010", 443, "${PORT}"),
  external_links: few("redis", "db:mysql", "a", "b", "c:d", "e:f"),
  extra_hosts: hosts,
  gpus: either(one("all"), devices),
  group_add: few("mail", 1000, "audio", "video", "1001", "render", "${NAME}"),
  healthcheck: map({
    disable: one(true, false),
    interval: one("5s", "1m30s"),
    retries: one(3, "5"),
    test: one(["CMD", "a"], ["CMD-SHELL", "a || b"], "curl $$HOST", ["NONE"]),
    timeout: one("1s", "2s"),
    start_period: one("5s"),
    start_interval: one("1s", "2s"),
  }),
  hostname: one("h1", "h2"),
  image: one("a:1", "b:${UNSET:-2}", "${NAME}/c"),
  init: bool,
  ipc: one("host", "shareable"),
  isolation: one("default", "hyperv"),
  label_file: either(one(host("./one.labels")), list(host("./one.labels"), host("./two.labels"))),
  labels,
  links: list("db", "db:database", "cache", "cache:c"),
  logging: map({
    driver: one("json-file", "syslog", "${DRIVER}"),
    options: map({ "max-size": one("1m", "2m"), "max-file": one("3", 4), tag: one(null, "t") }),
  }),
  mac_address: one("02:42:ac:11:65:43", "02:42:ac:11:65:44"),
  mem_limit: size,
  mem_reservation: size,
  mem_swappiness: one(60, "70"),
  memswap_limit: one("2g", -1),
  network_mode: one("host", "none", "service:db"),
  networks: either(
    either(list("front", "back"), list("back", "${NETWORK}")),
    map({
      front: one(
        null,
        { aliases: ["a", "b"] },
        { aliases: ["b", "c"], priority: 100 },
        { ipv4_address: "172.16.238.10", ipv6_address: "2001:3984:3989::10" },
      ),
      back: one(
        null,
        { link_local_ips: ["57.123.22.11"], mac_address: "02:42:ac:11:65:45" },
        { driver_opts: { a: "1" }, link_local_ips: ["57.123.22.13"] },
        { driver_opts: { b: 2 } },
      ),
    }),
  ),
  oom_kill_disable: bool,
  oom_score_adj: one(100, "-100"),
  pid: one("host", "service:db"),
  pids_limit: one(10, "20", -1),
  platform: one("linux/amd64", "linux/arm64"),
  ports,
  post_start: hook,
  pre_stop: hook,
  privileged: bool,
  profiles: list("a", "b", "c"),
  pull_policy: one("always", "missing", "if_not_present", "build"),
  read_only: bool,
  restart: one("always", "no", "on-failure:3", "unless-stopped"),
  runtime: one("runc", "nvidia"),
  scale: one(1, 2, "3"),
  secrets: mounts("secret"),
  security_opt: few("no-new-privileges:true", "label:user:USER", "seccomp=unconfined", "a", "b=c", "b=d", "e"),
  shm_size: size,
  stdin_open: bool,
  stop_grace_period: one("1s", "1m30s"),
  stop_signal: one("SIGTERM", "SIGUSR1"),
  storage_opt: map({ size: one("1G", "2G"), other: one("x") }),
  sysctls: either(
    list("net.core.somaxconn=1024", "net.ipv4.tcp_syncookies=0", "net.core.somaxconn=1"),
    map({ "net.core.somaxconn": one(512, "256"), a: one("b") }),
  ),
  tmpfs: either(one("/run", "/tmp"), list("/run", "/tmp:size=1m", "/run:mode=700", "${DIR}")),
  tty: bool,
  ulimits,
  user: one("root", "1000:1000", "${NAME}"),
  userns_mode: one("host"),
  uts: one("host"),
  volumes,
  volumes_from: few("db", "cache:ro", "container:x:rw", "container:y", "db:ro", "cache"),
  working_dir: one("/a", "/b"),
};

const external: Make = one(true, false, "true");

/** The attributes of what stands at the top level beside services. */
export const RESOURCES: Record<string, Record<string, Make>> = {
  networks: {
    name: one("n1", "n2-${NAME}"),
    driver: one("bridge", "overlay"),
    driver_opts: map({ a: one("1", 2), b: one("x", 1.5) }),
    ipam: map({
      driver: one("default"),
      config: list(
        { subnet: "172.28.0.0/16", gateway: "172.28.5.254" },
        { subnet: "172.28.0.0/16", ip_range: "172.28.5.0/24", aux_addresses: { a: "172.28.1.5" } },
        { subnet: "10.1.0.0/16" },
        { subnet: "${SUBNET}", aux_addresses: { b: "172.28.1.6" } },
      ),
      options: map({ foo: one("bar"), baz: one("0") }),
    }),
    external,
    internal: bool,
    enable_ipv4: bool,
    enable_ipv6: bool,
    attachable: bool,
    labels,
  },
  volumes: {
    name: one("v1", "v-${NAME}"),
    driver: one("local", "nfs"),
    driver_opts: one(
      { type: "none", o: "bind", device: host("./bound") },
      { o: "bind", device: host("./bound2") },
      { type: "nfs", o: "addr=x" },
      { size: 5 },
    ),
    external,
    labels,
  },
  configs: {
    name: one("c1", "c2"),
    content: one("text $${x}", "a\nb\n"),
    environment: one("NAME"),
    file: one(host("./conf.txt"), "/abs/conf"),
    external,
    labels: map({ a: one("1"), b: one("2") }),
    template_driver: one("golang"),
  },
  secrets: {
    name: one("s1", "s2"),
    environment: one("NAME", "UNSET_SECRET"),
    file: one(host("./secret.txt"), `\${UNSET:-${host("./s2")}}`),
    external,
    labels: map({ a: one("1"), b: one("2") }),
    driver: one("vault"),
    driver_opts: map({ a: one("1"), b: one("2") }),
    template_driver: one("golang"),
  },
};

/** What the variables in these values stand for. */
export const VARIABLES: Record<string, string> = {
  NAME: "FOO",
  PAIR: "B=paired",
  PORT: "8080",
  IP: "10.0.0.9",
  DIR: "/data",
  VOLUME: "cache",
  NETWORK: "front",
  DEPENDENCY: "db",
  DEVICE: "/dev/q",
  DRIVER: "syslog",
  CAP: "NET_ADMIN",
  CPUS: "3000",
  YES: "true",
  SUBNET: "172.28.0.0/16",
  SECRET: "secret1",
  CONFIG: "config2",
};

function Raw_(text: string): Raw {
  return new Raw(text);
}
