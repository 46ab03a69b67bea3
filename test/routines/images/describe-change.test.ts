import { expect, test } from "bun:test";
import type { HeldImage } from "../../../routines/engine/inspect-image.ts";
import { describeChange } from "../../../routines/images/describe-change.ts";

const VERSION = "org.opencontainers.image.version";

/** As the engine tells of one. */
function image(id: string, createdAt: string, version?: string): HeldImage {
  return { id: `sha256:${id.repeat(64)}`, digests: [], bytes: 1, createdAt, labels: version === undefined ? {} : { [VERSION]: version } };
}

test.each([
  ["versions", image("a", "2026-01-01T10:00:00Z", "0.6.1"), image("b", "2026-02-01T10:00:00Z", "0.6.2"), "0.6.1 → 0.6.2"],
  [
    "days, of a version that goes on",
    image("a", "2026-01-01T10:00:00Z", "main"),
    image("b", "2026-02-01T10:00:00Z", "main"),
    "2026-01-01 → 2026-02-01",
  ],
  [
    "days, where one has no version",
    image("a", "2026-01-01T10:00:00Z"),
    image("b", "2026-02-01T10:00:00Z", "1"),
    "2026-01-01 → 2026-02-01",
  ],
  ["times of a day", image("a", "2026-01-01T10:00:00Z"), image("b", "2026-01-01T11:30:00Z"), "2026-01-01 10:00 → 2026-01-01 11:30"],
  [
    "ids, where both are as old as time itself",
    image("a", "1970-01-01T00:00:00Z"),
    image("b", "1970-01-01T00:00:01Z"),
    "aaaaaaaaaaaa → bbbbbbbbbbbb",
  ],
  ["ids, where nothing is said", image("a", ""), image("b", "", " "), "aaaaaaaaaaaa → bbbbbbbbbbbb"],
])("an image that replaces another is told by %s", (_, before, after, words) => {
  expect(describeChange(before, after)).toBe(words);
});
