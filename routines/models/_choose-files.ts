/** Which files of a repository make up the model that is wanted: one quantisation of many, and no weights twice. */
import { HarborError } from "../_script/error.ts";
import { formatSize } from "../_script/size.ts";
import { isGgufModel, readGgufName } from "./_gguf-names.ts";
import { type Tree, type TreeFile, totalBytes } from "./_tree.ts";

/** llama.cpp's own order where nothing is said. */
const PREFERRED = ["Q4_K_M", "Q8_0"];

export interface ChosenFiles {
  files: TreeFile[];
  /** Of GGUF files: which quantisation, of how many. */
  tag?: string;
  tags: string[];
}

export interface ChooseOptions {
  repo: string;
  tag?: string | undefined;
  /** One file of it, with its other parts. */
  path?: string | undefined;
}

/** Throws `unknown`, with what there is, for a quantisation or a file that it does not have. */
export function chooseFiles(tree: Tree, { repo, tag, path }: ChooseOptions): ChosenFiles {
  if (path !== undefined) return { files: partsOf(tree, findFile(tree, repo, path)), tags: [] };
  const models = tree.files.filter((file) => isGgufModel(file.path));
  if (models.length === 0) {
    if (tag !== undefined) throw noSuch(repo, tag, "it has no GGUF files");
    return { files: withoutDoubles(tree.files), tags: [] };
  }
  const first = pick(models, tag);
  if (first === undefined) throw noSuch(repo, tag ?? "", `it has ${listTags(tree, models)}`);
  const parts = partsOf(tree, first);
  const projector = findProjector(tree, first);
  const tags = tagsOf(models);
  return { files: [...parts, ...(projector === undefined ? [] : [projector])], tag: readGgufName(first.path)?.tag ?? "", tags };
}

function findFile(tree: Tree, repo: string, path: string): TreeFile {
  const found = tree.files.find((file) => file.path === path);
  if (found !== undefined) return found;
  const names = tree.files.map((file) => file.path).filter((name) => /\.(gguf|safetensors)$/i.test(name));
  throw new HarborError(`Cannot find "${path}" in ${repo}`, {
    exit: "unknown",
    details: names.length === 0 ? [] : [`It has ${names.slice(0, 20).join(", ")}`],
  });
}

/** The first file whose name has the tag as a word, as llama.cpp looks for it: `Q4_K_M` finds `x-Q4_K_M.gguf` and `Q4_K_M/x-00001-of-…`. */
function pick(models: readonly TreeFile[], tag: string | undefined): TreeFile | undefined {
  const firsts = models.filter(({ path }) => readGgufName(path)?.part === 1);
  for (const wanted of tag === undefined ? PREFERRED : [tag]) {
    const lower = wanted.toLowerCase();
    const found = firsts.find(({ path }) => {
      const at = path.toLowerCase().search(new RegExp(`(?:^|[-._/])${lower.replace(/[^a-z0-9_]/g, "\\$&")}[.-]`));
      return at !== -1;
    });
    if (found !== undefined) return found;
  }
  return tag === undefined ? firsts[0] : undefined;
}

function partsOf(tree: Tree, first: TreeFile): TreeFile[] {
  const name = readGgufName(first.path);
  if (name === undefined || name.parts === 1) return [first];
  return tree.files.filter(({ path }) => {
    const other = readGgufName(path);
    return other?.stem === name.stem && other.parts === name.parts;
  });
}

/** What lets it see or hear, `mmproj-…`: in its folder or one above, F16 where there are several. */
function findProjector(tree: Tree, model: TreeFile): TreeFile | undefined {
  const folder = model.path.slice(0, model.path.lastIndexOf("/") + 1);
  const found = tree.files.filter(({ path }) => {
    const cut = path.lastIndexOf("/") + 1;
    return /mmproj.*\.gguf$/i.test(path.slice(cut)) && folder.startsWith(path.slice(0, cut));
  });
  return found.find(({ path }) => /[-.]f16\./i.test(path)) ?? found[0];
}

function tagsOf(models: readonly TreeFile[]): string[] {
  return [...new Set(models.flatMap(({ path }) => readGgufName(path)?.tag || []))];
}

function listTags(tree: Tree, models: readonly TreeFile[]): string {
  const sizes = tagsOf(models).map((tag) => {
    const files = models.filter(({ path }) => readGgufName(path)?.tag === tag);
    return `${tag} (${formatSize(totalBytes(files))})`;
  });
  return sizes.length === 0 ? tree.files.map(({ path }) => path).join(", ") : sizes.join(", ");
}

function noSuch(repo: string, tag: string, has: string): HarborError {
  return new HarborError(`Cannot find the quantisation "${tag}" of ${repo}`, {
    exit: "unknown",
    details: [`${has[0]?.toUpperCase()}${has.slice(1)}`],
  });
}

/** Formats that hold the same weights as its safetensors: no server here reads them instead. */
const DOUBLES =
  /(?:^|\/)(?:original|onnx|openvino|coreml)\/|\.(?:pth|h5|msgpack|ot|tflite|mlmodel|gguf|onnx|onnx_data)$|(?:^|\/)pytorch_model[^/]*\.bin$|(?:^|\/)consolidated[^/]*\.safetensors$/;

/** Once in safetensors that the model's own index or name says, the other copies are left out; else all is taken. */
function withoutDoubles(files: readonly TreeFile[]): TreeFile[] {
  const isMain = ({ path }: TreeFile): boolean => /^model(?:-\d{5}-of-\d{5})?\.safetensors$/.test(path);
  return files.some(isMain) ? files.filter(({ path }) => !DOUBLES.test(path)) : [...files];
}
