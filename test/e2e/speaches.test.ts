/**
 * Text → audio → text through a container, whichever way speaches runs: the consumer is given the same URL and hears the
 * same sentences. Speaches is the stand-in of test/fixtures/speech-server: as an image for the definition, and installed by
 * the service's own manager natively.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { freePort } from "../_ports.ts";
import { resultOf } from "../_process.ts";
import { SENTENCES, STT_MODEL, TTS_MODEL, writeModels } from "../fixtures/speech-models.ts";
import { missingSpeechParts } from "../fixtures/speech-parts.ts";
import { buildSpeechWheels } from "../fixtures/speech-wheels.ts";
import { engineOf, findTestEngine } from "./_engine.ts";
import { createSandbox, type Sandbox } from "./_sandbox.ts";

const IMAGE = "local/speaches";
const IMAGE_VERSION = "test";
const missing = missingSpeechParts();
const found = await findTestEngine([`${IMAGE}:${IMAGE_VERSION}-cpu`]);
const TIMEOUT_MS = 180_000;

/** Says each sentence, posts what it hears back, and prints it: all of it in a container of the stack's network. */
const CLIENT = `
const url = process.env.SPEECH_URL + "/v1/audio/";
const post = async (path, body) => {
  const answer = await fetch(url + path, { method: "POST", body });
  if (!answer.ok) throw new Error(path + ": " + answer.status + " " + (await answer.text()));
  return answer;
};
for (const input of JSON.parse(process.env.SENTENCES)) {
  const spoken = await post("speech", JSON.stringify({ model: process.env.TTS_MODEL, voice: "af_heart", input }));
  const form = new FormData();
  form.set("file", await spoken.blob(), "speech.mp3");
  form.set("model", process.env.STT_MODEL);
  console.log((await (await post("transcriptions", form)).json()).text);
}
`;

const CLIENT_FILES: Record<string, string> = {
  "talker/main.ts": CLIENT,
  "talker/compose.talker.yml": `
services:
  talker:
    image: local/bun:1
    entrypoint: [bun, -e]
    command: ["setInterval(() => {}, 1e6)"]
    init: true
    stop_grace_period: 0s
    volumes: ["./main.ts:/main.ts:ro"]
    networks: [harbor-network]
`,
  "talker/compose.x.talker.speaches.yml": `
services:
  talker:
    environment:
      SPEECH_URL: "\${HARBOR_SPEACHES_INTERNAL_URL:-http://speaches:8000}"
      STT_MODEL: "\${HARBOR_SPEACHES_STT_MODEL:-${STT_MODEL}}"
      TTS_MODEL: "\${HARBOR_SPEACHES_TTS_MODEL:-${TTS_MODEL}}"
      SENTENCES: '${JSON.stringify(SENTENCES)}'
    depends_on:
      speaches: { condition: service_healthy }
`,
};

/** What each way of running it needs to be told, beside the ports. */
const WAYS: Record<string, (folder: string) => Promise<Record<string, string>>> = {
  container: async () => ({ HARBOR_SPEACHES_IMAGE: IMAGE, HARBOR_SPEACHES_VERSION: IMAGE_VERSION }),
  // an archive of its source, and a dependency, neither of which is for the Python that is there
  native: async (folder) => {
    const bounds = { requiresPython: ">=3.12,<3.13", boundedDependency: ">=3.10,<3.11" };
    const { folder: links } = await buildSpeechWheels({ folder: join(folder, "wheels"), as: "sdist", ...bounds });
    const source = join(links, "speaches-0.8.3.tar.gz");
    return { HARBOR_SPEACHES_SOURCE: source, HARBOR_SPEACHES_FIND_LINKS: links, HARBOR_SPEACHES_OFFLINE: "true" };
  },
};

/** By way: what the consumer was told and heard. */
const seen: Record<string, { url: string; heard: string[] }> = {};

describe.skipIf(missing !== undefined || found.engine === undefined)("speaches", () => {
  describe.each(Object.keys(WAYS))("as a %s", (way) => {
    let sandbox: Sandbox;
    let port: number;

    beforeAll(async () => {
      sandbox = createSandbox(engineOf(found));
      port = freePort();
      for (const [name, text] of Object.entries(CLIENT_FILES)) write(join(sandbox.home, "services", name), text);
      writeModels(join(sandbox.home, "data/speaches"));
      Object.assign(sandbox.env, {
        HARBOR_CAPABILITIES_AUTODETECT: "false",
        HARBOR_SPEACHES_HOST_PORT: String(port),
        ...(await WAYS[way]?.(join(sandbox.home, "data"))),
      });
    });

    afterAll(() => sandbox[Symbol.asyncDispose]());

    test(
      "speaks to a container and listens to it",
      async () => {
        const words = way === "native" ? ["-x", "speaches", "talker"] : ["-c", "speaches", "talker"];
        const { code, stderr } = await sandbox.harbor(["up", "--no-defaults", ...words]);
        expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });

        const url = await inTalker(sandbox, "bun", "-e", "console.log(process.env.SPEECH_URL)");
        const heard = (await inTalker(sandbox, "bun", "/main.ts")).split("\n");
        expect(heard).toEqual([...SENTENCES]);
        seen[way] = { url, heard };
        expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
        const log = await sandbox.harbor(["logs", "speaches", "--tail", "all"]);
        if (way === "native") expect(log.stdout).toMatch(/(?:speaches|kokoro-onnx) asks for Python .*; widened to/);
      },
      TIMEOUT_MS,
    );

    test(
      "is gone after harbor down",
      async () => {
        expect((await sandbox.harbor(["down"])).code).toBe(0);
        const { containers, networks, processes, sockets } = await sandbox.leftovers();
        expect({ containers, networks, processes, sockets }).toEqual({ containers: [], networks: [], processes: [], sockets: [] });
      },
      TIMEOUT_MS,
    );
  });

  test("is the same to its consumers either way", () => {
    expect(seen.native).toEqual(seen.container as { url: string; heard: string[] });
    expect(seen.native?.url).toBe("http://speaches:8000");
  });
});

async function inTalker(sandbox: Sandbox, ...command: string[]): Promise<string> {
  const child = Bun.spawn(["docker", "exec", `${sandbox.project}-talker-1`, ...command], { stdout: "pipe", stderr: "pipe" });
  const { exit, stdout, stderr } = await resultOf(child);
  if (exit !== 0) throw new Error(stderr);
  return stdout.trim();
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
