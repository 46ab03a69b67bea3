/** A proxy that the environment names is the way out: what is told in confidence to a neighbour does not pass it. */
import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { until } from "../../_until.ts";
import { TOKEN, usePrograms } from "./_program.ts";

const CLIENT = join(import.meta.dir, "../../../services/conductor/client/client.ts");

const servers: Bun.Server<undefined>[] = [];
const program = usePrograms();
afterEach(() => {
  for (const server of servers.splice(0)) void server.stop(true);
});

function serve(answer: (request: Request) => Response): Bun.Server<undefined> {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
  servers.push(server);
  return server;
}

/** Refuses, and keeps what it was asked. */
function serveProxy(): { env: Record<string, string>; asked: string[] } {
  const asked: string[] = [];
  const proxy = serve((request) => {
    asked.push(`${request.method} ${request.url}`);
    return new Response(null, { status: 502 });
  });
  return { env: { HTTP_PROXY: proxy.url.origin, http_proxy: proxy.url.origin }, asked };
}

describe("with a proxy in its environment", () => {
  test("the conductor asks components itself", async () => {
    const { env, asked } = serveProxy();
    const component = serve((request) => new Response(new URL(request.url).pathname));
    const conductor = await program(env).start();
    const body = { component: "hub", port: component.port, health_check_url: "/health", heartbeats: false };
    expect((await conductor.ask("POST", "/register", body)).status).toBe(201);
    await until(async () => (await conductor.ask("GET", "/services/hub-001")).body.status === "healthy", "its check is answered");
    const routed = await fetch(`${conductor.url}/route/hub/here`, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect([routed.status, await routed.text()]).toEqual([200, "/here"]);
    expect(asked).toEqual([]);
  });

  test("the client asks a conductor on this host itself, and one elsewhere by the proxy", async () => {
    const { env, asked } = serveProxy();
    const conductor = serve(() => Response.json({ services: [] }));
    const ask = async (url: string): Promise<string> => {
      const script = `import { Operator } from ${JSON.stringify(CLIENT)};
        const asking = new Operator({ url: ${JSON.stringify(url)}, token: "secret" }).services();
        console.log(await asking.then(() => "answered", (error) => error.status));`;
      const child = Bun.spawn([process.execPath, "-e", script], { env, stdout: "pipe", stderr: "inherit" });
      return (await new Response(child.stdout).text()).trim();
    };
    expect(await ask(conductor.url.origin)).toBe("answered");
    expect(await ask(`http://localhost:${conductor.port}`)).toBe("answered");
    expect(asked).toEqual([]);
    expect(await ask("http://conductor.example:8888")).toBe("502");
    expect(asked).toEqual([expect.stringContaining("conductor.example:8888/services")]);
  });
});
