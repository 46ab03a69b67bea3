/** A password of the user's own, from where no other user of this host can read it: no command line has it. */
import { HarborError } from "../_script/error.ts";

/** `name`: of a variable of this shell. Undefined where neither is asked for; throws `usage` for a variable that is not set. */
export async function readGivenPassword(name: string | undefined, isStdin: boolean): Promise<string | undefined> {
  if (isStdin) return (await Bun.stdin.text()).replace(/\r?\n$/, "");
  if (name === undefined) return undefined;
  const password = process.env[name];
  if (password !== undefined) return password;
  throw new HarborError(`Cannot take a password from the variable ${name}: it is not set`, { exit: "usage" });
}
