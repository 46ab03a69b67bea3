/** Sets written by hand: one for each trap known, named after it. The first texts are the `-f` list, the rest stands beside. */
import type { FileSet } from "./_make-set.ts";

interface HandMade {
  /** What the set is about. */
  about: string;
  /** In the order of `-f`. */
  files: string[];
  beside?: Record<string, string>;
}

const web = (body: string): string => `services:\n  web:\n    image: web\n${indented(body)}`;
const over = (body: string): string => `services:\n  web:\n${indented(body)}`;
const indented = (body: string): string =>
  body
    .split("\n")
    .map((line) => (line === "" ? "" : `    ${line}`))
    .join("\n");

/** A list of one attribute over another. */
const meet = (about: string, ...bodies: string[]): HandMade => ({
  about,
  files: bodies.map((body, at) => (at === 0 ? web(body) : over(body))),
});

const SETS: HandMade[] = [
  // Rule 1: interpolation comes before merging.
  meet("volume split steps over ${…}", "volumes: ['${A:-./x}:${HOME}/y:ro']", "volumes: ['./other:/nonexistent/home/y']"),
  meet("volume keys equal after interpolation", "volumes: ['./a:${DIR}']", "volumes: ['./b:/data']"),
  meet("port keys equal after interpolation", "ports: ['${PORT}:80']", "ports: ['8080:80']"),
  meet("environment names equal after interpolation", "environment: ['${NAME}=1']", "environment: ['FOO=2']"),
  meet("a whole pair from a variable", "environment: ['${PAIR}']", "environment: ['B=2', 'C=3']"),
  meet("nested defaults", "environment: {A: '${U1:-${U2:-${NAME}}}'}", "environment: ['A2=${U1-x}${NAME:+y}${NAME+z}']"),
  meet("braces in a default", "environment: ['A=${U:-{\"a\":1}}']", "environment: ['B=${U:-{}}']"),
  meet("a lone dollar", "environment: ['A=5$', 'B=$5', 'C=$$x', 'D=a$ b']", "environment: ['E=$-']"),
  meet("a map key with a dollar", "labels: {'a$$b': '1', 'c$NAME': '2', x: null}", "labels: ['d=1']"),
  meet("an unclosed expression", "environment: ['A=${B']"),
  meet("a required variable that is missing", "environment: ['A=${MISSING:?say so}']"),
  meet("a required variable that is there", "environment: ['A=${NAME:?say so}']", "environment: ['B=${NAME?}']"),
  meet("a default with a newline", 'environment: {A: "${U:-x\\ny}"}'),
  meet("a default over two expressions on a line", "environment: {A: '${U:-x} and ${V:-y} }'}", "environment: {B: '${U:-{x} ${V:-y}'}"),
  meet("an expression with an odd name", "environment: {A: '${1A}'}"),
  meet("an expression with a space", "environment: {A: '${A B}'}"),
  meet("an alternative for an empty value", "environment: {A: '${EMPTY:+x}|${EMPTY+x}|${EMPTY:-d}|${EMPTY-d}'}"),
  // Rule 2: replaced lists, null.
  meet("command replaced", "command: [a, b]", "command: [c]"),
  meet("command list by text", "command: [a, b]", "command: c d"),
  meet("command reset by null", "command: [a, b]", "command:"),
  meet("entrypoint reset by null", "entrypoint: [a, b]", "entrypoint: ~"),
  meet("entrypoint by an empty list", "entrypoint: [a, b]", "entrypoint: []"),
  meet("healthcheck test replaced", "healthcheck: {test: [CMD, a], interval: 5s}", "healthcheck: {test: [CMD-SHELL, b], retries: 2}"),
  meet("healthcheck test null", "healthcheck: {test: [CMD, a]}", "healthcheck: {test: null}"),
  meet("null keeps image", "hostname: a", "image: null\nhostname:"),
  meet("null keeps environment", "environment: {A: 1}", "environment:"),
  meet("null keeps ports", "ports: ['80']", "ports:"),
  meet("null keeps depends_on", "hostname: x", "depends_on:"),
  meet("null logging", "logging: {driver: syslog}", "logging:"),
  meet("null written out for a value", "environment: {A: 1}\nhostname: null"),
  { about: "a null service over one that is there", files: [web("hostname: a"), "services:\n  web:\n"] },
  { about: "a service with nothing in it", files: ["services:\n  web:\n"] },
  { about: "a section with nothing in it", files: [`${web("hostname: a")}\nvolumes:\n`] },
  { about: "a section with nothing over one that is there", files: [`${web("hostname: a")}\nvolumes: {a: {}}\n`, "volumes:\n"] },
  // Rule 3: spellings that meet.
  meet("environment list over map", "environment: {A: 1, B: x, N: }", "environment: [A=2, C, B]"),
  meet(
    "environment map over list",
    "environment: [A=1, B=x]",
    "environment: {A: true, C: 1.0, D: 1e3, E: 0777, F: 2020-01-01, G: 12345678901234567890}",
  ),
  meet("environment map over map with null", "environment: {A: 1, B: x}", "environment: {A: , C: 0x10}"),
  meet("environment key with an equals sign", "environment: {'A=B': 1}", "environment: {'A': 2}"),
  meet("labels", "labels: [a=1, b]", "labels: {a: 2, c: null}"),
  meet("build args", "build: {args: [A=1, B]}", "build: {args: {A: 2, C: null}}"),
  meet("build text over map", "build: {context: ./a, target: t}", "build: ./b"),
  meet("build map over text", "build: ./a", "build: {target: t}"),
  meet("build null", "build: ./a", "build:"),
  meet("sysctls null value", "sysctls: {a: 1}", "sysctls: {b: null}"),
  meet("annotations", "annotations: {a: 1}", "annotations: [a=2, b]"),
  meet("extra_hosts order", "extra_hosts: {z: 1.1.1.1, a: [2.2.2.2, 1.1.1.2]}", "extra_hosts: ['a=2.2.2.2', 'b:3.3.3.3']"),
  meet("extra_hosts twice", "extra_hosts: ['a:1.1.1.1']", "extra_hosts: ['a:1.1.1.1', 'a=1.1.1.1']"),
  meet(
    "additional_contexts",
    "build: {context: ., additional_contexts: ['a=./x', 'b=docker-image://y']}",
    "build: {additional_contexts: {a: ./z}}",
  ),
  meet("dns text over list", "dns: [8.8.8.8, '']", "dns: 1.1.1.1"),
  meet("tmpfs list over text", "tmpfs: /run", "tmpfs: [/run, /tmp]"),
  meet("sysctls list over map", "sysctls: {a: 1, b: 2}", "sysctls: [a=3]"),
  meet("ssh list over list", "build: {context: ., ssh: [default]}", "build: {ssh: [default]}"),
  meet("ssh map over list", "build: {context: ., ssh: [default]}", "build: {ssh: {default: null}}"),
  meet("gpus all over all", "gpus: all", "gpus: all"),
  meet("gpus list over all", "gpus: all", "gpus: [{count: 1, driver: nvidia}]"),
  // Rule 4: lists in which a thing stands once.
  meet(
    "ports: range cut by a later port",
    "ports: ['3000-3003:3000-3003', '9:9']",
    "ports: [{target: 3001, published: '3001', mode: host}]",
  ),
  meet("ports: range over range", "ports: ['3000-3003:3000-3003']", "ports: ['3002-3004:3002-3004']"),
  meet("ports: range of targets only", "ports: ['3000-3002']", "ports: ['3001']"),
  meet("ports: range of published for one target", "ports: ['8000-8010:80']", "ports: ['8000-8010:80', '8000:80']"),
  meet("ports: number and text", "ports: [80, '81']", "ports: ['80', 81]"),
  meet("ports: published as number and as text", "ports: ['8080:80']", "ports: [{target: 80, published: 8080}]"),
  meet("ports: addresses", "ports: ['127.0.0.1:80:80', '[::1]:80:80']", "ports: ['80:80', '127.0.0.1::80', '[::1]:80:80/tcp']"),
  meet("ports: an IPv6 address without brackets", "ports: ['::1:80:80']", "ports: ['[::1]:80:80/tcp']"),
  meet("ports: 0.0.0.0 given and meant", "ports: ['0.0.0.0:80:80']", "ports: ['80:80']"),
  meet("ports: protocol in capitals", "ports: ['80:80/TCP']", "ports: ['80:80/tcp', '80:80/UDP']"),
  meet("ports: octal number", "ports: [0120]", "ports: ['80']"),
  meet("ports: sorted as text", "ports: ['9999-10001:9999-10001']", "ports: ['10000:10000/udp']"),
  meet("ports: twice in one file", "ports: ['80:80', '81:81', '80:80']", "ports: ['81:81']"),
  meet("ports: unreadable", "ports: ['80:80']", "ports: ['x:80']"),
  meet("ports: bad address", "ports: ['80:80']", "ports: ['300.0.0.1:80:80']"),
  meet("volumes: targets cleaned late", "volumes: ['./a:/x/', './b:/x']", "volumes: ['./c:/x/']"),
  meet("volumes: long target not cleaned", "volumes: ['./a:/x']", "volumes: [{type: bind, source: ./b, target: /x/}]"),
  meet("volumes: long target first", "volumes: [{type: bind, source: ./b, target: /x/}]", "volumes: ['./a:/x']"),
  meet("volumes: anonymous over bind", "volumes: ['./a:/x']", "volumes: [/x]"),
  meet("volumes: drive letters", "volumes: ['C:\\a:/x', 'd:/data:/y:ro']", "volumes: ['./b:/x']"),
  meet("volumes: one letter", "volumes: ['/a']", "volumes: ['./b:/a']"),
  meet("volumes: too many colons", "volumes: ['./a:/x:ro:z']"),
  meet("devices", "devices: ['/dev/a:/dev/b', '/dev/c']", "devices: ['/dev/d:/dev/b:r', {source: /dev/e, target: /dev/c}]"),
  meet("configs and secrets", "volumes: []", "volumes: []"),
  {
    about: "mounts by target",
    files: [
      `${web("configs: [a, {source: b, target: /x}]\nsecrets: [a, {source: b, target: c}]")}\nconfigs: {a: {file: ./a}, b: {file: ./b}}\nsecrets: {a: {file: ./a}, b: {file: ./b}}\n`,
      over(
        "configs: [{source: b, target: /a}, {source: a, target: /x, mode: 0440}]\nsecrets: [{source: b, target: /run/secrets/a}, {source: a, target: c}]",
      ),
    ],
  },
  meet("expose", "expose: ['80', 443]", "expose: [80, '443/tcp']"),
  meet("cache_from keeps duplicates", "build: {context: ., cache_from: [a, b]}", "build: {cache_from: [c]}"),
  meet("constraints append", "deploy: {placement: {constraints: [a==b]}}", "deploy: {placement: {constraints: [a==b]}}"),
  meet(
    "device reservations append",
    "deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 1, capabilities: [gpu]}]}}}",
    "deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 1, capabilities: [gpu]}]}}}",
  ),
  meet(
    "ulimits replaced",
    "ulimits: {nofile: {soft: 1, hard: 2}, nproc: 3}",
    "ulimits: {nofile: {soft: 2, hard: 3}, nproc: {soft: 1, hard: 1}}",
  ),
  meet("ulimits number over map", "ulimits: {nofile: {soft: 1, hard: 2}}", "ulimits: {nofile: 5}"),
  meet("env_file", "env_file: a.env", "env_file: [{path: a.env, required: false}, ./b.env]"),
  meet("label_file", "label_file: a.labels", "label_file: [b.labels]"),
  meet("a list where there was a map", "healthcheck: {test: x}", "healthcheck: [a]"),
  meet("a map where there was a list", "cap_add: [A]", "cap_add: {a: 1}"),
  meet("a number in a keyed list", "cap_add: [A]", "cap_add: [5]"),
  // Rule 7: scalars.
  {
    about: "scalars of Go",
    files: [
      web(
        "environment: {A: 0777, B: 1_000, C: 0b11, D: 0o17, E: 0x1F, F: 1.50, G: 12345678901234567890123, H: yes, I: on, J: ~, K: 1e3, L: .5, M: +5, N: -0, O: 08, P: 1:30, Q: 2001-12-14t21:59:43.10-05:00, R: 1_0.5, V: 0_7, W: 1__0, X: _1, Y: 1_, Z: '0777'}",
      ),
    ],
  },
  { about: "infinity", files: [web("environment: {S: .inf}"), over("environment: {T: -.INF}")] },
  { about: "not a number, in a list", files: [web("environment: [A=1]"), over("environment: {S: .nan, T: .Inf}")] },
  {
    about: "scalars of Go over others",
    files: [
      web("environment: [A=1]"),
      over(
        "environment: {A: 0777, B: 1_000, C: 0b11, D: 0o17, E: 0x1F, F: 1.50, H: yes, I: on, K: 1e3, L: .5, M: +5, N: -0, O: 08, P: 1:30, R: 1_0.5, S: .inf, T: -.INF, U: .nan, V: 0_7, W: 1__0, X: _1, Y: 1_}",
      ),
    ],
  },
  {
    about: "octal modes",
    files: [
      `${web("secrets: [{source: a, mode: 0440}]")}\nsecrets: {a: {file: ./a}}\n`,
      over("secrets: [{source: a, target: b, mode: 0o400}]"),
    ],
  },
  { about: "big integers", files: [web("mem_limit: 9007199254740993"), over("mem_limit: 9007199254740995")] },
  { about: "a block at the end without a newline", files: [web("environment:\n  A: |\n    one\n    two")] },
  { about: "a kept block at the end without a newline", files: [web("environment:\n  A: |+\n    one\n    two")] },
  {
    about: "blocks",
    files: [
      web(
        "environment:\n  A: |\n    one\n\n      two\n    # not a comment\n  B: |-\n    x\n\n  C: |+\n    y\n\n  D: >\n    folded\n    text\n\n    more\n  # a comment\n  E: z\n",
      ),
    ],
  },
  { about: "a block with a blank first line", files: [web("environment:\n  A: |\n\n    one\n  B: |2\n      two\n")] },
  {
    about: "multi-line plain and quoted scalars",
    files: [web("environment:\n  A: one\n    two\n  B: \"one\n    two\"\n  C: 'it''s\n\n    so'\n")],
  },
  { about: "escapes", files: [web('environment: {A: "\\x41\\u00e9\\U0001F600\\t\\e\\0", B: "a\\\n      b"}')] },
  { about: "an escaped slash", files: [web('environment: {A: "\\/"}')] },
  { about: "half a surrogate pair", files: [web('environment: {A: "\\ud83d"}')] },
  { about: "a surrogate pair", files: [web('environment: {A: "\\ud83d\\ude00"}')] },
  { about: "odd characters", files: [web('environment: {A: "\\u2028\\u0085\\u007f\\ufeff", B: "é ü 漢 😀", C: "a\\\\ud83d"}')] },
  { about: "comments and plain text", files: [web("environment:\n  A: a#b # comment\n  B: 'x' # y\n  C: http://x:80/#z\n")] },
  { about: "a colon in plain text", files: [web("environment:\n  D: a: b\n")] },
  {
    about: "plain text with odd marks",
    files: [web("environment:\n  A: a [b] {c}, d\n  B: -x\n  C: a & b * c ! d\n  D: 100%\n  E: '@x'\n  F: =\n")],
  },
  {
    about: "flow collections",
    files: [web("environment: {A: http://x:80, 'B': \"c\", D: [1, 2]}\ncommand: [a b, 'c', \"d\", -e, x:y]")],
  },
  { about: "a question mark between brackets", files: [web("command: [curl, http://x/?a=b]")] },
  { about: "a tag without a space", files: [web("hostname: a"), over("environment: {A: !reset}")] },
  { about: "a tag with a space and nothing after", files: [web("environment: {A: 1, B: 2}"), over("environment: {A: !reset }")] },
  { about: "a brace right after a colon", files: [web("environment: {A:{B: 2}}")] },
  meet(
    "an additional context without a name",
    "build: {context: ., additional_contexts: ['a=./x', '=./y']}",
    "build: {additional_contexts: {a: ./z}}",
  ),
  { about: "flow over lines", files: [web("command: [a,\n  b,\n  c]\nenvironment: {\n  A: 1,\n  B: 2,\n  }")] },
  { about: "windows line ends", files: [web("environment:\n  A: 1\n  B: |\n    x\n    y\n").replaceAll("\n", "\r\n")] },
  { about: "tabs", files: [web("environment:\n  A:\t1\n  B: a\tb\n")] },
  { about: "a byte order mark", files: [`\ufeff${web("hostname: a")}`] },
  { about: "question mark keys", files: [web("environment:\n  ? A\n  : 1\n")] },
  { about: "explicit tags", files: [web('environment: {A: !!str 5, B: !!int "5", C: !!float 1, D: !foo bar, E: !!bool "true"}')] },
  {
    about: "labels of a volume as two maps with the same in both",
    files: ["{A: a, B: b}", "{A: a, B: c}"].map((labels) => `${web("hostname: a")}volumes: {s: {labels: ${labels}}}\n`),
  },
  ...["volumes", "secrets", "configs"].flatMap((section) => {
    const more = section === "volumes" ? "" : "file: ./a.env, ";
    const file = (labels: string): string => `${web("hostname: a")}${section}: {s: {${more}labels: ${labels}}}\n`;
    return [
      { about: `labels of ${section} that differ`, files: [file("[a=1]"), file("[b=1]")] },
      { about: `labels of ${section} that stand there twice`, files: [file("[a=1]"), file("[b=1, a=1]")] },
    ];
  }),
  { about: "numbers as keys", files: [web("labels: {8080: a}")] },
  { about: "booleans as keys", files: [web("labels: {true: a}")] },
  { about: "words as keys", files: [web("labels: {yes: a, on: b, 'true': c, '1': d, \"null\": e}"), over("labels: {no: x, y: z}")] },
  { about: "a null key", files: [web("labels: {~: a}")] },
  { about: "keys with spaces", files: [web("labels:\n  a key: 1\n  'b key' : 2\n  c : 3\n")] },
  { about: "a very long key", files: [web(`labels:\n  ? ${"k".repeat(1500)}\n  : 1\n`)] },
  {
    about: "names out of JavaScript",
    files: [
      "services:\n  constructor:\n    image: a\n    environment: {toString: 1, hasOwnProperty: 2}\n",
      "services:\n  constructor:\n    environment: {valueOf: 3, toString: 4}\n",
    ],
  },
  // Rule 6: tags, anchors, several documents.
  meet("!reset a value", "hostname: a\nports: ['80']", "ports: !reset null\nhostname: !reset"),
  meet("!reset and set again later", "ports: ['80']", "ports: !reset []", "ports: ['81']"),
  meet("!override a list", "ports: ['80', '81']", "ports: !override ['82']"),
  meet("!override a map", "environment: {A: 1}", "environment: !override {B: 2}"),
  meet("!reset one name of a map", "environment: {A: 1, B: 2}", "environment: {A: !reset null}"),
  meet("!reset one name of a merged map", "environment: {A: 1, B: 2}", "environment: {C: 3}", "environment: {A: !reset null}"),
  meet("!reset one name of a list", "environment: [A=1, B=2]", "environment: {A: !reset null}"),
  meet("!reset a dependency of a list", "hostname: a", "hostname: b"),
  {
    about: "!reset inside depends_on",
    files: [
      "services:\n  web: {image: w, depends_on: [db, x]}\n  db: {image: d}\n  x: {image: x}\n",
      "services:\n  web:\n    depends_on:\n      db: !reset null\n",
    ],
  },
  {
    about: "!reset a network of a list",
    files: [`${web("networks: [a, b]")}\nnetworks: {a: {}, b: {}}\n`, over("networks: {a: !reset null}")],
  },
  { about: "!reset a service", files: [`${web("hostname: a")}\n  db: {image: d}\n`, "services:\n  db: !reset null\n"] },
  { about: "!reset a section", files: [`${web("hostname: a")}\nvolumes: {a: {}}\n`, "volumes: !reset null\n"] },
  { about: "!override a service", files: [web("hostname: a"), "services:\n  web: !override\n    image: b\n"] },
  meet("!reset an item of a list", "cap_add: [A, B]", "cap_add: [!reset A, C]"),
  meet("!reset within !override", "environment: {A: 1}", "environment: !override {B: !reset x, C: 1}"),
  meet("!reset a build context", "build: {context: ./a, target: t}", "build: {context: !reset null}"),
  { about: "!reset what is not there", files: [web("hostname: !reset null\ndomainname: d")] },
  {
    about: "anchors and merge keys",
    files: [
      "x-base: &base\n  image: a\n  environment: &env {A: 1, B: 2}\nservices:\n  web:\n    <<: *base\n    environment:\n      <<: *env\n      B: 3\n  db:\n    <<: [*base, {hostname: h, image: no}]\n",
      "services:\n  web:\n    environment: {C: 4}\n",
    ],
  },
  { about: "an anchor given twice", files: ["services:\n  a: {image: &i x}\n  b: {image: *i}\n  c: {image: &i y}\n  d: {image: *i}\n"] },
  {
    about: "an alias of a list",
    files: [
      "x-l: &l [A=1, B=2]\nservices:\n  a: {image: x, environment: *l}\n  b: {image: x, environment: *l}\n",
      "services:\n  a: {environment: [C=3]}\n",
    ],
  },
  {
    about: "!reset under an anchor",
    files: [
      "services:\n  a: {image: x, ports: ['80']}\n  b: {image: x, ports: ['80']}\n",
      "services:\n  a: &a\n    hostname: h\n    ports: !reset null\n  b: *a\n",
    ],
  },
  {
    about: "!override under an anchor",
    files: [
      "services:\n  a: {image: x, ports: ['80']}\n  b: {image: x, ports: ['80']}\n",
      "services:\n  a: &a\n    hostname: h\n    ports: !override ['81']\n  b: *a\n",
    ],
  },
  {
    about: "!reset through a merge key",
    files: ["services:\n  a: {image: x, ports: ['80']}\n", "x-a: &a {ports: !override ['81']}\nservices:\n  a:\n    <<: *a\n"],
  },
  { about: "an alias without an anchor", files: ["services:\n  a: *b\n"] },
  { about: "an anchor that contains itself", files: ["services: &s\n  a: *s\n"] },
  { about: "a merge key of text", files: ["services:\n  a:\n    <<: x\n    image: y\n"] },
  { about: "two merge keys", files: ["x-a: &a {image: x}\nx-b: &b {hostname: y}\nservices:\n  a:\n    <<: *a\n    <<: *b\n"] },
  {
    about: "several documents",
    files: [
      `${web("hostname: a")}\n---\n${over("hostname: b\nports: ['80']")}\n---\n${over("ports: ['81']")}`,
      over("ports: !override ['82']"),
    ],
  },
  { about: "an empty second document", files: [`${web("hostname: a")}\n---\n`] },
  { about: "a leading marker", files: [`---\n${web("hostname: a")}`, `# only a comment\n---\n${over("hostname: b")}\n...\n`] },
  { about: "a file with nothing in it", files: [web("hostname: a"), ""] },
  { about: "a file with a comment only", files: [web("hostname: a"), "# nothing\n"] },
  { about: "nothing at all", files: [""] },
  { about: "a list at the top", files: ["- a\n"] },
  { about: "text at the top", files: ["hello\n"] },
  // Rule 8: rules of their own.
  {
    about: "depends_on list over map",
    files: [
      "services:\n  web:\n    image: w\n    depends_on: {db: {condition: service_healthy, restart: true}}\n  db: {image: d}\n",
      over("depends_on: [db]"),
    ],
  },
  {
    about: "depends_on map over list",
    files: ["services:\n  web: {image: w, depends_on: [db]}\n  db: {image: d}\n", over("depends_on: {db: {condition: service_healthy}}")],
  },
  {
    about: "depends_on map without a condition",
    files: [
      "services:\n  web:\n    image: w\n    depends_on: {db: {condition: service_healthy}}\n  db: {image: d}\n",
      over("depends_on: {db: {restart: true}}"),
    ],
  },
  {
    about: "depends_on a service called x-",
    files: [
      "services:\n  web:\n    image: w\n    depends_on: {x-db: {condition: service_healthy, restart: true}}\n  x-db: {image: d, hostname: h}\n",
      "services:\n  web:\n    depends_on: {x-db: {required: false}}\n  x-db: {image: e}\n",
    ],
  },
  meet("logging: the same driver", "logging: {driver: a, options: {x: 1}}", "logging: {driver: a, options: {y: 2}}"),
  meet("logging: another driver", "logging: {driver: a, options: {x: 1}}", "logging: {driver: b}"),
  meet("logging: no driver", "logging: {driver: a, options: {x: 1}}", "logging: {options: {y: 2}}"),
  meet("logging: driver by a variable", "logging: {driver: syslog, options: {x: 1}}", "logging: {driver: '${DRIVER}', options: {y: 2}}"),
  {
    about: "networks map and list",
    files: [
      `${web("networks: {a: {aliases: [x]}, b: null}")}\nnetworks: {a: {}, b: {}, c: {}}\n`,
      over("networks: [a, c]"),
      over("networks: {a: {aliases: [x, y]}}"),
    ],
  },
  {
    about: "networks list with a variable",
    files: [`${web("networks: ['${NETWORK}']")}\nnetworks: {front: {}}\n`, over("networks: {front: {aliases: [y]}}")],
  },
  {
    about: "ipam",
    files: [
      `${web("hostname: a")}\nnetworks: {n: {ipam: {config: [{subnet: 10.1.0.0/16, gateway: 10.1.0.1}, {subnet: 10.2.0.0/16}]}}}\n`,
      "networks: {n: {ipam: {config: [{subnet: 10.2.0.0/16, ip_range: 10.2.1.0/24}, {subnet: 10.3.0.0/16}]}}}\n",
    ],
  },
  {
    about: "ipam with variables and without subnets",
    files: [
      `${web("hostname: a")}\nnetworks: {n: {ipam: {config: [{subnet: '\${SUBNET}'}, {gateway: 1.1.1.1}]}}}\n`,
      "networks: {n: {ipam: {config: [{subnet: 172.28.0.0/16, gateway: 2.2.2.2}, {gateway: 3.3.3.3}]}}}\n",
    ],
  },
  {
    about: "x- values replaced whole",
    files: [`${web("x-a: {b: 1, c: [1]}\nhostname: a")}\nx-top: {a: {b: 1}}\n`, `${over("x-a: {d: 2}")}\nx-top: {c: 2}\n`],
  },
  {
    about: "external by name",
    files: [
      `${web("hostname: a")}\nnetworks: {n: {external: {name: old}}}\nvolumes: {v: {external: true, name: x}}\n`,
      "networks: {n: {name: new}}\nvolumes: {v: {external: {name: x}}}\n",
    ],
  },
  {
    about: "external names that differ",
    files: [`${web("hostname: a")}\nvolumes: {v: {external: true, name: x}}\n`, "volumes: {v: {external: {name: y}}}\n"],
  },
  { about: "names of the project", files: [`name: one\n${web("hostname: a")}`, "name: Two.x\n", "name: ''\n"] },
  { about: "version", files: [`version: "3.8"\n${web("hostname: a")}`, 'version: "2"\n'] },
  { about: "version as a number", files: [`version: 3.8\n${web("hostname: a")}`] },
  { about: "an unknown attribute", files: [web("hostnam: a")] },
  // Rule 9: duplicate keys.
  { about: "a key twice", files: [web("hostname: a\nhostname: b")] },
  { about: "a key twice in two spellings", files: [web("hostname: a\n'hostname': b")] },
  { about: "a key twice in flow", files: [web("environment: {A: 1, A: 2}")] },
  { about: "a service twice", files: [`${web("hostname: a")}\n  db: {image: d}\n  web: {image: x}\n`] },
  // Rule 5: extends and include.
  {
    about: "extends in one file",
    files: [
      "services:\n  base: {image: b, ports: ['80'], environment: {A: 1}}\n  web:\n    extends: base\n    ports: ['81']\n    environment: [A=2]\n",
    ],
  },
  {
    about: "extends in one file keeps short lists",
    files: [
      "services:\n  base: {image: b, gpus: [{count: 1}], build: {context: ., ssh: [default]}}\n  web:\n    extends: {service: base}\n    build: {ssh: ['id=./k']}\n",
    ],
  },
  {
    about: "extends from a folder, in two steps",
    files: ["services:\n  web:\n    extends: {file: ext/base.yml, service: base}\n    env_file: a.env\n"],
    beside: {
      "ext/base.yml":
        "services:\n  base:\n    extends: {file: more/under.yml, service: under}\n    volumes: ['./data:/data', /n]\n    build: {context: ., dockerfile: D}\n",
      "ext/more/under.yml":
        "services:\n  under:\n    image: u\n    env_file: ./u.env\n    develop: {watch: [{path: ./src, action: rebuild}]}\n    volumes: ['../up:/up']\n",
      "ext/more/u.env": "U=1\n",
      "a.env": "A=1\n",
    },
  },
  {
    about: "extends resets",
    files: ["services:\n  web:\n    extends: {file: base.yml, service: base}\n    ports: !reset null\n    environment: !override {B: 2}\n"],
    beside: { "base.yml": "services:\n  base: {image: b, ports: ['80'], environment: {A: 1}}\n" },
  },
  {
    about: "extends with dependencies brought to long form",
    files: ["services:\n  web: {extends: {file: base.yml, service: base}}\n  db: {image: d}\n"],
    beside: {
      "base.yml":
        "services:\n  under: {image: b, depends_on: {db: {condition: service_healthy}}}\n  base: {extends: under, depends_on: {db: {restart: true}}}\n",
    },
  },
  { about: "extends in a circle", files: ["services:\n  a: {image: x, extends: b}\n  b: {image: x, extends: a}\n"] },
  { about: "extends itself", files: ["services:\n  a: {image: x, extends: a}\n"] },
  {
    about: "extends across files in a circle",
    files: ["services:\n  a: {image: x, extends: {file: b.yml, service: b}}\n"],
    beside: {
      "b.yml": "services:\n  b: {image: x, extends: {file: b.yml, service: c}}\n  c: {image: x, extends: {file: b.yml, service: b}}\n",
    },
  },
  { about: "extends what is not there", files: ["services:\n  a: {image: x, extends: nobody}\n"] },
  { about: "extends from a file that is not there", files: ["services:\n  a: {image: x, extends: {file: none.yml, service: b}}\n"] },
  {
    about: "extends by a variable",
    files: ["services:\n  web: {extends: {file: '${UNSET:-base}.yml', service: '${UNSET:-base}'}}\n"],
    beside: { "base.yml": "services:\n  base: {image: b}\n" },
  },
  {
    about: "extends, then a file on top",
    files: [
      "services:\n  web: {extends: {file: base.yml, service: base}, volumes: ['./a:/a']}\n",
      over("volumes: ['./b:/a']\nports: ['80:80']"),
    ],
    beside: { "base.yml": "services:\n  base: {image: b, volumes: ['./c:/a', './d:/d'], ports: ['80:80']}\n" },
  },
  {
    about: "include a file",
    files: ["include: [inc/compose.yml]\nservices:\n  web: {image: w, depends_on: [inc]}\n", "services:\n  inc: {environment: {B: 2}}\n"],
    beside: {
      "inc/compose.yml":
        "services:\n  inc:\n    image: i\n    build: {dockerfile: D}\n    environment: {A: '${INNER}'}\n    volumes: ['./data:/data']\n    env_file: i.env\n",
      "inc/.env": "INNER=inner\n",
      "inc/i.env": "I=1\n",
    },
  },
  {
    about: "include with an env file and a project directory",
    files: [
      "include:\n  - path: [inc/a.yml, inc/b.yml]\n    project_directory: other\n    env_file: [one.env, two.env]\nservices:\n  web: {image: w}\n",
    ],
    beside: {
      "inc/a.yml": "services:\n  inc: {image: '${IMG}', volumes: ['./d:/d'], environment: [ONE, TWO, '${NAME}=x']}\n",
      "inc/b.yml": "services:\n  inc: {image: '${IMG2}', hostname: '${ONE:?}'}\n",
      "one.env": "IMG=a\nONE=1$$x\n",
      "two.env": "IMG2=b-${IMG}\nTWO=2\nNAME=ignored\n",
      "other/x": "",
    },
  },
  {
    about: "include twice removed",
    files: ["include: ['inc/compose.yml']\nservices:\n  web: {image: w}\n"],
    beside: {
      "inc/compose.yml": "include: [deep/compose.yml]\nservices:\n  inc: {image: i, volumes: ['./i:/i']}\n",
      "inc/deep/compose.yml": "services:\n  deep: {image: d, volumes: ['./d:/d']}\nconfigs: {c: {file: ./c}}\nsecrets: {s: {file: ./s}}\n",
    },
  },
  {
    about: "include in a circle",
    files: ["include: [b.yml]\nservices:\n  web: {image: w}\n"],
    beside: { "b.yml": "include: [file0.yml]\nservices:\n  b: {image: b}\n" },
  },
  { about: "include what is not there", files: ["include: [none.yml]\nservices:\n  web: {image: w}\n"] },
  {
    about: "include what is defined here too",
    files: ["include: [inc.yml]\nservices:\n  web: {image: w, hostname: a}\n"],
    beside: { "inc.yml": "services:\n  web: {image: w}\n" },
  },
  {
    about: "include the same network",
    files: ["include: [inc.yml]\nservices:\n  web: {image: w, networks: [n]}\nnetworks: {n: {driver: bridge}}\n"],
    beside: { "inc.yml": "services:\n  inc: {image: w, networks: [n]}\nnetworks: {n: {driver: bridge}}\n" },
  },
  {
    about: "include the same service",
    files: ["include: [inc.yml]\nservices:\n  web: {image: w}\n"],
    beside: { "inc.yml": "services:\n  web: {image: w}\n" },
  },
  {
    about: "include that is no list",
    files: ["include: inc.yml\nservices:\n  web: {image: w}\n"],
    beside: { "inc.yml": "services:\n  inc: {image: w}\n" },
  },
  {
    about: "include with extends inside",
    files: ["include: [inc/compose.yml]\nservices:\n  web: {image: w}\n"],
    beside: {
      "inc/compose.yml": "services:\n  inc: {extends: {file: base.yml, service: base}, hostname: h}\n",
      "inc/base.yml": "services:\n  base: {image: b, volumes: ['./x:/x']}\n",
    },
  },
  {
    about: "configs from the included environment",
    files: ["include: [inc/compose.yml]\nservices:\n  web: {image: w}\n"],
    beside: {
      "inc/compose.yml": "services:\n  inc: {image: i, secrets: [s]}\nsecrets: {s: {environment: INNER}}\n",
      "inc/.env": "INNER=inner\n",
    },
  },
  {
    about: "a driver's bind mount",
    files: [
      `${web("volumes: ['v:/v']")}\nvolumes: {v: {driver: local, driver_opts: {type: none, o: bind}}}\n`,
      "volumes: {v: {driver_opts: {device: ./d}}}\n",
    ],
  },
  {
    about: "a project's own env file",
    files: [web("image: 'x:${FROM_DOTENV}'\nvolumes: ['./a:${TARGET}']"), over("volumes: ['./b:/from-dotenv']")].map((text, at) =>
      at === 0 ? text.replace("    image: web\n", "") : text,
    ),
    beside: { ".env": "FROM_DOTENV=1\nTARGET=/from-dotenv\n" },
  },
];

/** Every hand-made set; their environment is the generated ones' with a few names more. */
export function handMadeSets(env: Record<string, string>): FileSet[] {
  return SETS.map((set) => ({
    name: set.about,
    files: set.files.map((text, at) => ({ path: `file${at}.yml`, text, directory: "." })),
    beside: Object.entries({ "a.env": "A=1\n", "b.env": "B=1\n", "a.labels": "a=1\n", "b.labels": "b=1\n", ...set.beside }).map(
      ([path, text]) => ({ path, text }),
    ),
    env: { ...env, EMPTY: "" },
    attributes: [],
  }));
}
