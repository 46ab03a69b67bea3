/**
 * What a revision of a model consists of, asked of the hub: which commit it is (`GET /api/models/<repo>/revision/<revision>`), then
 * the files of that commit (`GET /api/models/<repo>/tree/<commit>?recursive=true`, page by page).
 */
import type { HubClient } from "./_hub-client.ts";
import { isCommit } from "./_names.ts";
import { checkTree, readTreeEntry, type Tree, type TreeFile } from "./_tree.ts";

/** Throws as `HubClient` does; `network` also for an answer that cannot be right. */
export async function listTree(hub: HubClient, revision: string): Promise<Tree> {
  const commit = await readCommit(hub, revision);
  const url = hub.url("api/models", hub.repo, "tree", commit);
  url.search = "?recursive=true";
  const files: TreeFile[] = [];
  for await (const page of hub.askPages(url)) {
    files.push(...sensible(hub, () => readPage(page)));
  }
  return sensible(hub, () => checkTree({ commit, files }));
}

function readPage(page: unknown): TreeFile[] {
  if (!Array.isArray(page)) throw new Error("its files are no list");
  return page.flatMap((entry) => readTreeEntry(entry) ?? []);
}

async function readCommit(hub: HubClient, revision: string): Promise<string> {
  // a revision may have slashes (refs/pr/1) and is one part of the path
  const url = hub.url("api/models", hub.repo, "revision");
  url.pathname += `/${encodeURIComponent(revision)}`;
  const { sha } = ((await hub.ask(url)) ?? {}) as { sha?: unknown };
  return sensible(hub, () => {
    if (typeof sha !== "string" || !isCommit(sha)) throw new Error(`its revision "${revision}" is the commit ${JSON.stringify(sha)}`);
    return sha;
  });
}

/** What reads an answer and throws does not like what the hub says. */
function sensible<T>(hub: HubClient, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw hub.fail("network", `${hub.host} says of it what cannot be: ${(cause as Error).message}`, { cause });
  }
}
