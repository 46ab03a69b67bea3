/** A conductor that speaks https: Harbor's own words, programs and completion speak it as well. */
import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../_ports.ts";
import { makeCertificate } from "../services/conductor/_certificates.ts";
import { Sandbox } from "./_sandbox.ts";

test("a conductor with a certificate has an https URL, is told what runs, and is asked on the command line", async () => {
  const box = await Sandbox.create();
  try {
    const port = freePort();
    box.env.HARBOR_CONDUCTOR_HOST_PORT = String(port);
    box.env.HARBOR_MOCK_OPENAI_HOST_PORT = String(freePort());
    const data = join(box.home, "data", "conductor");
    mkdirSync(data, { recursive: true });
    await makeCertificate(data, "own");
    await box.run(["config", "set", "conductor.tls_cert_file", "own.crt"]);
    await box.run(["config", "set", "conductor.tls_key_file", "own.key"]);
    const up = await box.run(["up", "-x", "conductor", "-x", "mock-openai"]);
    expect([up.exit, up.stderr.includes("Cannot tell")]).toEqual([0, false]);
    expect((await box.run(["url", "conductor"])).stdout.trim()).toBe(`https://127.0.0.1:${port}`);
    expect((await box.run(["url", "conductor", "--internal"])).stdout.trim()).toBe("https://conductor:8888");
    const rows = await box.json<{ component_id: string; registered_by: string }[]>(["conductor", "ls"]);
    expect(rows).toMatchObject([{ component_id: "mock-openai-001", registered_by: "harbor" }]);
    const named = await box.run(["conductor", "ls", "--json", "--url", `https://localhost:${port}`]);
    expect(JSON.parse(named.stdout)).toHaveLength(1);
    const words = await box.run(["routine", "complete", "--", "conductor", "ls", "mock"]);
    expect(words.stdout).toContain("mock-openai-001");
    // what is shown is not what is configured any more
    await makeCertificate(join(box.home, "data"), "other");
    await box.run(["config", "set", "conductor.tls_cert_file", join(box.home, "data", "other.crt")]);
    const { exit, stderr } = await box.run(["conductor", "ls"]);
    expect([exit, stderr]).toEqual([1, expect.stringContaining("NODE_EXTRA_CA_CERTS")]);
  } finally {
    await box.remove();
  }
}, 60_000);
