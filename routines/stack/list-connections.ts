/** The services for which servers stand in, by the configuration, and what those answer right now. */
import { HarborError } from "../_script/error.ts";
import { connectedHandles } from "../config/connected-handles.ts";
import type { Env } from "../config/read-values.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { askServer, type ServerAnswer } from "./ask-server.ts";
import { planConnection } from "./plan-connection.ts";
import type { StackRecord } from "./read-stack.ts";

export interface ListConnectionsOptions {
  workspace: Workspace;
  record: StackRecord | undefined;
  env: Env;
  timeoutMs?: number;
}

export interface ListedConnection {
  handle: string;
  url: string;
  isInsecure: boolean;
  hasCa: boolean;
  hasToken: boolean;
  /** Whether it is part of the stack that is up. */
  isUp: boolean;
  answer: ServerAnswer;
}

export interface ListedConnections {
  connections: ListedConnection[];
  /** Of services whose connection cannot be read. */
  problems: string[];
}

const TIMEOUT_MS = 3_000;

/** By handle; all are asked at once. */
export async function listConnections(options: ListConnectionsOptions): Promise<ListedConnections> {
  const { workspace, env } = options;
  const found = await Promise.all(connectedHandles(workspace, env).map((handle) => look(handle, options)));
  return {
    connections: found.filter((it) => typeof it !== "string"),
    problems: found.filter((it) => typeof it === "string"),
  };
}

async function look(
  handle: string,
  { workspace, record, env, timeoutMs = TIMEOUT_MS }: ListConnectionsOptions,
): Promise<ListedConnection | string> {
  try {
    const { spec, token } = await planConnection({ handle, workspace, env });
    const answer = await askServer({ spec, token, timeoutMs });
    const { url, isInsecure, hasToken } = spec;
    return { handle, url, isInsecure, hasCa: spec.ca !== undefined, hasToken, isUp: record?.connected?.includes(handle) ?? false, answer };
  } catch (error) {
    if (!(error instanceof HarborError)) throw error;
    return error.message;
  }
}
