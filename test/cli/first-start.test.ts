/** bin/harbor and bin/with-bun as processes, when something they need is missing. */
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { obeyingModes } from "../_process.ts";
import { base, bunStandIn, call, left, makePlace, npmStandIn, pin, writeScript } from "./_launcher-place.ts";

afterAll(() => rmSync(base, { recursive: true, force: true }));

describe("bin/harbor on a first start", () => {
  test("installs the pinned bun with npm and then the dependencies, says so on stderr, and only once", async () => {
    const place = makePlace();
    npmStandIn(place);
    const first = await call(place, [place.harbor, "plan", "a b"]);
    expect(first.exit).toBe(0);
    expect(first.said).toMatchObject({ argv: ["plan", "a b"], file: join(place.root, "dist/harbor.js") });
    expect(first.stderr).toContain(`harbor: installing bun ${pin}`);
    expect(first.stderr).toContain("harbor: installing the dependencies in");
    const [npm, bun, ...more] = place.calls();
    expect(more).toEqual([]);
    expect(npm).toMatch(
      new RegExp(`^npm install --prefix .*/fetch --global=false --ignore-scripts --no-save .* bun@${pin.replaceAll(".", "\\.")}$`),
    );
    expect(bun).toBe("bun install --frozen-lockfile --production");
    expect(left(place)).toEqual(["bun", "bunx", "ready"]);
    const second = await call(place, [place.harbor, "plan"]);
    expect({ exit: second.exit, stderr: second.stderr, calls: place.calls().length }).toEqual({ exit: 0, stderr: "", calls: 2 });
  });

  test("takes a bun that is there, on PATH or in ~/.bun, but none that is too old or broken", async () => {
    const place = makePlace();
    writeScript(join(place.tools, "bun"), bunStandIn("1.0.36"));
    writeScript(join(place.home, ".bun/bin/bun"), bunStandIn(pin.replace(/\d+$/, "99")));
    expect((await call(place, [place.harbor])).exit).toBe(0);
    expect(readFileSync(join(place.root, "node_modules/.harbor/ready"), "utf8")).toBe(`${place.home}/.bun/bin/bun\n${place.root}\n`);
    const broken = makePlace();
    writeScript(join(broken.tools, "bun"), "exit 127");
    npmStandIn(broken);
    expect((await call(broken, [broken.harbor])).exit).toBe(0);
    expect(left(broken)).toContain("bun");
  });

  test("installs again when package.json or bun.lock is newer, and finds another bun when its own is gone", async () => {
    const place = makePlace();
    writeScript(join(place.tools, "bun"), bunStandIn(pin));
    await call(place, [place.harbor]);
    const ahead = new Date(Date.now() + 3_600_000);
    for (const name of ["package.json", "bun.lock"]) {
      utimesSync(join(place.root, name), ahead, ahead);
      const before = place.calls().length;
      expect((await call(place, [place.harbor])).stderr).toContain("installing the dependencies");
      expect((await call(place, [place.harbor])).stderr).toBe("");
      expect(place.calls().length).toBe(before + 1);
      ahead.setHours(ahead.getHours() + 1);
    }
    rmSync(join(place.tools, "bun"));
    npmStandIn(place);
    expect((await call(place, [place.harbor, "x"])).said).toMatchObject({ argv: ["x"] });
    expect(place.calls().at(-1)).toStartWith("npm install");
  });

  test("builds the checkout, and again when a source or a folder of them is newer", async () => {
    const place = makePlace();
    writeScript(join(place.tools, "bun"), bunStandIn(pin));
    await call(place, [place.harbor]);
    const built = join(place.root, "dist/harbor.js");
    for (const source of ["harbor.ts", "bin/build.ts", "routines/stage/a-routine.ts", "routines/stage", "routines"]) {
      const ago = new Date(Date.now() - 3_600_000);
      utimesSync(built, ago, ago);
      for (const other of ["harbor.ts", "bin/build.ts", "routines/stage/a-routine.ts", "routines/stage", "routines"]) {
        const time = other === source ? new Date(ago.getTime() + 60_000) : new Date(ago.getTime() - 60_000);
        utimesSync(join(place.root, other), time, time);
      }
      expect({ source, ...(await call(place, [place.harbor])) }).toMatchObject({ source, exit: 0, stderr: "" });
      expect(statSync(built).mtimeMs).toBeGreaterThan(ago.getTime() + 1000);
      expect((await call(place, [place.harbor], { path: "/nonexistent" })).exit).toBe(0);
    }
    expect(place.calls()).toHaveLength(1);
  });

  test("runs the sources themselves when they cannot be built", async () => {
    const place = makePlace();
    writeScript(join(place.tools, "bun"), bunStandIn(pin));
    await call(place, [place.harbor]);
    const source = join(place.root, "harbor.ts");
    writeFileSync(source, `${readFileSync(source, "utf8")}// broken\n`);
    utimesSync(source, new Date(), new Date(Date.now() + 60_000));
    expect((await call(place, [place.harbor, "x"])).said).toMatchObject({ argv: ["x"], file: source });
  });

  test("leaves a contributor's tools in place", async () => {
    const place = makePlace();
    writeScript(join(place.tools, "bun"), bunStandIn(pin));
    await call(place, [place.withBun, "--revision"]);
    utimesSync(join(place.root, "package.json"), new Date(), new Date(Date.now() + 60_000));
    await call(place, [place.harbor]);
    expect(place.calls()).toEqual(["bun install --frozen-lockfile", "bun install --frozen-lockfile"]);
  });

  test("installs nothing but bun for the package, whose dependencies npm has put where it finds them", async () => {
    const place = makePlace("package");
    npmStandIn(place);
    const { said, exit } = await call(place, [place.harbor, "plan"]);
    expect({ exit, file: said?.file }).toEqual({ exit: 0, file: join(place.root, "dist/harbor.js") });
    expect(place.calls()).toHaveLength(1);
    expect((await call(place, [place.harbor], { path: place.tools })).stderr).toBe("");
  });

  test("keeps its own under HARBOR_HOME when the package belongs to somebody else", async () => {
    const place = makePlace("package");
    writeScript(join(place.tools, "bun"), bunStandIn(pin));
    chmodSync(place.root, 0o555);
    const env = { HARBOR_HOME: join(place.home, "own") };
    expect((await call(place, [...obeyingModes, place.harbor], { env })).exit).toBe(0);
    expect(existsSync(join(place.home, "own/state/launcher/ready"))).toBe(true);
    chmodSync(place.root, 0o755);
  });

  test("two at once install once", async () => {
    const place = makePlace();
    npmStandIn(place, "sleep 0.2");
    const results = await Promise.all(["a", "b", "c"].map((word) => call(place, [place.harbor, word])));
    expect(results.map(({ exit, said }) => [exit, said?.argv])).toEqual([
      [0, ["a"]],
      [0, ["b"]],
      [0, ["c"]],
    ]);
    expect(place.calls().filter((line) => line.startsWith("npm"))).toHaveLength(1);
    expect(place.calls()).toHaveLength(2);
    expect(left(place)).toEqual(["bun", "bunx", "ready"]);
  });

  test("takes the lock of a process that is gone", async () => {
    const place = makePlace();
    npmStandIn(place);
    const gone = Bun.spawn([Bun.which("true") as string]);
    await gone.exited;
    mkdirSync(join(place.root, "node_modules/.harbor"), { recursive: true });
    symlinkSync(String(gone.pid), join(place.root, "node_modules/.harbor/lock"));
    expect((await call(place, [place.harbor])).exit).toBe(0);
    expect(left(place)).toEqual(["bun", "bunx", "ready"]);
  });
});

describe("bin/harbor when it cannot start", () => {
  test("says what is missing where there is neither bun nor npm, and leaves nothing", async () => {
    const place = makePlace();
    const { stdout, stderr, exit } = await call(place, [place.harbor, "plan"]);
    expect({ stdout, exit }).toEqual({ stdout: "", exit: 3 });
    expect(stderr).toBe(
      `harbor: Cannot start: neither bun ${pin} nor npm is on PATH\n  Install Bun (https://bun.com) or Node.js with npm, then run this again\n`,
    );
    expect(left(place)).toEqual([]);
  });

  test("names npm's failure as the cause, leaves nothing half-done, and works the next time", async () => {
    const place = makePlace();
    npmStandIn(place, 'mkdir -p "$3/half"; echo "npm error network" >&2; exit 1');
    const { stdout, stderr, exit } = await call(place, [place.harbor]);
    expect({ stdout, exit }).toEqual({ stdout: "", exit: 3 });
    expect(stderr).toContain("npm error network\n");
    expect(stderr).toContain(`harbor: Cannot install bun ${pin}: npm could not fetch it (its own message is above)\n  Check the network`);
    expect(left(place)).toEqual([]);
    npmStandIn(place);
    expect((await call(place, [place.harbor])).exit).toBe(0);
  });

  test("refuses a bun that npm fetched for another machine", async () => {
    const place = makePlace();
    npmStandIn(place);
    writeScript(join(place.tools, "bun-to-fetch"), "exit 126");
    const { stderr, exit } = await call(place, [place.harbor]);
    expect(exit).toBe(3);
    expect(stderr).toContain("npm fetched no build of it that runs on");
    expect(left(place)).toEqual([]);
  });

  test("ends with 3 when the dependencies cannot be fetched, and tries again the next time", async () => {
    const place = makePlace();
    writeScript(join(place.tools, "bun"), bunStandIn(pin, "echo 'error: ConnectionRefused' >&2; exit 1"));
    const { stdout, stderr, exit } = await call(place, [place.harbor]);
    expect({ stdout, exit }).toEqual({ stdout: "", exit: 3 });
    expect(stderr).toContain("error: ConnectionRefused\nharbor: Cannot install the dependencies");
    expect(left(place)).toEqual([]);
    writeScript(join(place.tools, "bun"), bunStandIn(pin));
    expect((await call(place, [place.harbor])).exit).toBe(0);
  });

  test("leaves nothing half-done when it is interrupted", async () => {
    const place = makePlace();
    npmStandIn(place, 'mkdir -p "$3/half"; exec sleep 60');
    const child = Bun.spawn([place.harbor], {
      cwd: place.home,
      env: { PATH: place.tools, HOME: place.home },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
      detached: true,
    });
    while (!existsSync(join(place.root, "node_modules/.harbor/fetch/half"))) await Bun.sleep(5);
    process.kill(-child.pid, "SIGINT");
    expect(await child.exited).toBe(130);
    expect(left(place)).toEqual([]);
  });
});

describe("bin/with-bun", () => {
  test("is bun, with all dependencies and with bun on PATH", async () => {
    const place = makePlace();
    npmStandIn(place);
    const words = ["-e", "console.log(JSON.stringify({ argv: process.argv.slice(1), which: Bun.which('bun') }))", "a b"];
    const { said, exit } = await call(place, [place.withBun, ...words]);
    expect(exit).toBe(0);
    expect(said).toEqual({ argv: ["a b"], which: join(place.root, "node_modules/.harbor/bun") });
    expect(place.calls().at(-1)).toBe("bun install --frozen-lockfile");
    expect(left(place)).toEqual(["bun", "bunx", "complete", "ready"]);
  });

  test("links harbor into node_modules/.bin", async () => {
    const place = makePlace();
    writeScript(join(place.tools, "bun"), bunStandIn(pin));
    await call(place, [place.withBun, "--revision"]);
    expect((await call(place, [join(place.root, "node_modules/.bin/harbor"), "x"])).said).toMatchObject({
      argv: ["x"],
      file: join(place.root, "dist/harbor.js"),
    });
  });

  test("hands on bun's exit code", async () => {
    const place = makePlace();
    writeScript(join(place.tools, "bun"), bunStandIn(pin));
    expect((await call(place, [place.withBun, "-e", "process.exit(9)"])).exit).toBe(9);
  });
});
