/**
 * The user's environment → that of Python and its installers: all of `PIP_*`, `UV_*`, proxies and certificates stay,
 * but for what would lead them to another interpreter, another environment or another target folder.
 */

const LEFT_OUT: ReadonlySet<string> = new Set([
  ...["VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONEXECUTABLE", "PYTHONSAFEPATH"],
  // macOS: set by a framework's python for its children, which then take themselves for it
  ...["__PYVENV_LAUNCHER__", "CONDA_PREFIX"],
  ...["PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_REQUIREMENT", "PIP_DRY_RUN", "PIP_LOG", "PIP_QUIET", "PIP_REPORT"],
  ...["UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_TARGET", "UV_PREFIX", "UV_BREAK_SYSTEM_PACKAGES", "UV_PROJECT_ENVIRONMENT", "UV_VENV_CLEAR"],
]);

/** Names that the installers read: plain words for a log, and no questions. */
const OURS = {
  NO_COLOR: "1",
  PYTHONUTF8: "1",
  PYTHONUNBUFFERED: "1",
  PIP_DISABLE_PIP_VERSION_CHECK: "1",
  PIP_NO_INPUT: "1",
  // a pip.conf that says `user = true` is for people, not for environments
  PIP_USER: "0",
  PIP_REQUIRE_VIRTUALENV: "0",
  UV_NO_PROGRESS: "1",
  UV_NO_WRAP: "1",
  GIT_TERMINAL_PROMPT: "0",
} as const;

/** Copies it; undefined values fall away. */
export function toolEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined && !LEFT_OUT.has(name)) kept[name] = value;
  return { ...kept, ...OURS };
}
