import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { placeSocket, removeSocket } from "../../../routines/_script/socket-path.ts";
import { makeFolder } from "../../_workspace.ts";

const deep = `/home/${"a-folder-with-a-long-name/".repeat(5)}state/native/ollama`;

describe("placeSocket", () => {
  test("puts it where it belongs, where the system takes that", () => {
    expect(placeSocket("/home/me/.harbor/state", "control")).toEqual({ path: "/home/me/.harbor/state/control" });
  });

  test("puts it into a short folder of the user alone where it does not, the same one each time", () => {
    const base = makeFolder();
    const place = placeSocket(deep, "notify", { XDG_RUNTIME_DIR: base });
    expect(dirname(dirname(place.path))).toBe(base);
    expect(place.path.length).toBeLessThan(104);
    expect(statSync(dirname(place.path)).mode & 0o777).toBe(0o700);
    expect(placeSocket(deep, "notify", { XDG_RUNTIME_DIR: base })).toEqual(place);
    expect(placeSocket(`${deep}2`, "notify", { XDG_RUNTIME_DIR: base }).path).not.toBe(place.path);
  });

  test("a listener can stand there", () => {
    const place = placeSocket(deep, "notify", { TMPDIR: makeFolder() });
    using listener = Bun.listen({ unix: place.path, socket: { data() {} } });
    expect(listener.unix).toBe(place.path);
  });

  test("passes over a base that is too long itself", () => {
    const base = makeFolder();
    const place = placeSocket(deep, "notify", { XDG_RUNTIME_DIR: `/run/${"x".repeat(90)}`, TMPDIR: `${base}/` });
    expect(dirname(dirname(place.path))).toBe(base);
  });

  test("refuses a folder that others made, or can write to", () => {
    const base = makeFolder();
    const { path } = placeSocket(deep, "notify", { TMPDIR: base });
    chmodSync(dirname(path), 0o777);
    expect(() => placeSocket(deep, "notify", { TMPDIR: base })).toThrow("it is not a folder of yours alone");
  });

  test("says so when there is no place for it", () => {
    expect(() => placeSocket(deep, "x".repeat(200))).toThrow(/is too long$/);
  });
});

describe("removeSocket", () => {
  test("takes the short folder along with the last socket in it, and is content where nothing is there", () => {
    const base = makeFolder();
    const one = placeSocket(deep, "one", { TMPDIR: base });
    const other = placeSocket(deep, "other", { TMPDIR: base });
    for (const { path } of [one, other]) writeFileSync(path, "");
    removeSocket(one);
    expect(existsSync(other.path)).toBe(true);
    removeSocket(other);
    expect(existsSync(dirname(one.path))).toBe(false);
    removeSocket(other);
    // who listened there may have taken the socket along
    removeSocket(placeSocket(deep, "one", { TMPDIR: base }));
    expect(existsSync(dirname(one.path))).toBe(false);
  });

  test("leaves the folder that it belongs to", () => {
    const folder = join(makeFolder(), "state");
    mkdirSync(folder);
    const place = placeSocket(folder, "control");
    writeFileSync(place.path, "");
    removeSocket(place);
    expect([existsSync(place.path), existsSync(folder)]).toEqual([false, true]);
  });
});
