import { afterEach, describe, expect, test } from "bun:test";
import { identifyProcess } from "../../../routines/_script/process-identity.ts";
import { measureTraffic, parseConnections, readConnections } from "../../../routines/native/measure-traffic.ts";
import { until } from "../../_until.ts";

test("parseConnections() reads what each connection has carried; without retransmissions", () => {
  const text = `ESTAB 0 0 127.0.0.1:1 127.0.0.1:2 timer:(keepalive,59sec,0) ino:101 sk:5d cgroup:/ <-> ts sack bytes_sent:150 bytes_retrans:1 bytes_acked:150 bytes_received:135 segs_out:5
ESTAB 0 0 127.0.0.1:3 127.0.0.1:4 ino:102 sk:5e cgroup:/ <-> ts sack mss:32768
TIME-WAIT 0 0 127.0.0.1:3 127.0.0.1:4 timer:(timewait,59sec,0) ino:0 sk:5f
`;
  expect([...parseConnections(text)].slice(0, 2)).toEqual([
    ["101", { receivedBytes: 135, sentBytes: 149 }],
    ["102", { receivedBytes: 0, sentBytes: 0 }],
  ]);
});

const children: Bun.Subprocess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

describe.skipIf(process.platform !== "linux" || Bun.which("ss") === null)("on Linux (needs ss)", () => {
  test("counts what a process sends and receives, and not what others do", async () => {
    using server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: (socket) => void socket.write("y".repeat(5_000)) } });
    const script = `const socket = await Bun.connect({ hostname: "127.0.0.1", port: ${server.port}, socket: { data() {} } });
for await (const _ of Bun.stdin.stream()) socket.write("x".repeat(2_000));`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdin: "pipe", stdout: "ignore", detached: true });
    children.push(child);
    const started = { mark: "none", ...identifyProcess(child.pid) };
    const before = await readConnections();
    child.stdin.write("go\n");
    await child.stdin.flush();
    const carried = await until(async () => {
      const [own] = measureTraffic([started], before, await readConnections());
      return (own?.traffic?.receivedBytes ?? 0) > 0 ? own : undefined;
    }, "it has received something");
    expect(carried.pids).toEqual([child.pid]);
    expect(carried.traffic).toEqual({ receivedBytes: 5_000, sentBytes: 2_000 });
    const [own] = measureTraffic([{ mark: "none" }], before, await readConnections());
    expect(own).toEqual({ pids: [], traffic: { receivedBytes: 0, sentBytes: 0 } });
  });
});

test("where the system does not tell there is nothing, not nought", async () => {
  expect(await readConnections("darwin")).toBeUndefined();
  expect(measureTraffic([{ mark: "none" }], undefined, undefined)).toEqual([{ pids: [], traffic: null }]);
});
