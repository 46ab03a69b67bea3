/** `extends`: a service laid onto another of its own file or of another one, before files are merged. */
import { dirname, isAbsolute, join, relative } from "node:path";
import { HarborError } from "../_script/error.ts";
import { cloneTree } from "./_clone-tree.ts";
import { COMPOSE } from "./_merge-rules.ts";
import { type ComposeMap, isMap, Merging, mergeMaps, shapeError } from "./_merge-tree.ts";
import { type LoadContext, type LoadedDocument, readDocuments } from "./_read-documents.ts";
import { rebasePaths } from "./_relative-paths.ts";
import { resetKeys } from "./_reset-keys.ts";

/** The services among which a name is looked up. */
interface Scope {
  path: string;
  services: ComposeMap;
  /** True for a file that is only extended from: compose brings it to its long spelling first. */
  isCanonical: boolean;
  resets: string[][];
}

interface Step {
  path: string;
  name: string;
}

const SERVICE = COMPOSE.child("services").child("*");

/** Resolves every `extends` of a document, in place. */
export function applyExtends(document: LoadedDocument, path: string, context: LoadContext): void {
  const services = document.content.services as ComposeMap;
  const scope: Scope = { path, services, isCanonical: false, resets: document.resets };
  const extender = new Extender(context);
  for (const name of Object.keys(services)) services[name] = extender.resolve(name, scope, [], [document.resets]);
}

class Extender {
  private readonly scopes = new Map<string, Scope>();

  constructor(private readonly context: LoadContext) {}

  resolve(name: string, scope: Scope, trail: readonly Step[], resets: readonly string[][][]): unknown {
    const service = scope.services[name];
    if (!isMap(service) || !Object.hasOwn(service, "extends")) return service;
    const { ref, file } = this.reference(service.extends, scope, name);
    const from = file === undefined ? scope : this.scopeOf(file, scope, name);
    if (!Object.hasOwn(from.services, ref)) {
      throw shapeError(scope.path, ["services", name, "extends"], `there is no service "${ref}" in ${from.path}`);
    }
    const steps = [...trail, { path: scope.path, name }];
    if (steps.some((step) => step.path === from.path && step.name === ref)) throw circle(steps, { path: from.path, name: ref });
    const known = file === undefined ? resets : [...resets, from.resets];
    const base = this.resolve(ref, from, steps, known);
    if (!isMap(base)) throw shapeError(from.path, ["services", ref], "it is extended and has to be a map");
    this.context.onService?.(name, from.path);
    const merging = new Merging(scope.path, this.context.values, from.isCanonical, scope.isCanonical);
    const source = cloneTree(base) as ComposeMap;
    for (const places of known) resetKeys({ services: { [name]: source } }, places, merging);
    merging.path.push("services", name);
    const merged = mergeMaps(source, service, SERVICE, merging);
    delete merged.extends;
    scope.services[name] = merged;
    return merged;
  }

  private reference(value: unknown, scope: Scope, name: string): { ref: string; file: string | undefined } {
    const merging = new Merging(scope.path, this.context.values);
    merging.path.push("services", name, "extends");
    if (typeof value === "string") return { ref: merging.text(value), file: undefined };
    if (!isMap(value) || typeof value.service !== "string") return merging.fail('it has to be a service\'s name, or a map with "service"');
    const file = value.file === undefined || value.file === null ? undefined : merging.text(value.file);
    return { ref: merging.text(value.service), file };
  }

  private scopeOf(file: string, scope: Scope, name: string): Scope {
    const { directory, values } = this.context;
    const path = isAbsolute(file) ? file : join(directory, file);
    const known = this.scopes.get(path);
    if (known !== undefined) return known;
    const documents = readDocuments(path);
    const content: ComposeMap = {};
    const merging = new Merging(path, values);
    for (const document of documents) {
      resetKeys(content, document.resets, merging);
      mergeMaps(content, document.content, COMPOSE, merging);
    }
    if (!isMap(content.services)) throw shapeError(scope.path, ["services", name, "extends"], `${path} has no services`);
    rebasePaths({ services: content.services }, { from: relative(directory, dirname(path)) || ".", values, hasBuild: () => true });
    const found: Scope = { path, services: content.services, isCanonical: true, resets: documents.at(-1)?.resets ?? [] };
    this.scopes.set(path, found);
    return found;
  }
}

function circle(steps: readonly Step[], last: Step): HarborError {
  const details = [...steps, last].map((step, index) => `${index === 0 ? "" : "extends "}${step.name} in ${step.path}`);
  return new HarborError(`Cannot extend "${steps[0]?.name}": the services extend each other in a circle`, {
    at: { file: last.path },
    details,
  });
}
