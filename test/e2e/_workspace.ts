/** Services for end-to-end tests, made of images that tests build themselves. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const FIRST_ANSWER =
  "const r = await fetch('http://mock-openai:8080/v1/models'); console.log('first answer: ' + r.status); setInterval(() => {}, 1e6)";

const FOLDERS: Record<string, string> = {
  "consumer/compose.consumer.yml": `
services:
  consumer:
    image: local/bun:1
    entrypoint: [bun, -e]
    command: ["setInterval(() => {}, 1e6)"]
    init: true
    stop_grace_period: 0s
    networks: [harbor-network]
`,
  "consumer/compose.x.consumer.mock-openai.yml": `
services:
  consumer:
    command: ["${FIRST_ANSWER}"]
    depends_on: { mock-openai: { condition: service_healthy } }
`,
  "other/compose.other.yml": `
services:
  other:
    image: busybox:local
    command: [sleep, "1000"]
    stop_grace_period: 0s
    networks: [harbor-network]
`,
  "broken/compose.broken.yml": `
services:
  broken:
    image: busybox:local
    command: [sh, -c, "echo this is why; exit 3"]
    networks: [harbor-network]
`,
  "sick/compose.sick.yml": `
services:
  sick:
    image: busybox:local
    command: [sh, -c, "echo sick from the start; sleep 1000"]
    stop_grace_period: 0s
    networks: [harbor-network]
    healthcheck: { test: [CMD-SHELL, "echo no pulse; exit 1"], interval: 100ms, retries: 1 }
  sick-dependant:
    image: busybox:local
    command: [sleep, "1000"]
    networks: [harbor-network]
    depends_on: { sick: { condition: service_healthy } }
`,
  "task/compose.task.yml": `
services:
  task:
    image: busybox:local
    command: [sh, -c, "echo the task fails; exit 3"]
    networks: [harbor-network]
  task-dependant:
    image: busybox:local
    command: [sleep, "1000"]
    networks: [harbor-network]
    depends_on: { task: { condition: service_completed_successfully } }
`,
  "never/compose.never.yml": `
services:
  never:
    image: busybox:local
    command: [sleep, "1000"]
    stop_grace_period: 0s
    networks: [harbor-network]
    healthcheck: { test: [CMD, "false"], interval: 1s, start_period: 1000s }
`,
  "waiting/compose.waiting.yml": `
services:
  waiting:
    image: busybox:local
    command: [sleep, "1000"]
    networks: [harbor-network]
    depends_on: { never: { condition: service_healthy } }
  never:
    image: busybox:local
    command: [sleep, "1000"]
    stop_grace_period: 0s
    networks: [harbor-network]
    healthcheck: { test: [CMD, "false"], interval: 1s, start_period: 1000s }
`,
};

const main = join(import.meta.dir, "../../services/mock-openai/main.ts");

/** The older layout: a root compose.yml, services/compose.*.yml, .env and profiles, a contract in <handle>/. */
const FLAT: Record<string, string> = {
  "compose.yml": "networks: { harbor-network: {} }\n",
  "services/compose.consumer.yml": `
services:
  consumer:
    image: local/bun:1
    entrypoint: [bun, -e]
    command: ["setInterval(() => {}, 1e6)"]
    init: true
    stop_grace_period: 0s
    env_file: [./.env]
    environment: { FROM_PROFILE: "\${HARBOR_PROFILE_VALUE}" }
    networks: [harbor-network]
`,
  "services/compose.mock.yml": "services: { mock: { image: nothing-of-this-name, networks: [harbor-network] } }\n",
  "services/compose.x.consumer.mock.yml": "services: { consumer: { depends_on: { mock: { condition: service_healthy } } } }\n",
  ".env": 'FROM_ENV="env"\n',
  "profiles/default.env": 'HARBOR_PROFILE_VALUE="profile"\nHARBOR_MOCK_PORT=1\n',
  // av/harbor's own shape, with the proxy that reaches a host's loopback on Docker Desktop alone
  "mock/mock_native.yml": `
services:
  mock:
    image: alpine/socat:1.8.0.3
    command: tcp-listen:8080,fork,reuseaddr tcp-connect:host.docker.internal:\${HARBOR_MOCK_PORT}
    healthcheck: { test: ["CMD-SHELL", "nc -z host.docker.internal \${HARBOR_MOCK_PORT}"] }
    networks: [harbor-network]
    x-harbor-native:
      daemon_command: bun ${main}
      port: \${HARBOR_MOCK_PORT}
      container_port: 8080
      env: { MOCK_OPENAI_PORT: "\${HARBOR_MOCK_PORT}" }
      ready: { http: /health, timeout: 15s, start_interval: 50ms }
`,
};

/** Puts the folders into `<home>/services/project` and the flat workspace into `<home>/services/flat`; gives the first. */
export function makeConsumers(home: string): string {
  write(join(home, "services", "project"), FOLDERS);
  write(join(home, "services", "flat"), FLAT);
  return join(home, "services", "project");
}

function write(root: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text.trimStart());
  }
}
