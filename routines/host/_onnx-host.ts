/**
 * This host → the facts that execution providers depend on: files, and what `nvidia-smi`, `sysctl` and `sw_vers` print. Whether there
 * is a device at all is `detectDevices`' to say; here is read what a provider needs to know beyond that.
 */
import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isWsl } from "../engine/detect-engine-kind.ts";
import { type Answer, askProgram } from "./_ask-program.ts";
import type { AmdFacts, HostFacts, IntelFacts, Library, NvidiaFacts, NvidiaGpu } from "./_onnx-facts.ts";
import { findLibraries } from "./_onnx-libraries.ts";
import { detectDevices, findOnPath } from "./detect-capabilities.ts";

type Env = Record<string, string | undefined>;

export interface ReadHostFactsOptions {
  env: Env;
  /** The root of the file system looked at, programs of its PATH included. */
  root?: string;
  platform?: NodeJS.Platform;
  arch?: string;
  signal?: AbortSignal | undefined;
}

/** A driver that hangs must not hang us. */
const PROGRAM_MS = 10_000;

/** Never throws: what cannot be read is not there. */
export async function readHostFacts(options: ReadHostFactsOptions): Promise<HostFacts> {
  const { platform = process.platform, arch = process.arch } = options;
  if (platform === "darwin") return readMac(options, arch);
  if (platform === "win32") return readWindows(options, arch);
  return readLinux({ ...options, root: options.root ?? "/" }, platform, arch);
}

async function readMac(options: ReadHostFactsOptions, arch: string): Promise<HostFacts> {
  const [version, chip, isArm] = await Promise.all([
    ask(options, ["sw_vers", "-productVersion"]),
    ask(options, ["sysctl", "-n", "machdep.cpu.brand_string"]),
    // under Rosetta the process's own architecture is not the machine's
    ask(options, ["sysctl", "-n", "hw.optional.arm64"]),
  ]);
  const macos = { version: firstLine(version), chip: firstLine(chip) };
  return { platform: "darwin", arch: firstLine(isArm) === "1" ? "arm64" : arch, macos, isWsl: false, isContainer: false, libraries: [] };
}

async function readWindows(options: ReadHostFactsOptions, arch: string): Promise<HostFacts> {
  const { release } = await import("node:os");
  const system = join(options.root ?? "", options.env.SystemRoot ?? "C:\\Windows", "System32");
  const has = (file: string): boolean => existsSync(join(system, file));
  const windows = { build: Number(release().split(".")[2] ?? 0), hasDirectX12: has("d3d12.dll") };
  const facts: HostFacts = { platform: "win32", arch, windows, isWsl: false, isContainer: false, libraries: [] };
  if (!has("nvcuda.dll")) return facts;
  const asked = has("nvidia-smi.exe") ? await askSmi(options, join(system, "nvidia-smi.exe")) : {};
  return { ...facts, nvidia: { library: { file: join(system, "nvcuda.dll") }, hasCard: true, ...asked } };
}

type LinuxOptions = ReadHostFactsOptions & { root: string };

async function readLinux(options: LinuxOptions, platform: NodeJS.Platform, arch: string): Promise<HostFacts> {
  const { root, env } = options;
  const libraries = findLibraries({ env, root, arch });
  const vendors = readVendors(root);
  const nvidia = await readNvidia(options, libraries, vendors);
  const amd = readAmd(options, vendors);
  const intel = readIntel(root);
  return {
    platform,
    arch,
    isWsl: isWsl(() => read(root, "proc/sys/kernel/osrelease")),
    isContainer: existsSync(join(root, ".dockerenv")) || existsSync(join(root, "run/.containerenv")),
    ...(nvidia === undefined ? {} : { nvidia }),
    ...(amd === undefined ? {} : { amd }),
    ...(intel === undefined ? {} : { intel }),
    libraries,
  };
}

const NVIDIA_CARD = "0x10de";
const AMD_CARD = "0x1002";
const INTEL_CARD = "0x8086";

/** PCI vendors of the graphics and compute cards; one without a driver is there too. */
function readVendors(root: string): string[] {
  const folder = "sys/bus/pci/devices";
  const cards = names(join(root, folder)).filter((name) => /^0x(03|12)/.test(read(root, `${folder}/${name}/class`)));
  return cards.map((name) => read(root, `${folder}/${name}/vendor`).trim());
}

async function readNvidia(
  options: LinuxOptions,
  libraries: readonly Library[],
  vendors: readonly string[],
): Promise<NvidiaFacts | undefined> {
  const { root } = options;
  const hasDriver = detectDevices(options).some(({ name, hasDevice }) => name === "nvidia" && hasDevice);
  const tegra = readTegra(root);
  const isOnBus = vendors.includes(NVIDIA_CARD);
  if (!hasDriver && tegra === undefined && !isOnBus) return undefined;
  const module = readModule(root);
  const library = libraries.find(({ name }) => name === "libcuda");
  const smi = findOnPath("nvidia-smi", `${options.env.PATH ?? ""}:${WSL_FOLDER}`, root);
  const asked = smi === undefined ? {} : await askSmi(options, smi);
  return {
    // WSL's is on no bus
    hasCard: isOnBus || tegra !== undefined || module !== undefined || asked.gpus !== undefined || existsSync(join(root, WSL_FOLDER)),
    ...(tegra === undefined ? {} : { tegra }),
    ...(module === undefined ? {} : { module }),
    ...(library === undefined ? {} : { library: describeLibrary(root, library.folder) }),
    ...asked,
  };
}

/** Where Windows puts its drivers' part for Linux. */
const WSL_FOLDER = "/usr/lib/wsl/lib";

/** The open module and the closed one word the line differently, and it changed in 2026; a Jetson's has the version of its Linux. */
function readModule(root: string): string | undefined {
  return (
    /^NVRM version:.*?\s(\d+\.\d+(?:\.\d+)?)\s/m.exec(read(root, "proc/driver/nvidia/version"))?.[1] ||
    read(root, "sys/module/nvidia/version").trim() ||
    undefined
  );
}

/** "# R36 (release), REVISION: 4.3, …" → "36.4.3" */
function readTegra(root: string): string | undefined {
  const [, release, revision] = /R(\d+) \(release\), REVISION: ([\d.]+)/.exec(read(root, "etc/nv_tegra_release")) ?? [];
  return release === undefined ? undefined : `${release}.${revision}`;
}

/** `libcuda.so.1` stands beside the file it means, which has the driver's version in its name. */
function describeLibrary(root: string, folder: string): NonNullable<NvidiaFacts["library"]> {
  const versions = names(join(root, folder)).flatMap((name) => /^libcuda\.so\.(\d+\.\d+(?:\.\d+)?)$/.exec(name)?.[1] ?? []);
  const version = versions.find((it) => Number(it.split(".")[0]) > 1); // WSL's is called libcuda.so.1.1
  return { file: `${folder}/libcuda.so.1`, ...(version === undefined ? {} : { version }) };
}

async function askSmi(options: ReadHostFactsOptions, file: string): Promise<Pick<NvidiaFacts, "gpus" | "smiProblem">> {
  const query = ["--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader"];
  const answer = await askProgram([file, ...query], { env: options.env, timeoutMs: PROGRAM_MS, signal: options.signal });
  if (answer.exit !== 0) return { smiProblem: describeFailure(answer) };
  return { gpus: answer.stdout.split("\n").flatMap(readGpu) };
}

function readGpu(line: string): NvidiaGpu[] {
  const [name, driver, capability] = line.split(",").map((cell) => cell.trim());
  if (!name || !driver) return [];
  return [{ name, driver, ...(capability !== undefined && /^\d+\.\d+$/.test(capability) ? { computeCapability: capability } : {}) }];
}

function describeFailure({ exit, killedBy, cut, stdout, stderr }: Answer): string {
  const said = firstLine(stdout.trim() || stderr.trim());
  return cut ?? (said.split(". ")[0] || (killedBy === undefined ? `exit code ${exit}` : `ended by ${killedBy}`));
}

function readAmd({ root, env }: LinuxOptions, vendors: readonly string[]): AmdFacts | undefined {
  const device = detectDevices({ env, root }).find(({ name }) => name === "rocm");
  if (!device?.hasDevice && !vendors.includes(AMD_CARD)) return undefined;
  const renderNode = device?.isPresent ? renderNodes(root).find(({ vendor }) => vendor === AMD_CARD || vendor === "")?.node : undefined;
  const rocm = read(root, "opt/rocm/.info/version").trim();
  const override = env.HSA_OVERRIDE_GFX_VERSION;
  return {
    hasComputeDevice: device?.hasDevice ?? false,
    isAccessible: isAccessible(root, "dev/kfd"),
    ...(renderNode === undefined ? {} : { renderNode }),
    targets: readTargets(root),
    ...(override ? { override } : {}),
    ...(rocm === "" ? {} : { rocm }),
  };
}

/** The kernel gives 90010 for gfx90a: two decimal digits for each part, which the name has as one hexadecimal digit. CPUs have 0. */
function readTargets(root: string): string[] {
  const nodes = names(join(root, "sys/class/kfd/kfd/topology/nodes"));
  const versions = nodes.map(
    (node) => /^gfx_target_version (\d+)$/m.exec(read(root, `sys/class/kfd/kfd/topology/nodes/${node}/properties`))?.[1],
  );
  const targets = versions.map(Number).filter((version) => version > 0);
  return [...new Set(targets.map((version) => `gfx${Math.floor(version / 10_000)}${hex(Math.floor(version / 100))}${hex(version)}`))];
}

function hex(number: number): string {
  return (number % 100).toString(16);
}

/** A GPU's render node, and an NPU by its driver's own class. */
function readIntel(root: string): IntelFacts | undefined {
  const gpu = renderNodes(root).find(({ vendor }) => vendor === INTEL_CARD)?.node;
  const npu = names(join(root, "dev/accel"))
    .filter((name) => read(root, `sys/class/accel/${name}/device/vendor`).trim() === INTEL_CARD)
    .map((name) => `/dev/accel/${name}`)[0];
  if (gpu === undefined && npu === undefined) return undefined;
  const describe = (node: string) => ({ node, isAccessible: isAccessible(root, node) });
  return { ...(gpu === undefined ? {} : { gpu: describe(gpu) }), ...(npu === undefined ? {} : { npu: describe(npu) }) };
}

function renderNodes(root: string): { node: string; vendor: string }[] {
  return names(join(root, "dev/dri"))
    .filter((name) => name.startsWith("renderD"))
    .map((name) => ({ node: `/dev/dri/${name}`, vendor: read(root, `sys/class/drm/${name}/device/vendor`).trim() }));
}

async function ask({ env, root = "/", signal }: ReadHostFactsOptions, [program = "", ...args]: string[]): Promise<string> {
  const file = findOnPath(program, `${env.PATH ?? ""}:/usr/bin:/usr/sbin`, root);
  if (file === undefined) return "";
  return (await askProgram([file, ...args], { env, timeoutMs: PROGRAM_MS, signal })).stdout;
}

function firstLine(text: string): string {
  return text.split("\n")[0]?.trim() ?? "";
}

function isAccessible(root: string, path: string): boolean {
  try {
    accessSync(join(root, path), constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function read(root: string, path: string): string {
  try {
    return readFileSync(join(root, path), "utf8");
  } catch {
    return "";
  }
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
