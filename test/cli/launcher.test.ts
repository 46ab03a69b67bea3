/** bin/harbor as a process, when all it needs is there. */
import { afterAll, describe, expect, test } from "bun:test";
import { cpSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { base, call, fresh, makeWarm, source, start } from "./_launcher-place.ts";

afterAll(() => rmSync(base, { recursive: true, force: true }));

describe("bin/harbor when all is there", () => {
  const shells = [["sh"], ["dash"], ["bash", "--posix"], ["busybox", "ash"]].filter(([shell]) => Bun.which(shell as string) !== null);

  test.each(shells)("hands on the words, the exit code and the process itself under %s", async (...shell) => {
    const place = makeWarm();
    const words = ["plan", "a b", "", "*", "--", "--smol", "$HOME", "-x"];
    const { said, stderr, exit, pid } = await call(
      place,
      [Bun.which(shell[0] as string) as string, ...shell.slice(1), place.harbor, ...words],
      { env: { RC: "7" } },
    );
    expect({ stderr, exit }).toEqual({ stderr: "", exit: 7 });
    expect(said).toMatchObject({ argv: words, file: join(place.root, "dist/harbor.js"), cwd: place.home, pid });
  });

  test("calls no other program on the way", async () => {
    const place = makeWarm();
    const { exit, said } = await call(place, [place.harbor, "plan"], { path: "/nonexistent" });
    expect({ exit, argv: said?.argv }).toEqual({ exit: 0, argv: ["plan"] });
  });

  test("passes signals on", async () => {
    const place = makeWarm();
    const child = start(place, [place.harbor, "wait"]);
    await child.stdout.getReader().read();
    child.kill("SIGTERM");
    expect(await child.exited).toBe(42);
  });

  test("is found through links, relative paths and folders that are links", async () => {
    const place = makeWarm();
    const links = fresh("links");
    symlinkSync(place.harbor, join(links, "absolute"));
    symlinkSync("absolute", join(links, "chain"));
    symlinkSync(join("..", place.root.slice(base.length + 1), "bin/harbor"), join(links, "relative"));
    symlinkSync(join(place.root, "bin"), join(links, "binaries"));
    symlinkSync(place.root, join(links, "project"));
    const file = join(place.root, "dist/harbor.js");
    const ways: [string, string][] = [
      [join(links, "absolute"), links],
      [join(links, "chain"), links],
      [join(links, "relative"), place.home],
      [join(links, "binaries/harbor"), place.home],
      [join(links, "project/bin/harbor"), place.home],
      [join(links, "project/bin/../bin/harbor"), place.home],
      ["./bin/harbor", place.root],
      ["bin/harbor", place.root],
      ["./harbor", join(place.root, "bin")],
      ["../bin/harbor", join(place.root, "bin")],
      ["./chain", links],
    ];
    for (const [way, cwd] of ways) expect({ way, ...(await call(place, [way, "x"], { cwd })).said }).toMatchObject({ way, file, cwd });
    const byName = await call(place, [Bun.which("sh") as string, "-c", "absolute x"], { path: `${links}:${place.tools}` });
    expect(byName.said).toMatchObject({ file, argv: ["x"] });
  });

  test("keeps the caller's .env, bunfig.toml and package.json out", async () => {
    const place = makeWarm();
    const caller = fresh("caller");
    writeFileSync(join(caller, ".env"), "LEAKED=env\n");
    writeFileSync(join(caller, "evil.ts"), 'globalThis.leaked = "preload";');
    writeFileSync(join(caller, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
    cpSync(join(caller, "bunfig.toml"), join(place.home, ".bunfig.toml"));
    writeFileSync(join(caller, "package.json"), '{ "name": "harbor", "scripts": { "plan": "exit 9" } }');
    const { said, exit } = await call(place, [place.harbor, "plan"], { cwd: caller });
    expect({ exit, leaked: said?.leaked }).toEqual({ exit: 0, leaked: undefined });
  });

  test("runs dist/harbor.js in the package", async () => {
    const place = makeWarm("package");
    const { said, exit } = await call(place, [place.harbor, "plan"], { path: "/nonexistent" });
    expect({ exit, file: said?.file }).toEqual({ exit: 0, file: join(place.root, "dist/harbor.js") });
  });

  test("takes a verb's own program where there is one, by the first word alone", async () => {
    const place = makeWarm("package");
    const dist = join(place.root, "dist");
    cpSync(join(dist, "harbor.js"), join(dist, "plan.js"));
    const own = ["plan", "plan.js", "../dist/plan", "x", "-x", ""].map((word) => [word, word === "plan" ? "plan.js" : "harbor.js"]);
    for (const [word = "", file = ""] of own) {
      const { said } = await call(place, [place.harbor, word, "plan"], { path: "/nonexistent" });
      expect(said).toMatchObject({ argv: [word, "plan"], file: join(dist, file) });
    }
  });

  test("what a shell asks at the tab key has a program of its own as well", async () => {
    const place = makeWarm("package");
    const dist = join(place.root, "dist");
    const file = async (...words: string[]) => (await call(place, [place.harbor, ...words], { path: "/nonexistent" })).said?.file;
    expect(await file("routine", "complete", "--", "up")).toBe(join(dist, "harbor.js"));
    cpSync(join(dist, "harbor.js"), join(dist, "routine-complete.js"));
    expect(await file("routine", "complete", "--", "up")).toBe(join(dist, "routine-complete.js"));
    for (const words of [["routine"], ["routine", "completes"], ["routine", "list-keys", "complete"], ["complete"], ["routine-complete"]])
      expect(await file(...words)).toBe(join(dist, "harbor.js"));
  });

  test("at the tab key nobody waits for a build", async () => {
    const place = makeWarm();
    const [dist, source] = [join(place.root, "dist"), join(place.root, "routines/stage/a-routine.ts")];
    cpSync(join(dist, "harbor.js"), join(dist, "routine-complete.js"));
    const built = statSync(join(dist, "harbor.js")).mtimeMs;
    utimesSync(source, built / 1000 + 5, built / 1000 + 5);
    const { said, exit } = await call(place, [place.harbor, "routine", "complete", "--", ""], { path: "/nonexistent" });
    expect({ exit, file: said?.file }).toEqual({ exit: 0, file: join(dist, "routine-complete.js") });
    expect(statSync(join(dist, "harbor.js")).mtimeMs).toBe(built);
  });

  test("is what bunx runs in a checkout, through the link that `prepare` makes", async () => {
    const place = makeWarm();
    const { prepare } = (JSON.parse(readFileSync(join(source, "package.json"), "utf8")) as { scripts: { prepare: string } }).scripts;
    expect((await call(place, [Bun.which("sh") as string, "-c", prepare], { cwd: place.root })).exit).toBe(0);
    const { said } = await call(place, [process.execPath, "x", "harbor", "plan", "-x", "a"], { cwd: place.root });
    expect(said).toMatchObject({ argv: ["plan", "-x", "a"], file: join(place.root, "dist/harbor.js") });
  });
});
