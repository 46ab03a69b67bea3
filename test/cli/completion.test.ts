/** Completion as a person gets it: real shells, interactive on a terminal, with the tab key. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { until } from "../_until.ts";
import { checkout, Sandbox } from "./_sandbox.ts";

let box: Sandbox;

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({ "zebra/compose.zebra.yml": "services:\n  zebra: { image: 'z:${HARBOR_ZEBRA_VERSION:-1}' }\n" });
  box.write({ "home/data/llamacpp/evil$(touch pwned).gguf": "GGUF" });
  box.write({ "zebra file.txt": "", "zoo/keep": "" });
  expect((await box.run(["version"])).exit).toBe(0); // builds what is stale
});
afterAll(() => box.remove());

const environment = (): Record<string, string> => ({
  ...box.env,
  PATH: `${join(checkout, "bin")}:${box.env.PATH}`,
  TERM: "xterm",
  PS1: "",
  PROMPT: "",
  INPUTRC: "/dev/null",
  HISTFILE: "/dev/null",
});

/** A shell on a terminal of its own. */
class Shell implements AsyncDisposable {
  #text = "";
  readonly #child: ReturnType<typeof Bun.spawn>;

  constructor(command: readonly string[], setup: readonly string[]) {
    const data = (_: unknown, bytes: Uint8Array): void => {
      this.#text += Buffer.from(bytes).toString();
    };
    this.#child = Bun.spawn([...command], { cwd: box.root, env: environment(), terminal: { cols: 200, rows: 50, data } });
    for (const line of [...setup, "echo 'rea''dy'"]) this.#child.terminal?.write(`${line}\r`);
  }

  get text(): string {
    return Bun.stripANSI(this.#text).replaceAll("\r", "");
  }

  async ready(): Promise<void> {
    await until(() => /^ready$/m.test(this.text), "the shell");
  }

  /** Types it, then the tab key; the line as it is then, and what was listed. */
  async complete(typed: string): Promise<{ line: string; listed: string }> {
    this.#text = "";
    this.#child.terminal?.write(`${typed}\t`);
    this.#child.terminal?.write("\x14"); // Ctrl-T, which each shell binds to showing its line
    await until(() => /<<.*>>/.test(this.text), "its line");
    const [whole, line = ""] = /<<(.*)>>/.exec(this.text) ?? [];
    const listed = this.text.slice(0, this.text.indexOf(whole ?? ""));
    this.#child.terminal?.write("\x15"); // Ctrl-U
    return { line, listed };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}

const SHELLS = {
  bash: {
    command: ["bash", "--norc", "--noprofile", "-i"],
    setup: [
      ...["show-all-if-ambiguous on", "page-completions off", "completion-query-items 0", "bell-style none"].map(
        (it) => `bind 'set ${it}'`,
      ),
      `bind -x '"\\C-t": printf "\\n<<%s>>\\n" "$READLINE_LINE"'`,
      'eval "$(harbor completion bash)"',
    ],
  },
  zsh: {
    command: ["zsh", "-f", "-i"],
    setup: [
      "autoload -Uz compinit && compinit -u -D; setopt nobeep noautomenu; LISTMAX=10000; bindkey -e",
      "show() { print -r -- $'\\n'\"<<$BUFFER>>\" }; zle -N show; bindkey '^T' show",
      'eval "$(harbor completion zsh)"',
    ],
  },
} as const;

/** What is typed, what stands there after the tab key. */
const UNIQUE: readonly (readonly [string, string])[] = [
  ["harbor superv", "harbor supervisor "],
  ["harbor supervisor sta", "harbor supervisor status "],
  ["harbor up zeb", "harbor up zebra "],
  ["harbor zebra attac", "harbor zebra attach "],
  ["harbor zeb", "harbor zebra "],
  ["harbor up --excl", "harbor up --exclude "],
  ["harbor up -x zeb", "harbor up -x zebra "],
  ["harbor up --exclude=zeb", "harbor up --exclude=zebra "],
  ["harbor up --exclude ollama,zeb", "harbor up --exclude ollama,zebra "],
  ["harbor config unse", "harbor config unset "],
  ["harbor config set zebra.ver", "harbor config set zebra.version "],
  ["harbor config set zebra.runtime nat", "harbor config set zebra.runtime native "],
  ["harbor completion fi", "harbor completion fish "],
  ["harbor up --workspace zo", "harbor up --workspace zoo/"],
  ["harbor routine patch-pyproject zebra", "harbor routine patch-pyproject zebra\\ file.txt "],
  ["harbor models rm evil", "harbor models rm evil\\$\\(touch\\ pwned\\) "],
  ["harbor up nothingthere", "harbor up nothingthere"],
];

describe.each(Object.entries(SHELLS))("%s", (name, { command, setup }) => {
  const isHere = Bun.which(name) !== null;

  test.skipIf(!isHere)(`completes what can only be one word (needs ${name})`, async () => {
    await using shell = new Shell(command, setup);
    await shell.ready();
    const lines: [string, string][] = [];
    for (const [typed] of UNIQUE) lines.push([typed, (await shell.complete(typed)).line]);
    expect(lines).toEqual(UNIQUE.map(([typed, line]) => [typed, line]));
  });

  test.skipIf(!isHere)(`lists what it may be (needs ${name})`, async () => {
    await using shell = new Shell(command, setup);
    await shell.ready();
    const { listed: verbs } = await shell.complete("harbor ");
    for (const verb of ["up", "down", "config", "how"]) expect(verbs).toMatch(new RegExp(`(^|\\s)${verb}\\s`));
    // zsh has room for what each does
    if (name === "zsh") expect(verbs).toMatch(/^down +-- Stop services; all of them without names/m);
    expect((await shell.complete("harbor config ")).listed).toMatch(/get.*unset/s);
    expect((await shell.complete("harbor logs --")).listed).toMatch(/--follow.*--quiet/s);
  });
});

test.skipIf(Bun.which("zsh") === null)("zsh finds it as a file in fpath as well (needs zsh)", async () => {
  box.write({ "functions/_harbor": (await box.run(["completion", "zsh"])).stdout });
  const { command, setup } = SHELLS.zsh;
  await using shell = new Shell(command, [`fpath=(${box.root}/functions $fpath)`, ...setup.slice(0, 2)]);
  await shell.ready();
  expect((await shell.complete("harbor up zeb")).line).toBe("harbor up zebra ");
});

describe("fish", () => {
  /** What its own `complete` says of a line. */
  async function offer(line: string): Promise<string[]> {
    const script = "harbor completion fish | source; complete -C $argv[1]";
    const shell = Bun.spawn(["fish", "--no-config", "-c", script, line], {
      env: environment(),
      cwd: box.root,
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, said] = await Promise.all([shell.stdout.text(), shell.stderr.text()]);
    expect(said).toBe("");
    return out.trimEnd().split("\n");
  }

  test.skipIf(Bun.which("fish") === null).each([
    ["harbor superv", ["supervisor\tLook at the process that keeps native services running, or end it"]],
    ["harbor up zeb", ["zebra"]],
    ["harbor zebra attac", ["attach\tFollow one service: what it prints, and what becomes of it"]],
    ["harbor up --exclude=zeb", ["--exclude=zebra"]],
    ["harbor up --exclude ollama,zeb", ["ollama,zebra"]],
    ["harbor config set zebra.runtime ", ["native", "container", "auto", "connected"]],
    ["harbor routine patch-pyproject zebra", ["zebra file.txt"]],
    ["harbor up --workspace zo", ["zoo/"]],
    ["harbor completion ", ["bash", "zsh", "fish"]],
  ])("%s (needs fish)", async (line, offered) => {
    expect((await offer(line)).map((it) => it.replace(/\tDirectory$/, ""))).toEqual(offered);
  });
});

describe("what there is", () => {
  const offered = async (...words: string[]): Promise<string[]> =>
    (await box.run(["routine", "complete", "--", ...words])).stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => line.split("\t")[0] ?? "");

  test("profiles by their names, keys of secrets, and where these may be kept", async () => {
    expect((await box.run(["profile", "save", "mine"])).exit).toBe(0);
    for (const verb of ["use", "diff", "rm"]) expect(await offered("profile", verb, "m")).toEqual(["mine"]);
    expect(await offered("secrets", "set", "litellm.")).toEqual(["litellm.master_key", "litellm.remote_token"]);
    expect(await offered("secrets", "unset", "HARBOR_HF")).toEqual(["HARBOR_HF_TOKEN"]);
    expect(await offered("secrets", "store", "")).toEqual(["file", "keychain"]);
  });
});

describe("the scripts", () => {
  test("are what each shell can read", async () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      if (Bun.which(shell) === null) continue;
      const { stdout } = await box.run(["completion", shell]);
      const check = Bun.spawn([shell, "-n"], { stdin: new TextEncoder().encode(stdout), stdout: "ignore", stderr: "pipe" });
      expect({ shell, said: await check.stderr.text() }).toEqual({ shell, said: "" });
    }
  });

  test("print nothing of their own where Harbor cannot say anything", async () => {
    const { exit, stdout } = await box.run(["routine", "complete", "--", "up", "x"], { env: { HARBOR_HOME: "/nonexistent/home" } });
    expect({ exit, stdout }).toEqual({ exit: 0, stdout: "" });
  });
});
