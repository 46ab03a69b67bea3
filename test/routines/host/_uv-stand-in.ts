/**
 * A program called `uv` that is none, and says so: it knows the three commands that Harbor runs, has venv and pip do the
 * work, notes how it was called, and says in uv's own words that a package refuses the Python.
 */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const TEXT = (python: string, pip: string): string => `#!${python}
import json, os, re, subprocess, sys

words = sys.argv[1:]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "uv.calls"), "a") as calls:
    calls.write(json.dumps({"words": words, "index": os.environ.get("UV_DEFAULT_INDEX")}) + "\\n")
sys.stderr.write("this is a stand-in for uv, made for a test\\n")

def take(name):
    if name not in words:
        return None
    at = words.index(name)
    words.pop(at)
    return words.pop(at)

def flag(name):
    return bool(words.count(name) and not words.remove(name))

if words[:2] == ["python", "list"]:
    print("[]")
elif words[:1] == ["venv"]:
    words.pop(0)
    python = take("--python") or ${JSON.stringify(python)}
    offline = flag("--offline")
    if not flag("--allow-existing"):
        sys.exit("error: A directory already exists")
    if not os.path.isabs(python):
        sys.exit("error: No interpreter found for Python %s in managed installations or search path" % python)
    sys.exit(subprocess.call([python, "-m", "venv", "--without-pip"] + words))
elif words[:2] == ["pip", "install"]:
    del words[:2]
    python = take("--python")
    offline = ["--no-index"] if flag("--offline") else []
    env = dict(os.environ)
    if "UV_DEFAULT_INDEX" in env:
        env["PIP_INDEX_URL"] = env["UV_DEFAULT_INDEX"]
    ended = subprocess.run([${JSON.stringify(pip)}, "-m", "pip", "--python", python, "install"] + offline + words, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    refused = re.search(r"Package '(\\S+)' requires a different Python: (\\S+) not in '(\\S+)'", ended.stdout)
    if refused:
        name, version, requires = refused.groups()
        sys.stderr.write("  × No solution found when resolving dependencies:\\n"
            "  ╰─▶ Because the current Python version (%s) does not satisfy\\n      Python%s and %s==1.0 depends on Python%s, we can conclude that\\n      %s==1.0 cannot be used.\\n"
            "      And because you require %s, we can conclude that your requirements are unsatisfiable.\\n" % (version, requires, name, requires, name, name))
    else:
        sys.stderr.write(ended.stdout)
    sys.exit(ended.returncode)
else:
    sys.exit("error: unrecognized subcommand %r" % words[:1])
`;

/** Writes it as \`uv\` into a folder; \`pip\` is an interpreter that has pip. */
export function writeUvStandIn(folder: string, { python, pip }: { python: string; pip: string }): string {
  const path = join(folder, "uv");
  writeFileSync(path, TEXT(python, pip));
  chmodSync(path, 0o755);
  return path;
}
