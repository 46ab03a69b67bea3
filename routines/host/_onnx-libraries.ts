/**
 * The shared libraries that execution providers load, found by their files' names: in the folders where the dynamic
 * loader looks by itself, and in those where they are often installed without its knowing.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Library } from "./_onnx-facts.ts";

const NAMES = "cuda|cudart|cublasLt|cudnn|nvinfer|OpenCL|ze_loader|ze_intel_gpu|ze_intel_npu|ze_intel_vpu|migraphx_c|amdhip64";
/** The driver's library stands there under its own version as well, which is no major one. */
const FILE = new RegExp(`^(lib(?:${NAMES}))\\.so\\.(\\d{1,2})(?!\\d)`);
const TRIPLETS: Readonly<Record<string, string>> = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" };

export interface FindLibrariesOptions {
  env: Record<string, string | undefined>;
  root: string;
  arch: string;
}

/** Each name and version once, where the loader comes first; Linux alone. */
export function findLibraries(options: FindLibrariesOptions): Library[] {
  const found = new Map<string, Library>();
  const search = (folders: readonly string[], isLoadable: boolean): void => {
    for (const library of folders.flatMap((folder) => librariesIn(options.root, folder, isLoadable))) {
      const key = `${library.name}.${library.major}`;
      if (!found.has(key)) found.set(key, library);
    }
  };
  search(loaderFolders(options), true);
  search(installFolders(options.root), false);
  return [...found.values()];
}

function librariesIn(root: string, folder: string, isLoadable: boolean): Library[] {
  return names(join(root, folder)).flatMap((file) => {
    const [, name, major] = FILE.exec(file) ?? [];
    return name === undefined ? [] : [{ name, major: Number(major), folder, isLoadable }];
  });
}

/** As ld.so(8) has it: LD_LIBRARY_PATH, what /etc/ld.so.conf names, the system's own. */
function loaderFolders({ env, root, arch }: FindLibrariesOptions): string[] {
  const own = (env.LD_LIBRARY_PATH ?? "").split(":").filter((folder) => folder.startsWith("/"));
  const triplet = TRIPLETS[arch];
  const multi =
    triplet === undefined ? [] : [`/lib/${triplet}`, `/usr/lib/${triplet}`, `/usr/lib/${triplet}/tegra`, `/usr/lib/${triplet}/nvidia`];
  return [...own, ...confFolders(root), ...multi, "/lib64", "/usr/lib64", "/lib", "/usr/lib"];
}

function confFolders(root: string): string[] {
  const files = ["etc/ld.so.conf", ...names(join(root, "etc/ld.so.conf.d")).map((name) => `etc/ld.so.conf.d/${name}`)];
  const lines = files.filter((file) => file.endsWith(".conf")).flatMap((file) => readLines(join(root, file)));
  return lines.filter((line) => line.startsWith("/"));
}

/** Where CUDA's, TensorRT's and ROCm's installers put them; a driver's for Windows among them. */
function installFolders(root: string): string[] {
  const versions = (parent: string, pattern: RegExp): string[] =>
    names(join(root, parent))
      .filter((name) => pattern.test(name))
      .map((name) => `/${parent}/${name}`);
  const cuda = versions("usr/local", /^cuda/).flatMap((folder) => [`${folder}/lib64`, `${folder}/lib`]);
  const tensorrt = [...versions("opt", /^tensorrt/i), ...versions("usr/local", /^tensorrt/i)].map((folder) => `${folder}/lib`);
  const rocm = versions("opt", /^rocm/).map((folder) => `${folder}/lib`);
  return [...cuda, ...tensorrt, ...rocm, "/usr/lib/wsl/lib"];
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, "utf8")
      .split("\n")
      .map((line) => line.trim());
  } catch {
    return [];
  }
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
