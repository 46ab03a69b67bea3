/** What became of a name that means another image now, in words that a person can look up: versions, else days, else ids. */
import type { HeldImage } from "../engine/inspect-image.ts";

/** `0.6.1 → 0.6.2`. The version is the one that whoever built it has put on it. Rule: the OCI's annotations, `org.opencontainers.image.version`. */
export function describeChange(before: HeldImage, after: HeldImage): string {
  const ways = [versionOf, dayOf, timeOf, ({ id }: HeldImage) => id.replace(/^sha256:/, "").slice(0, 12)];
  for (const way of ways) {
    const [from, to] = [way(before), way(after)];
    if (from !== undefined && to !== undefined && from !== to) return `${from} → ${to}`;
  }
  return "";
}

function versionOf({ labels }: HeldImage): string | undefined {
  const version = labels["org.opencontainers.image.version"]?.trim();
  return version === "" ? undefined : version;
}

/** Images that are built so that they can be built again the same say that they are as old as 1970. */
function timeOf({ createdAt }: HeldImage): string | undefined {
  return createdAt > "1980" ? createdAt.slice(0, 16).replace("T", " ") : undefined;
}

function dayOf(image: HeldImage): string | undefined {
  return timeOf(image)?.slice(0, 10);
}
