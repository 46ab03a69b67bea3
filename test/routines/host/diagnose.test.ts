import { describe, expect, test } from "bun:test";
import { diagnose } from "../../../routines/host/_diagnose.ts";

/** What the tools print: pip 22 to 24 as it was seen, uv as its own tests have it. */
const KINDS: [what: string, output: string, kind: string][] = [
  ["pip: a full disk", "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk"],
  ["venv: a full disk", "Error: [Errno 28] No space left on device", "disk"],
  [
    "uv: a full disk",
    "error: Failed to install: torch-2.4.0.whl (torch==2.4.0)\n  Caused by: failed to copy file\n  Caused by: No space left on device (os error 28)",
    "disk",
  ],
  ["a build that fails on a full disk", "error: subprocess-exited-with-error\n      OSError: [Errno 28] No space left on device", "disk"],
  [
    "venv without ensurepip, as Debian words it",
    "The virtual environment was not created successfully because ensurepip is not\navailable.  On Debian/Ubuntu systems, you need to install the python3-venv\npackage",
    "no-venv",
  ],
  ["uv: no such Python", "  × No interpreter found for Python 3.10 in managed installations or search path", "no-python"],
  [
    "uv: no such Python, and none may be fetched",
    "error: No interpreter found for Python 3.13 in managed installations or search path\nhint: Python downloads are set to 'never'",
    "no-python",
  ],
  [
    "pip: the index refuses connections",
    "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection object at 0x7f6b>: Failed to establish a new connection: [Errno 111] Connection refused')': /simple/plain/\nERROR: Could not find a version that satisfies the requirement plain (from versions: none)\nERROR: No matching distribution found for plain",
    "network",
  ],
  [
    "pip: the certificate",
    "Could not fetch URL https://pypi.example/simple/plain/: There was a problem confirming the ssl certificate: HTTPSConnectionPool(host='pypi.example', port=443): Max retries exceeded (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed'))) - skipping\nERROR: No matching distribution found for plain",
    "network",
  ],
  [
    "pip: what a build needs cannot be fetched",
    "  error: subprocess-exited-with-error\n  × pip subprocess to install build dependencies did not run successfully.\n      WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('x: [Errno -2] Name or service not known')': /simple/hatchling/\n      ERROR: No matching distribution found for hatchling",
    "network",
  ],
  [
    "pip: it had to try again, and then lacks something else",
    "WARNING: Retrying (Retry(total=4)) after connection broken by 'ReadTimeoutError(\"timed out\")': /simple/plain/\nERROR: Could not find a version that satisfies the requirement nothere>=2 (from plain) (from versions: none)\nERROR: No matching distribution found for nothere>=2",
    "unresolvable",
  ],
  [
    "pip: it had to try again, and then a build fails",
    "WARNING: Retrying (Retry(total=4)) after connection broken by 'ReadTimeoutError(\"timed out\")': /simple/plain/\nerror: subprocess-exited-with-error\nerror: metadata-generation-failed",
    "build",
  ],
  [
    "pip: a wrong password",
    "WARNING: 401 Error, Credentials not correct for https://pypi.example/simple/plain/\nERROR: No matching distribution found for plain",
    "network",
  ],
  [
    "uv: the index cannot be reached",
    "error: Request failed after 3 retries\n  Caused by: Failed to fetch: `https://pypi.example/simple/tqdm/`\n  Caused by: error sending request for url (https://pypi.example/simple/tqdm/)\n  Caused by: client error (Connect)\n  Caused by: dns error\n  Caused by: failed to lookup address information: Temporary failure in name resolution",
    "network",
  ],
  [
    "uv: the index is broken",
    "error: Failed to fetch: `https://pypi.example/tqdm/`\n  Caused by: HTTP status server error (500 Internal Server Error) for url (https://pypi.example/tqdm/)",
    "network",
  ],
  [
    "uv: offline, and nothing in its cache",
    "  × No solution found when resolving dependencies:\n  ╰─▶ Because numpy was not found in the cache and you require numpy, we can conclude that your requirements are unsatisfiable.\n\n      hint: Packages were unavailable because the network was disabled. When the network is disabled, registry packages may only be read from the cache.",
    "network",
  ],
  ["pip: the file is gone", "ERROR: HTTP error 404 while getting https://files.example/plain-1.0.tar.gz", "unresolvable"],
  [
    "uv: no such package",
    "  × No solution found when resolving dependencies:\n  ╰─▶ Because uvcorn was not found in the package registry and you require uvcorn, we can conclude that your requirements are unsatisfiable.",
    "unresolvable",
  ],
  [
    "uv: no such version",
    "  × No solution found when resolving dependencies:\n  ╰─▶ Because there is no version of plain==9 and you require plain==9, we can conclude that your requirements are unsatisfiable.",
    "unresolvable",
  ],
  [
    "pip: requirements that contradict each other",
    "ERROR: Cannot install a==1 and b==1 because these package versions have conflicting dependencies.\nERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/",
    "unresolvable",
  ],
  [
    "pip: a build fails",
    "  error: subprocess-exited-with-error\n\n  × Building wheel for broken (pyproject.toml) did not run successfully.\n  │ exit code: 1\n  ╰─> See above for output.\n  ERROR: Failed building wheel for broken\nERROR: Could not build wheels for broken, which is required to install pyproject.toml-based projects",
    "build",
  ],
  [
    "uv: a build fails",
    "  × Failed to build `broken==1.0`\n  ├─▶ The build backend returned an error\n  ╰─▶ Call to `setuptools.build_meta.build_wheel` failed (exit status: 1)",
    "build",
  ],
  ["venv: a folder of another user", "Error: [Errno 13] Permission denied: '/srv/env'", "permission"],
  ["uv: a disk that may not be written", "error: failed to create directory `/srv/env`: Read-only file system (os error 30)", "permission"],
  ["words that nobody knows", "Segmentation fault", "failed"],
  ["nothing", "", "failed"],
];

describe("diagnose", () => {
  test.each(KINDS)("%s", (_, output, kind) => {
    const found = diagnose(output);
    expect(found.kind as string).toBe(kind);
    expect(found.reason).not.toBe("");
    expect(found.refusals).toEqual([]);
  });
});

/** Of a package that refuses the Python. */
const REFUSALS: [what: string, output: string, refusals: unknown[]][] = [
  [
    "pip, of a wheel that it looked into",
    "Processing ./wheels/outer-1.0-py3-none-any.whl\nProcessing ./wheels/Strict_One-1.2.3-py3-none-any.whl (from outer)\nERROR: Package 'strict-one' requires a different Python: 3.12.1 not in '<3.11,>=3.8'",
    [{ name: "strict-one", version: "1.2.3", specifier: "", requires: "<3.11,>=3.8" }],
  ],
  [
    "pip, of a folder",
    "Processing ./src/strict\n  Preparing metadata (pyproject.toml): finished with status 'done'\nERROR: Package 'strict' requires a different Python: 3.10.13 not in '>=3.12'",
    [{ name: "strict", specifier: "", requires: ">=3.12" }],
  ],
  [
    "pip, of several versions: the newest",
    "ERROR: Packages require a different Python. 3.10.13 not in:\n'>=3.99' (required by strict 2.0 (from /tmp/wheels/strict-2.0-py3-none-any.whl))\n'>=3.98' (required by strict 1.0 (from /tmp/wheels/strict-1.0-py3-none-any.whl))",
    [{ name: "strict", version: "2.0", specifier: "", requires: ">=3.99" }],
  ],
  [
    "pip, of an index that says so: the newest release that was asked for",
    "ERROR: Ignored the following versions that require a different python version: 0.9 Requires-Python >=3.11; 1.0 Requires-Python >=3.12,<4; 1.1rc1 Requires-Python >=3.12; 2.0 Requires-Python >=3.13\nERROR: Could not find a version that satisfies the requirement Strict[ui]<2 (from outer) (from versions: none)\nERROR: No matching distribution found for strict<2",
    [{ name: "strict", version: "1.0", specifier: "<2", requires: ">=3.12,<4" }],
  ],
  [
    "uv, of one version, wrapped",
    "  × No solution found when resolving dependencies:\n  ╰─▶ Because the current Python version (3.8.10) does not satisfy Python>=3.9\n      and aiida-base==2.2.0a0 depends on Python>=3.9, we can\n      conclude that aiida-base==2.2.0a0 cannot be used.\n      And because you require aiida-base==2.2.0a0, we can conclude\n      that the requirements are unsatisfiable.",
    [{ name: "aiida-base", version: "2.2.0a0", specifier: "==2.2.0a0", requires: ">=3.9" }],
  ],
  [
    "uv, of all versions of what another depends on",
    "  × No solution found when resolving dependencies:\n  ╰─▶ Because the current Python version (3.11.1) does not satisfy Python>=3.13 and all versions of strict depend on Python>=3.13, we can conclude that all versions of strict cannot be used.\n      And because outer==1.0 depends on strict>=1,<2, we can conclude that outer==1.0 cannot be used.",
    [{ name: "strict", specifier: ">=1,<2", requires: ">=3.13" }],
  ],
  [
    "uv, in the words of its newer versions",
    "error: No solution found when resolving dependencies\n  cause: Because the current Python version (3.11.1) does not satisfy Python>=3.13 and strict==1.0 depends on Python>=3.13, we can conclude that strict==1.0 cannot be used.",
    [{ name: "strict", version: "1.0", specifier: "", requires: ">=3.13" }],
  ],
];

describe("a package that refuses the Python, as told by", () => {
  test.each(REFUSALS)("%s", (_, output, refusals) => {
    expect(diagnose(output)).toMatchObject({ kind: "requires-python", refusals });
  });

  test("a full disk is told first", () => {
    expect(
      diagnose("ERROR: Package 'a' requires a different Python: 3.1 not in '>=3.2'\nOSError: [Errno 28] No space left on device").kind,
    ).toBe("disk");
  });
});
