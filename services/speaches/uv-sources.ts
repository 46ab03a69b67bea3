/**
 * Packages that a project has from elsewhere than an index, as only uv reads it: `[tool.uv.sources]` in its pyproject.toml
 * (https://docs.astral.sh/uv/concepts/projects/dependencies/#dependency-sources). speaches names wheels of piper-phonemize
 * there, for Linux; on the index there are none for its Python, and pip would have to do without.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

interface Source {
  url?: unknown;
  marker?: unknown;
}

/** Each wheel as a requirement (PEP 508), for the Python and the machines that it is for. A source that cannot be read has none: its build says why. */
export function readUvSources(folder: string): string[] {
  const sources = readTable(join(folder, "pyproject.toml"));
  return Object.entries(sources).flatMap(([name, source]) => [source].flat().flatMap((one) => asRequirement(name, one)));
}

function readTable(file: string): Record<string, Source | Source[]> {
  try {
    const document = Bun.TOML.parse(readFileSync(file, "utf8")) as { tool?: { uv?: { sources?: Record<string, Source | Source[]> } } };
    return document.tool?.uv?.sources ?? {};
  } catch {
    return {};
  }
}

function asRequirement(name: string, { url, marker }: Source): string[] {
  if (typeof url !== "string") return [];
  // its name says which Python it is for: name-version-python-abi-platform.whl (PEP 427); abi3 is for that one and all later ones
  const [, major, minor, abi] = /-cp(\d)(\d+)-([^-]+)-[^-/]+\.whl$/.exec(url) ?? [];
  if (major === undefined) return [];
  const python = `python_version ${abi === "abi3" ? ">=" : "=="} "${major}.${minor}"`;
  const markers = [typeof marker === "string" ? `(${marker})` : "", python];
  return [`${name} @ ${url} ; ${markers.filter((it) => it !== "").join(" and ")}`];
}
