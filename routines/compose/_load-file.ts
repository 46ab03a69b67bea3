/** A compose file → its documents, each with its own `extends` and `include` carried out and ready to be merged. */

import { isMap } from "./_merge-tree.ts";
import { type LoadContext, type LoadedDocument, readDocuments } from "./_read-documents.ts";

/** Reads a file and carries out its extends and includes; relative paths still mean `directory`. */
export function loadFile(path: string, context: LoadContext): LoadedDocument[] {
  const documents = readDocuments(path);
  for (const document of documents) resolveReferences(document, path, context);
  return documents;
}

/** The same for a document that is no file of its own. */
export function resolveReferences(document: LoadedDocument, path: string, context: LoadContext): void {
  const { services, include } = document.content;
  if (isMap(services)) {
    if (Object.values(services).some((service) => isMap(service) && Object.hasOwn(service, "extends"))) {
      const { applyExtends }: typeof import("./_apply-extends.ts") = require("./_apply-extends.ts");
      applyExtends(document, path, context);
    }
    for (const name of Object.keys(services)) context.onService?.(name, path);
  }
  if (include === undefined) return;
  const { applyIncludes }: typeof import("./_apply-includes.ts") = require("./_apply-includes.ts");
  applyIncludes(document.content, path, context, loadFile);
}
