import { expect, test } from "bun:test";
import { OwnWords } from "../../../routines/supervisor/_own-words.ts";
import type { Said } from "../../../routines/supervisor/_service.ts";
import { until } from "../../_until.ts";

test("the first words are told at once, of those that follow too fast the latest alone, a moment later", async () => {
  const told: Said[] = [];
  const words = new OwnWords((said) => void told.push(said));
  for (let percent = 0; percent <= 100; percent++) words.hear({ status: `${percent} %` });
  expect(told).toEqual([{ status: "0 %" }]);
  await until(() => told.length > 1, "the latest");
  expect(told).toEqual([{ status: "0 %" }, { status: "100 %" }]);
});

test("how it is is told at once, with the words that belong to it; that it needs time as well", () => {
  const told: Said[] = [];
  const words = new OwnWords((said) => void told.push(said));
  words.hear({ status: "loading" });
  words.hear({ status: "no voice" });
  words.hear({ isDegraded: true });
  words.hear({ extendMs: 5 });
  words.hear({ status: "a voice", isDegraded: false, extendMs: 7 });
  expect(told).toEqual([
    { status: "loading" },
    { status: "no voice", isDegraded: true },
    { extendMs: 5 },
    { status: "a voice", isDegraded: false },
    { extendMs: 7 },
  ]);
});

test("what a process that is gone had still to say is not told", async () => {
  const told: Said[] = [];
  const words = new OwnWords((said) => void told.push(said));
  words.hear({ status: "first" });
  words.hear({ status: "second" });
  words.forget();
  words.hear({});
  const other = new OwnWords((said) => void told.push(said));
  other.hear({ status: "a" });
  other.hear({ status: "b" });
  await until(() => told.at(-1)?.status === "b", "as much time has gone by");
  expect(told.map((it) => it.status)).toEqual(["first", "a", "b"]);
});
