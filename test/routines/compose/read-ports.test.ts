import { describe, expect, test } from "bun:test";
import { RawScalar } from "../../../routines/_script/yaml.ts";
import { firstTarget, readPorts } from "../../../routines/compose/read-ports.ts";

const values = (name: string): string | undefined => (name === "PORT" ? "8080" : undefined);

describe("readPorts", () => {
  test.each([
    ["8080:80", [{ address: "", published: 8080, target: 80, protocol: "tcp" }]],
    ["127.0.0.1:8080:80", [{ address: "127.0.0.1", published: 8080, target: 80, protocol: "tcp" }]],
    ["${HOST:-127.0.0.1}:${PORT}:80/udp", [{ address: "127.0.0.1", published: 8080, target: 80, protocol: "udp" }]],
    ["[::1]:8080:80", [{ address: "::1", published: 8080, target: 80, protocol: "tcp" }]],
    ["8080:80/TCP", [{ address: "", published: 8080, target: 80, protocol: "tcp" }]],
    [{ target: 80, published: 8080, protocol: "UDP" }, [{ address: "", published: 8080, target: 80, protocol: "udp" }]],
    [{ target: 80, published: "8080", host_ip: "::1" }, [{ address: "::1", published: 8080, target: 80, protocol: "tcp" }]],
    [
      "9999-10000:9999-10000",
      [
        { address: "", published: 9999, target: 9999, protocol: "tcp" },
        { address: "", published: 10_000, target: 10_000, protocol: "tcp" },
      ],
    ],
    ["8000-8009:80", []],
    ["0:80", []],
    [{ target: 80, published: "8000-8009" }, []],
    [
      { target: new RawScalar("0x50", "int"), published: new RawScalar("0x1f90", "int") },
      [{ address: "", published: 8080, target: 80, protocol: "tcp" }],
    ],
    [new RawScalar("0x50", "int"), []],
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

  test.each(["8080:80/http", "8080:65536", "a:80", "8000-8001:80-82", { target: "${UNSET}", published: 8080 }])("refuses %j", (entry) => {
    expect(() => readPorts({ ports: [entry] }, values)).toThrow("Cannot publish port");
  });

  test("finds the first container port, published or not", () => {
    expect(firstTarget({ ports: ["127.0.0.1:${PORT}:80/tcp", "90"] }, values)).toBe(80);
    expect(firstTarget({ ports: [{ target: 90 }] }, values)).toBe(90);
    expect(firstTarget({ ports: ["9999-10000/tcp"] }, values)).toBe(9999);
    expect(firstTarget({ ports: [new RawScalar("0x50", "int")] }, values)).toBe(80);
    expect(firstTarget({ ports: ["x"] }, values)).toBeUndefined();
    expect(firstTarget({}, values)).toBeUndefined();
  });
});
