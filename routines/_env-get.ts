/** `harbor env <handle> get NAME`: one variable of a service, as it gets it. */
import { environmentArgs, readEnvironment } from "./_env-ls.ts";
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { nearest } from "./_script/nearest.ts";
import { MASK } from "./_script/secret-name.ts";

const { "show-secrets": _, ...args } = environmentArgs;

export const command = defineCommand({
  meta: {
    name: "get",
    description: "Print one variable as the service gets it",
    examples: ["harbor env ollama get OLLAMA_DEBUG", "harbor env webui get OLLAMA_BASE_URL -x ollama"],
  },
  args: {
    handle: { type: "positional", description: "Service handle", required: true },
    name: { type: "positional", description: "A variable of its program", required: true, completes: "variable" },
    ...args,
    ...jsonArg,
  },
  async run({ args }) {
    const read = async (sealed: boolean) =>
      (await readEnvironment({ ...args, "show-secrets": true }, { sealed })).flatMap(({ variables: them }) => them);
    const isIt = ({ name }: { name: string }): boolean => name === args.name;
    const variables = await read(true);
    let found = variables.find(isIt);
    // the keychain is asked for what it has alone
    if (found?.value.includes(MASK)) found = (await read(false)).find(isIt);
    if (found === undefined) {
      const guess = nearest(
        String(args.name),
        variables.map(({ name }) => name),
      );
      throw new HarborError(
        `Cannot find ${args.name}: ${args.handle} gets no such variable${guess === undefined ? "" : `; did you mean "${guess}"?`}`,
        {
          exit: "unknown",
          hint: `\`harbor env ${args.handle}\` shows all of them`,
        },
      );
    }
    emit(found, { json: args.json, render: ({ value }) => value });
  },
});
