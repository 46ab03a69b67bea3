/**
 * `harbor completion`: a script for the shell. It knows nothing itself: with every press of the tab key it asks
 * `harbor routine complete`, which reads the commands' own definitions.
 *
 *   bun routines/completion.ts bash >> ~/.bashrc
 */
import { defineCommand } from "./_script/command.ts";
import { emitText } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { nearest } from "./_script/nearest.ts";
import { runScript } from "./_script/script.ts";

/**
 * Each hands over the words up to the cursor and takes lines of `word<TAB>description`; `:file` and `:directory` ask for what
 * the shell finds itself. bash as old as macOS's 3.2 splits words at `=` and `:`, which are put together again and taken off
 * the candidates. bash alone leaves it to us to quote what a file may be called: `$(…)` would be run with the line.
 */
const SCRIPTS: Record<string, string> = {
  bash: `# Completion of harbor for bash: in ~/.bashrc, eval "$(harbor completion bash)"
_harbor() {
  local current=\${COMP_WORDS[COMP_CWORD]} words=() glue= word line
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if [[ \${#words[@]} -gt 0 && ( -n $glue || $word == [=:]* ) ]]; then words[\${#words[@]} - 1]+=$word
    else words+=("$word"); fi
    if [[ $word == [=:]* ]]; then glue=1; else glue=; fi
  done
  if [[ $current == [=:]* ]]; then current=; fi
  word=\${words[\${#words[@]} - 1]}
  local head=\${word%"$current"}
  COMPREPLY=()
  while IFS= read -r line; do
    word=\${line%%$'\\t'*}
    case $word in
      :file | :directory)
        if type compopt >/dev/null 2>&1; then compopt -o filenames; fi
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -\${word:1:1} -- "$current") ;;
      "$head"*)
        word=\${word#"$head"}
        if [[ $word == *[!A-Za-z0-9_@%+=:,./-]* ]]; then printf -v word %q "$word"; fi
        COMPREPLY+=("$word") ;;
    esac
  done < <(harbor routine complete -- "\${words[@]}" 2>/dev/null)
}
complete -F _harbor harbor`,
  zsh: `#compdef harbor
# Completion of harbor for zsh: in ~/.zshrc, eval "$(harbor completion zsh)"; or as a file _harbor in a folder of $fpath
_harbor() {
  local line word
  local -a commands paths
  for line in "\${(@f)$(harbor routine complete -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}"; do
    word=\${line%%$'\\t'*}
    case $word in
      '') ;;
      :file) _files ;;
      :directory) _files -/ ;;
      *) if [[ $line == *$'\\t'* ]]; then commands+=("\${word//:/\\\\:}:\${line#*$'\\t'}"); else paths+=("$word"); fi ;;
    esac
  done
  (( $#commands )) && _describe -V harbor commands
  (( $#paths )) && compadd -- "\${paths[@]}"
  return 0
}
if [ "$funcstack[1]" = _harbor ]; then
  _harbor "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
  compdef _harbor harbor
fi`,
  fish: `# Completion of harbor for fish: harbor completion fish > ~/.config/fish/completions/harbor.fish
function __harbor_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in (harbor routine complete -- $words[2..-1] 2>/dev/null)
    switch $line
      case :file
        __fish_complete_path (commandline -ct)
      case :directory
        __fish_complete_directories (commandline -ct) ''
      case '*'
        echo $line
    end
  end
end
complete -c harbor -e
complete -c harbor -f -k -a '(__harbor_complete)'`,
};

const SHELLS = ["bash", "zsh", "fish"] as const;

export const command = defineCommand({
  meta: {
    name: "completion",
    description: "Print a completion script for bash, zsh or fish",
    examples: [
      "harbor completion bash >> ~/.bashrc",
      "harbor completion zsh >> ~/.zshrc",
      "harbor completion fish > ~/.config/fish/completions/harbor.fish",
    ],
  },
  args: { shell: { type: "positional", description: "bash, zsh or fish", required: true, completes: SHELLS } },
  run({ args }) {
    const shell = String(args.shell);
    const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
    if (script !== undefined) return emitText(script);
    const guess = nearest(shell, SHELLS);
    throw new HarborError(
      `Cannot print a completion script for "${shell}": only for bash, zsh and fish${guess === undefined ? "" : `; did you mean "${guess}"?`}`,
      { exit: "usage" },
    );
  },
});

if (import.meta.main) await runScript(command);
