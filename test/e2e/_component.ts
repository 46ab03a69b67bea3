/**
 * A component of a stack, as a program of its own: it registers, beats each second, answers requests, receives messages, hears of events.
 * Arguments: the conductor's URL, its name, its capabilities. `TOKEN` is the conductor's. Over HTTP, at the port that it prints: what it
 * heard (`GET /heard`), and what it is to do (`POST /do`).
 */
import { connect } from "../../services/conductor/client/client.ts";

const [url = "", name = "", capabilities = ""] = process.argv.slice(2);
const heard = { messages: [] as unknown[], events: [] as unknown[], commands: [] as unknown[] };

interface Order {
  send?: { to: string; payload: unknown };
  broadcast?: unknown;
  request?: { to: string; type: string };
  put?: { key: string; value: unknown; ifVersion?: number };
  get?: string;
}

async function obey({ send, broadcast, request, put, get }: Order): Promise<unknown> {
  if (send !== undefined) return me.queue.send(send.to, send.payload);
  if (broadcast !== undefined) return me.queue.broadcast(broadcast);
  if (request !== undefined) return me.request(request.to, request.type);
  if (put !== undefined) return me.state.put(put.key, put.value, put.ifVersion === undefined ? {} : { ifVersion: put.ifVersion });
  return get === undefined ? null : ((await me.state.get(get)) ?? null);
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  routes: {
    "/heard": () => Response.json(heard),
    "/do": async (asked) => {
      const done = obey((await asked.json()) as Order);
      return done.then(
        (result) => Response.json({ result }),
        (error: { code?: string }) => Response.json({ error: error.code }),
      );
    },
    "/": () => new Response(name),
  },
});

const me = await connect({
  url,
  token: process.env.TOKEN ?? "",
  component: name,
  port: server.port ?? 0,
  version: "1.0.0",
  capabilities: capabilities.split(","),
  healthCheckUrl: "/",
  heartbeatSeconds: 1,
  pulse: () => ({ metrics: { active_requests: 0 } }),
  onCommand: (command) => void heard.commands.push(command),
});
const answers = me.answer("who", () => name);
const events = me.on("*", ({ type, data }) => heard.events.push({ type, data }));
await Promise.all([answers.ready, events.ready]);
process.stdout.write(`${server.port}\n`);
for await (const message of me.queue.messages()) {
  heard.messages.push({ from: message.from, payload: message.payload });
  await message.ack();
}
