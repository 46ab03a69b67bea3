/** A real redis-server for tests: on a free port, in a folder of its own, stopped and started again as a test likes. */
import { writeAll } from "../../../../routines/_script/emit.ts";
import { freePort } from "../../../_ports.ts";
import { until } from "../../../_until.ts";
import { makeLastingFolder } from "../../../_workspace.ts";

/** Where it is missing, tests on Redis are skipped and one line says so; where `HARBOR_E2E` is `required`, as in CI, that is an error. */
export const HAS_REDIS = findRedis();

function findRedis(): boolean {
  if (Bun.which("redis-server") !== null) return true;
  const missing = "there is no redis-server; `apt-get install redis-server`, or `.ci/run prepare`, gets it";
  if (process.env.HARBOR_E2E === "required") throw new Error(`Cannot test the conductor on Redis: ${missing}`);
  writeAll(2, `the conductor's tests on Redis are skipped: ${missing}\n`);
  return false;
}

export class RedisServer {
  readonly port = freePort();
  readonly url = `redis://127.0.0.1:${this.port}`;
  readonly #folder = makeLastingFolder("harbor-redis-");
  readonly #args: readonly string[];
  #process: Bun.Subprocess | undefined;

  constructor(args: readonly string[] = ["--appendonly", "no"]) {
    this.#args = args;
  }

  async start(): Promise<this> {
    const base = ["--port", String(this.port), "--bind", "127.0.0.1", "--save", "", "--dir", this.#folder];
    this.#process = Bun.spawn(["redis-server", ...base, ...this.#args], { stdout: "ignore", stderr: "ignore" });
    await until(
      () =>
        this.ask("PING").then(
          (answer) => answer === "PONG",
          () => false,
        ),
      "redis-server answers",
    );
    return this;
  }

  /** One command, over a connection of its own: another program. */
  async ask(...command: string[]): Promise<unknown> {
    const client = new Bun.RedisClient(this.url, { autoReconnect: false, connectionTimeout: 500 });
    try {
      await client.connect();
      return await client.send(command[0] as string, command.slice(1));
    } finally {
      client.close();
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** At once, without a last word. */
  async kill(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#process?.exited;
  }
}
