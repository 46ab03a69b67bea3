/** Settings → a Python environment with speaches in it, the folder to run it in, and what its processes need to find its libraries. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileWhole } from "harbor/_script/write-file";
import { detectOnnxProviders } from "harbor/host/detect-onnx-providers";
import { makePythonEnv, type PythonEnv, PythonEnvError, type PythonEnvProgress } from "harbor/host/make-python-env";
import { type FailureClass, ManagerError } from "./failures.ts";
import { fetchSource, placeOfSources } from "./fetch-source.ts";
import { makeRunFolder } from "./run-folder.ts";
import type { Settings } from "./settings.ts";
import type { Teller } from "./teller.ts";
import { readUvSources } from "./uv-sources.ts";

export interface Program {
  /** The interpreter of its environment. */
  python: string;
  /** Where the server runs. */
  cwd: string;
  env: Record<string, string>;
}

const CLASSES: Partial<Record<PythonEnvError["kind"], FailureClass>> = {
  "no-python": "python",
  "no-venv": "python",
  network: "network",
  disk: "disk",
  permission: "disk",
  locked: "locked",
};
/** All that bring the module `onnxruntime`: a CPU's and a GPU's build come together when nobody chooses. */
const BUILDS = ["", "-gpu", "-openvino", "-directml", "-rocm", "-migraphx", "-cann", "-qnn"].map((build) => `onnxruntime${build}`);
const CPU_BUILD = "onnxruntime";
const BUILD_NOTE = "harbor-onnxruntime.json";
/** Packages come from `find_links` alone. */
const NO_INDEX = "none";

/** Throws a ManagerError. */
export async function prepareProgram(
  settings: Settings,
  env: Record<string, string>,
  teller: Teller,
  signal: AbortSignal,
): Promise<Program> {
  const { environment, source, offline: isOffline } = settings;
  const build = await chooseOnnxRuntime(settings, env, signal);
  const hasSource = source !== "none";
  const folder = hasSource ? await fetchSource({ source, place: placeOfSources(environment), isOffline, signal }, teller) : undefined;
  const made = await makeEnvironment({ settings, env, teller, signal, folder }, build);
  for (const { name, from, to } of made.wasReused ? [] : made.patched) teller.say(`${name} asks for Python ${from}; widened to ${to}`);
  const cwd = makeRunFolder(`${environment}.run`, folder);
  return { python: made.python, cwd, env: withLibraries(env, made) };
}

interface EnvironmentOptions {
  settings: Settings;
  env: Record<string, string>;
  teller: Teller;
  signal: AbortSignal;
  /** Its source. */
  folder: string | undefined;
}

/** With the build of ONNX Runtime for this host's GPU; with the CPU's where that cannot be installed, once it was tried. */
async function makeEnvironment(options: EnvironmentOptions, best: string): Promise<PythonEnv> {
  const { settings, teller } = options;
  const build = settings.onnxruntime === "auto" ? chooseBuild(best, settings) : best;
  try {
    const made = await install(options, build);
    noteBuild(settings, { ...readBuild(settings), build });
    return made;
  } catch (error) {
    const isBuild = error instanceof ManagerError && error.failure === "install" && error.message.includes(`"${build}"`);
    if (!isBuild || build === CPU_BUILD || settings.onnxruntime !== "auto") throw error;
    teller.warn(`${error.message}; installing ${CPU_BUILD} instead`);
    const made = await install(options, CPU_BUILD);
    noteBuild(settings, { build: CPU_BUILD, refused: build });
    return made;
  }
}

/** Every build has the CPU's provider: a driver that does not answer today, or no network, is no reason to change what is there. */
function chooseBuild(best: string, settings: Settings): string {
  const there = readBuild(settings);
  if (there.refused === best) return CPU_BUILD;
  return best === CPU_BUILD || settings.offline ? (there.build ?? best) : best;
}

/** Of ONNX Runtime, in the environment: gone with it. */
interface BuildNote {
  build?: string;
  /** One that could not be installed. */
  refused?: string;
}

function readBuild({ environment }: Settings): BuildNote {
  try {
    return JSON.parse(readFileSync(join(environment, BUILD_NOTE), "utf8")) as BuildNote;
  } catch {
    return {};
  }
}

function noteBuild(settings: Settings, note: BuildNote): void {
  if (!Bun.deepEquals(readBuild(settings), note)) writeFileWhole(join(settings.environment, BUILD_NOTE), JSON.stringify(note));
}

async function install({ settings, env, teller, signal, folder }: EnvironmentOptions, only: string): Promise<PythonEnv> {
  const { environment, python, index_url: url, find_links: links, ui, offline: isOffline } = settings;
  try {
    return await makePythonEnv({
      folder: environment,
      requirement: requirementOf(folder ?? settings.package, ui, folder !== undefined),
      index: url === NO_INDEX ? { links, isUnused: true } : { links, ...(url === "" ? {} : { url }) },
      isOffline,
      env,
      signal,
      only: { package: only, of: BUILDS },
      extra: folder === undefined ? [] : readUvSources(folder),
      onProgress: (progress) => void tell(teller, progress),
      ...(python === "" ? {} : { python }),
    });
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof PythonEnvError ? ManagerError.of(CLASSES[error.kind] ?? "install", error) : error;
  }
}

async function tell(teller: Teller, { step, text }: PythonEnvProgress): Promise<void> {
  const isOutput = step === "install" && !/^installing /.test(text);
  if (isOutput) teller.say(text);
  await (isOutput ? teller.progress(text) : teller.status(text));
}

/** With its web page, as in its image, or without. */
function requirementOf(what: string, hasPage: boolean, isFolder: boolean): string {
  const extras = hasPage ? "[ui]" : "";
  if (isFolder) return `speaches${extras} @ ${Bun.pathToFileURL(what).href}`;
  // what is named by itself may have extras of its own, or be a file
  return /^[\w.-]+(?=$|[\s=<>!~;])/.test(what) ? what.replace(/^[\w.-]+/, (name) => `${name}${extras}`) : what;
}

/** The one that this host's GPU needs, by hardware and drivers alone: there is no environment yet. */
async function chooseOnnxRuntime(settings: Settings, env: Record<string, string>, signal: AbortSignal): Promise<string> {
  if (settings.onnxruntime !== "auto") return settings.onnxruntime;
  const { providers, order } = await detectOnnxProviders({ env: { ...env, HARBOR_ONNX_PROVIDER: settings.provider }, signal });
  const [best] = order;
  return providers.find(({ name }) => name === best)?.needs ?? CPU_BUILD;
}

/** PyTorch brings CUDA's libraries as packages, where the linker does not look; CTranslate2 and ONNX Runtime want the same. */
function withLibraries(env: Record<string, string>, { folder }: PythonEnv): Record<string, string> {
  if (process.platform !== "linux") return env;
  const [python] = listNames(join(folder, "lib")).filter((name) => name.startsWith("python3"));
  const packages = join(folder, "lib", python ?? "", "site-packages", "nvidia");
  const folders = listNames(packages)
    .map((name) => join(packages, name, "lib"))
    .filter((path) => existsSync(path));
  if (folders.length === 0) return env;
  return { ...env, LD_LIBRARY_PATH: [...folders, env.LD_LIBRARY_PATH ?? ""].filter((path) => path !== "").join(":") };
}

function listNames(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
