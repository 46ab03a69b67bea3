/** Fills the `${…}` of one contract in, key by key; what turns out wrong is told with the contract's path. */
import { dirname, resolve } from "node:path";
import { HarborError } from "../_script/error.ts";
import { splitFilledWords } from "../_script/split-words.ts";
import { interpolate } from "../compose/interpolate.ts";
import type { Rule } from "./_rules.ts";
import type { CommandLine } from "./_written.ts";
import type { Contract } from "./read-contract.ts";

export class Filler {
  readonly #contract: Contract;
  readonly #values: (name: string) => string | undefined;

  constructor(contract: Contract, values: (name: string) => string | undefined) {
    this.#contract = contract;
    this.#values = values;
  }

  /** Throws where a variable is required and has no value. */
  text(key: string, text: string): string {
    if (!text.includes("$")) return text;
    try {
      return interpolate(text, this.#values);
    } catch (cause) {
      if (!(cause instanceof HarborError)) throw cause;
      throw new HarborError(`Cannot resolve "${key}" of the contract of "${this.#contract.handle}": ${cause.message}`, {
        cause,
        exit: cause.exit,
        at: cause.at ?? { file: this.#contract.path },
        ...(cause.hint === undefined ? {} : { hint: cause.hint }),
      });
    }
  }

  /** Text that is right by a rule; what needs no filling in was tried when the contract was read. */
  checked(key: string, text: string, rule: Rule): string {
    if (!text.includes("$")) return text;
    const filled = this.text(key, text);
    const wrong = rule(filled);
    if (wrong !== undefined) throw this.wrong(`"${key}" ${wrong}`);
    return filled;
  }

  number(key: string, text: string, rule: Rule): number {
    return Number(this.checked(key, text, rule));
  }

  /** The words to run; a program with a slash stands in the contract's folder. `keys` name its two parts in messages. */
  command({ executable, args }: CommandLine, keys: { program: string; args: string }): string[] {
    const program = this.text(keys.program, executable);
    if (program.trim() === "") throw this.wrong(`"${keys.program}" is empty`);
    return [program.includes("/") ? resolve(dirname(this.#contract.path), program) : program, ...this.#words(args, keys.args)];
  }

  wrong(state: string): HarborError {
    const { handle, path } = this.#contract;
    return new HarborError(`Cannot resolve the contract of "${handle}": ${state}`, { at: { file: path } });
  }

  #words(args: string[] | string, key: string): string[] {
    if (typeof args !== "string") return args.map((word) => this.text(key, word));
    const words = splitFilledWords(args, (text) => this.text(key, text));
    if (words === undefined) throw this.wrong("a quote in a value of its arguments is never closed");
    return words;
  }
}
