/** Versions as engines and plugins print them: `20.10.24+dfsg1`, `2.26.1-4`, `v2.36.0-desktop.1`. */

/** Whether it is older than a version of numbers alone; one without numbers (`dev`) is newer than all. */
export function isOlder(version: string, floor: string): boolean {
  if (!/\d/.test(version)) return false;
  const parts = numbersOf(version);
  for (const [index, least] of numbersOf(floor).entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part < least;
  }
  return false;
}

function numbersOf(version: string): number[] {
  return version
    .replace(/^v/, "")
    .split(/[+-]/, 1)
    .flatMap((text) => text.split(".").map(Number));
}
