import { expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import { chooseAddress, findLanAddress, type Interfaces } from "../../../routines/host/find-lan-address.ts";

const v4 = (address: string, internal = false) => ({ address, family: "IPv4", internal });
const home: Interfaces = {
  lo: [v4("127.0.0.1", true)],
  docker0: [v4("172.17.0.1")],
  wlan0: [{ address: "fe80::1", family: "IPv6", internal: false }, v4("192.168.1.5")],
  tun0: [v4("10.8.0.3")],
};

test.each<[string, Interfaces, string | undefined, string | undefined]>([
  ["the one that packets carry", home, "192.168.1.5", "192.168.1.5"],
  ["not a tunnel's where there is another", home, "10.8.0.3", "192.168.1.5"],
  ["a tunnel's where there is no other", { tun0: [v4("10.8.0.3")] }, "10.8.0.3", "10.8.0.3"],
  ["some network's where nothing leads outside", home, undefined, "192.168.1.5"],
  ["never an engine's own", { docker0: [v4("172.17.0.1")], lo: [v4("127.0.0.1", true)] }, undefined, undefined],
  ["none that the host has given itself", { eth0: [v4("169.254.3.4")] }, undefined, undefined],
])("chooseAddress(): %s", (_, interfaces, routed, expected) => {
  expect(chooseAddress(interfaces, routed)).toBe(expected as string);
});

test("findLanAddress() is an address of this host, or none where it is in no network", async () => {
  const own = Object.values(networkInterfaces()).flatMap((them) => (them ?? []).filter((it) => !it.internal).map((it) => it.address));
  const found = await findLanAddress();
  expect(own.length === 0 ? undefined : own).toEqual(own.length === 0 ? undefined : expect.arrayContaining([found]));
});
