/** Whose certificate the subcommands of `harbor conductor` believe, beside those that the system does. */
import type { Values } from "../../../routines/config/read-values.ts";
import type { OperatorOptions } from "../client/operator.ts";

/** That of this host's conductor; what reads it is loaded for https alone. */
export async function trustConfigured(url: string, values: Values): Promise<OperatorOptions["trust"]> {
  const cert = values.get("HARBOR_CONDUCTOR_TLS_CERT_FILE") ?? "";
  if (cert === "" || !url.startsWith("https:")) return undefined;
  const { certificateFile, trustFile } = await import("../trust.ts");
  const file = certificateFile(cert, values.get("HARBOR_DATA") ?? "");
  return () => trustFile(file);
}
