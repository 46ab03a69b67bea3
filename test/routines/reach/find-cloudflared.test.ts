import { expect, test } from "bun:test";
import { quickTunnelWords, readTunnelUrl } from "../../../routines/reach/find-cloudflared.ts";

const BOX = `2026-01-01T00:00:00Z INF Requesting new quick Tunnel on trycloudflare.com...
2026-01-01T00:00:01Z INF +--------------------------------------------------------------------------------------------+
2026-01-01T00:00:01Z INF |  Your quick Tunnel has been created! Visit it at (it may take some time to be reachable):  |
2026-01-01T00:00:01Z INF |  https://words-by-chance-four.trycloudflare.com                                            |
2026-01-01T00:00:01Z INF +--------------------------------------------------------------------------------------------+
`;

test.each([
  ["as it is printed", BOX, "https://words-by-chance-four.trycloudflare.com"],
  ["its own API is no tunnel", 'ERR failed: Post "https://api.trycloudflare.com/tunnel": context deadline exceeded', undefined],
  ["half a line may yet become another name", "INF |  https://words-by-chance-four.trycloudflare.co", undefined],
  ["a name that goes on is another's", "https://a.trycloudflare.com.example.org", undefined],
  ["nothing", "", undefined],
])("the URL of a tunnel: %s", (_, said, url) => {
  expect(readTunnelUrl(said)).toBe(url);
});

test("it must not start itself anew under another name", () => {
  expect(quickTunnelWords("http://127.0.0.1:1")).toEqual(["tunnel", "--no-autoupdate", "--url", "http://127.0.0.1:1"]);
});
