import { expect, test } from "bun:test";
import { findGateway } from "../../../routines/host/find-gateway.ts";

const ROUTES = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
br-ff6879a1e1fc	000012AC	00000000	0001	0	0	0	0000FFFF	0	0	0
docker0	000011AC	00000000	0001	0	0	0	0000FFFF	0	0	0
`;

const ADDRESSES = `Local:
  +-- 0.0.0.0/0 3 0 5
     +-- 127.0.0.0/8 2 0 2
           |-- 127.0.0.1
              /32 host LOCAL
     +-- 172.16.0.0/12 2 0 2
        +-- 172.17.0.0/16 2 0 2
           |-- 172.17.0.0
              /16 link UNICAST
           |-- 172.17.0.1
              /32 host LOCAL
           |-- 172.17.255.255
              /32 link BROADCAST
           |-- 172.18.0.1
              /32 host LOCAL
`;

test("findGateway reads the address of the engine's own bridge, whether a container has joined it or not", () => {
  expect(findGateway({ routes: ROUTES, addresses: ADDRESSES })).toBe("172.17.0.1");
});

test("findGateway finds nothing where no engine has made its bridge", () => {
  expect(findGateway({ routes: ROUTES.replace(/^docker0.*$/m, ""), addresses: ADDRESSES })).toBeUndefined();
  expect(findGateway({ routes: "", addresses: "" })).toBeUndefined();
});
