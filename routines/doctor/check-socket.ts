/** Who may use the engine: on Linux that is as good as being root. */
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { type Endpoint, isRemote } from "../engine/find-endpoint.ts";
import type { Check } from "./check.ts";
import { type Finding, failed, ok, skipped, warning } from "./finding.ts";

export interface SocketFacts {
  endpoint: Endpoint;
  /** Of a unix socket that is there. */
  socket?: {
    mode: number;
    /** The group's name, or its number. */
    group: string;
    isUsable: boolean;
    /** Whether this user is in that group by the system's list, though perhaps not in this session. */
    isMember: boolean;
  };
}

export function judgeSocket({ endpoint, socket }: SocketFacts): Finding {
  const { host, certificates } = endpoint;
  if (host.startsWith("tcp://") && certificates === undefined) {
    const trouble = {
      what: `the engine is reached at ${host} without TLS`,
      why: "Whoever reaches that port can do there what root can, and whoever is in between can read all of it",
      fix: "Reach it by ssh (DOCKER_HOST=ssh://user@host), or set up TLS and DOCKER_TLS_VERIFY=1",
    };
    return isRemote(endpoint) ? failed(trouble) : warning(trouble);
  }
  const path = /^unix:\/\/(.+)$/.exec(host)?.[1];
  if (path === undefined) return ok(`no socket of this host: ${host}`);
  if (socket === undefined) return skipped(`there is no socket ${path}`);
  const { mode, group, isUsable, isMember } = socket;
  if (!isUsable) {
    return failed({
      what: `no permission on ${path} (group ${group})`,
      why: "Without it Harbor cannot run containers",
      fix: isMember
        ? `You are in the group ${group}, but this session does not know it yet: log in again, or run \`newgrp ${group}\``
        : `sudo usermod -aG ${group} "$USER", then log in again; or use rootless Docker`,
    });
  }
  if ((mode & 0o002) === 0) return ok(`${path} can be used (group ${group})`);
  return failed({
    what: `every user of this host may write to ${path}`,
    why: "Whoever can use the engine can do what root can",
    fix: `sudo chmod o-rw ${path}`,
  });
}

function readSocket(path: string, user: string): SocketFacts["socket"] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const { name, members } = readGroup(found.gid);
  return { mode: found.mode, group: name, isUsable: isUsable(path), isMember: user !== "" && members.includes(user) };
}

function readGroup(gid: number): { name: string; members: string[] } {
  try {
    const line = readFileSync("/etc/group", "utf8")
      .split("\n")
      .map((it) => it.split(":"))
      .find((fields) => fields[2] === String(gid));
    return { name: line?.[0] ?? String(gid), members: (line?.[3] ?? "").split(",") };
  } catch {
    return { name: String(gid), members: [] };
  }
}

function isUsable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

export const checkSocket: Check = {
  name: "socket",
  group: "engine",
  about: "who may use the engine",
  run(context) {
    const endpoint = context.endpoint();
    const path = /^unix:\/\/(.+)$/.exec(endpoint.host)?.[1];
    const socket = path === undefined ? undefined : readSocket(path, context.env.USER ?? "");
    return judgeSocket({ endpoint, ...(socket === undefined ? {} : { socket }) });
  },
};
