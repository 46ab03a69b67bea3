import { describe, expect, test } from "bun:test";
import type { ServiceStatus } from "../../../routines/stack/observe-stack.ts";
import { renderReport } from "../../../routines/stack/render-report.ts";
import { findWorkspace, type Workspace } from "../../../routines/workspace/find-workspace.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

const row = (handle: string, more: Partial<ServiceStatus>): ServiceStatus => ({
  handle,
  runtime: "container",
  state: "running",
  health: "",
  pid: null,
  container: handle,
  ports: [],
  urls: [],
  since: null,
  ...more,
});

describe("renderReport", () => {
  const find = (): Workspace => {
    const home = makeTree({ "services/a/compose.a.yml": "x-harbor: { example: 'curl {url}/x' }\n", "services/b/compose.b.yml": "" });
    return findWorkspace({ home, builtIn: makeFolder(), cwd: home });
  };
  const services = [row("a", { health: "healthy", urls: ["http://127.0.0.1:1"] }), row("b", { runtime: "native" })];

  test("says what runs where", () => {
    expect(renderReport({ services, workspace: find(), isDefault: false })).toBe(
      "a  container  healthy  http://127.0.0.1:1\nb  native     running  -",
    );
  });

  test("shows a newcomer a first request and a next command", () => {
    const text = renderReport({ services: [services[0] as ServiceStatus], workspace: find(), isDefault: true });
    expect(text).toContain("\n\nAsk it something:\n  curl http://127.0.0.1:1/x\n\n");
    expect(text).toContain("harbor up -x ollama webui");
  });

  test("has no words for a companion, which has no folder", () => {
    const text = renderReport({
      services: [...services, row("a-db", { urls: ["http://127.0.0.1:2"] })],
      workspace: find(),
      isDefault: true,
    });
    expect(text).toContain("a-db  container  running  http://127.0.0.1:2\n");
  });
});
