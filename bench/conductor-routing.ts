/** How often a second an instance is named, and reached: nothing is promised. */
import { endWith, freePort, runLoad, startConductor, waitFor } from "./_conductor.ts";
import type { FigureContext, Gauge, Reading } from "./_figure.ts";

const LOAD = new URL("./_conductor-load.ts", import.meta.url).pathname;
const TARGET = new URL("./_bridge-server.ts", import.meta.url).pathname;

async function readPath(context: FigureContext, setting: AsyncDisposableStack, path: string): Promise<Reading> {
  const target = freePort();
  const child = Bun.spawn([process.execPath, "--no-env-file", TARGET], {
    env: { ...process.env, PORT: String(target) },
    stdout: "ignore",
  });
  endWith(setting, child);
  await waitFor(async () => (await fetch(`http://127.0.0.1:${target}/small`)).ok, "the target", child);
  const { port } = await startConductor(context, setting);
  const { perSecond = Number.NaN } = await runLoad(LOAD, "gets", port, path, target);
  return { value: perSecond };
}

const gauge = (name: string, title: string, path: string): Gauge => ({
  name,
  title: `conductor: ${title}`,
  unit: "/s",
  bound: null,
  runs: 3,
  read: (context, setting) => readPath(context, setting, path),
});

export const figures: Gauge[] = [
  gauge("conductor-resolve", "GET /resolve, one of three instances", "/resolve?capability=target"),
  gauge("conductor-route", "GET /route to one of three, 401 bytes", "/route/target/small"),
];
