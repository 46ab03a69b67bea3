import { describe, expect, test } from "bun:test";
import { firstTarget, readPorts } from "../../../routines/compose/read-ports.ts";

const values = (name: string): string | undefined => (name === "PORT" ? "8080" : undefined);

describe("readPorts", () => {
  test.each([
    ["8080:80", [{ address: "", published: 8080, target: 80, protocol: "tcp" }]],
    ["127.0.0.1:8080:80", [{ address: "127.0.0.1", published: 8080, target: 80, protocol: "tcp" }]],
    ["${HOST:-127.0.0.1}:${PORT}:80/udp", [{ address: "127.0.0.1", published: 8080, target: 80, protocol: "udp" }]],
    ["[::1]:8080:80", [{ address: "::1", published: 8080, target: 80, protocol: "tcp" }]],
    ["80", []],
    [80, []],
    [
      "8000-8001:90-91",
      [
        { address: "", published: 8000, target: 90, protocol: "tcp" },
        { address: "", published: 8001, target: 91, protocol: "tcp" },
      ],
    ],
    [{ target: 80, published: "${PORT}", host_ip: "127.0.0.1" }, [{ address: "127.0.0.1", published: 8080, target: 80, protocol: "tcp" }]],
    [{ target: 80 }, []],
  ])("reads %j", (entry, ports) => {
    expect(readPorts({ ports: [entry] }, values)).toEqual(ports);
  });

  test("finds the first container port, published or not", () => {
    expect(firstTarget({ ports: ["127.0.0.1:${PORT}:80/tcp", "90"] }, values)).toBe(80);
    expect(firstTarget({ ports: [{ target: 90 }] }, values)).toBe(90);
    expect(firstTarget({}, values)).toBeUndefined();
  });
});
