#!/usr/bin/env bun
/**
 * `harbor completion`: a script for the shell, which asks Harbor for commands and handles as they are.
 *
 *   bun routines/completion.ts bash >> ~/.bashrc
 */
import { defineCommand } from "./_script/command.ts";
import { emitText } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { runScript } from "./_script/script.ts";

/** Commands, then what follows them: handles for those that take some, files for none. */
const WORDS = `harbor help 2>/dev/null | sed -n 's/^  \\([a-z][a-z-]*\\)  .*/\\1/p'`;
const HANDLES = "harbor routine list-handles 2>/dev/null";
const KEYS = "harbor routine list-keys 2>/dev/null | cut -f1";
const CONFIG = "set get unset ls";
const AUTOSTART = "enable disable status";
const PROVIDER = "install uninstall status";
const SUPERVISOR = "status stop restart";
const WITH_HANDLES = ["up", "down", "ps", "logs", "attach", "restart", "stop", "url", "plan", "cmd", "eject", "env", "run"];

const SCRIPTS: Record<string, string> = {
  bash: `_harbor() {
  local word=\${COMP_WORDS[COMP_CWORD]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "$(${WORDS})" -- "$word"))
  else
    case \${COMP_WORDS[1]} in
      ${WITH_HANDLES.join("|")}) COMPREPLY=($(compgen -W "$(${HANDLES})" -- "$word")) ;;
      config)
        if [ "$COMP_CWORD" -eq 2 ]; then COMPREPLY=($(compgen -W "${CONFIG}" -- "$word"))
        else COMPREPLY=($(compgen -W "$(${KEYS})" -- "$word")); fi ;;
      autostart)
        if [ "$COMP_CWORD" -eq 2 ]; then COMPREPLY=($(compgen -W "${AUTOSTART}" -- "$word"))
        else COMPREPLY=($(compgen -W "$(${HANDLES})" -- "$word")); fi ;;
      provider) COMPREPLY=($(compgen -W "${PROVIDER}" -- "$word")) ;;
      supervisor) COMPREPLY=($(compgen -W "${SUPERVISOR}" -- "$word")) ;;
      routine) COMPREPLY=($(compgen -W "$(harbor routine 2>/dev/null | awk '{print $1}')" -- "$word")) ;;
      completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$word")) ;;
    esac
  fi
}
complete -F _harbor harbor`,
  zsh: `_harbor() {
  if (( CURRENT == 2 )); then
    compadd -- \${(f)"$(${WORDS})"}
  else
    case \${words[2]} in
      ${WITH_HANDLES.join("|")}) compadd -- \${(f)"$(${HANDLES})"} ;;
      config) if (( CURRENT == 3 )); then compadd -- ${CONFIG}; else compadd -- \${(f)"$(${KEYS})"}; fi ;;
      autostart) if (( CURRENT == 3 )); then compadd -- ${AUTOSTART}; else compadd -- \${(f)"$(${HANDLES})"}; fi ;;
      provider) compadd -- ${PROVIDER} ;;
      supervisor) compadd -- ${SUPERVISOR} ;;
      routine) compadd -- \${(f)"$(harbor routine 2>/dev/null | awk '{print $1}')"} ;;
      completion) compadd -- bash zsh fish ;;
    esac
  fi
}
compdef _harbor harbor`,
  fish: `complete -c harbor -f
complete -c harbor -n __fish_use_subcommand -a "(${WORDS.replaceAll("\\", "\\\\")})"
complete -c harbor -n "__fish_seen_subcommand_from ${WITH_HANDLES.join(" ")}" -a "(${HANDLES})"
complete -c harbor -n "__fish_seen_subcommand_from config; and not __fish_seen_subcommand_from ${CONFIG}" -a "${CONFIG}"
complete -c harbor -n "__fish_seen_subcommand_from config; and __fish_seen_subcommand_from ${CONFIG}" -a "(${KEYS})"
complete -c harbor -n "__fish_seen_subcommand_from autostart; and not __fish_seen_subcommand_from ${AUTOSTART}" -a "${AUTOSTART}"
complete -c harbor -n "__fish_seen_subcommand_from autostart; and __fish_seen_subcommand_from enable" -a "(${HANDLES})"
complete -c harbor -n "__fish_seen_subcommand_from provider" -a "${PROVIDER}"
complete -c harbor -n "__fish_seen_subcommand_from supervisor" -a "${SUPERVISOR}"
complete -c harbor -n "__fish_seen_subcommand_from routine" -a "(harbor routine 2>/dev/null | awk '{print \\$1}')"
complete -c harbor -n "__fish_seen_subcommand_from completion" -a "bash zsh fish"`,
};

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
  args: { shell: { type: "positional", description: "bash, zsh or fish", required: true } },
  run({ args }) {
    const script = Object.hasOwn(SCRIPTS, args.shell) ? SCRIPTS[args.shell] : undefined;
    if (script !== undefined) return emitText(script);
    throw new HarborError(`Cannot print a completion script for "${args.shell}": only for bash, zsh and fish`, { exit: "usage" });
  },
});

if (import.meta.main) await runScript(command);
