/** The folder a command was called in; the root where somebody has deleted it meanwhile, so that `harbor down` works from there too. */
export function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return "/";
  }
}
