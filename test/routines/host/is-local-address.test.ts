import { expect, test } from "bun:test";
import { addressBytes, isLocalAddress } from "../../../routines/host/is-local-address.ts";

test.each([
  ...["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.5", "127.0.0.1", "169.254.3.4", "100.64.0.1", "100.127.1.1"],
  ...["192.0.2.2", "198.19.1.1", "fd00::1", "fe80::1", "febf::1", "::1"],
])("%s is local", (address) => {
  expect(isLocalAddress(address)).toBe(true);
});

test.each(["8.8.8.8", "172.32.0.1", "100.128.0.1", "192.169.0.1", "2001:db8::1", "::2", "fec0::1", "11.0.0.1"])(
  "%s is of the internet",
  (address) => {
    expect(isLocalAddress(address)).toBe(false);
  },
);

test("bytes of IPv6, however it is written", () => {
  const bytes = (address: string): string => Buffer.from(addressBytes(address)).toString("hex");
  expect(bytes("fe80::1")).toBe("fe800000000000000000000000000001");
  expect(bytes("1:2:3:4:5:6:7:8")).toBe("00010002000300040005000600070008");
  expect(bytes("::")).toBe("0".repeat(32));
  expect(bytes("::ffff:1.2.3.4")).toBe("00000000000000000000ffff01020304");
});
