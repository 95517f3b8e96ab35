/** Shell completion, written from the contract: a table of what can stand after which words. */
import { commands, namesBelow } from './commands.ts'
import { handmade } from './handmade.ts'
import { networkFlags } from './network-flags.ts'
import { operationFlags } from './operation-flags.ts'
import { shells, type Shell } from './shells.ts'

export const completion = (shell: Shell): string => (shell === 'fish' ? fish() : shell === 'zsh' ? zsh() : bash())

/** `projects api-keys` → the names and flags that can follow. */
function entries(): Map<string, string[]> {
  const after = new Map<string, string[]>()
  const add = (path: readonly string[], names: readonly string[]) =>
    after.set(path.join(' '), [...new Set([...(after.get(path.join(' ')) ?? []), ...names])])
  const paths = [...handmade, ...commands].map(({ path }) => path)
  for (const path of paths) for (let at = 0; at < path.length; at++) add(path.slice(0, at), [path[at]!])
  add([], ['help', 'completion', '--help', '--version'])
  add(['help'], [...namesBelow([]), ...handmade.map(({ path }) => path[0]!)])
  add(['completion'], shells)
  for (const { path, flags } of handmade)
    add(
      path,
      [...flags, { name: 'help' }].map(({ name }) => `--${name}`),
    )
  for (const { path, operation } of commands)
    add(
      path,
      [...operationFlags(operation), ...networkFlags(path.at(-1) === 'list'), { name: 'help' }].map(
        ({ name }) => `--${name}`,
      ),
    )
  return after
}

const bash = () => `# Completion of the keyhall command; in bash: eval "$(keyhall completion bash)"
_keyhall() {
  local word path='' current="\${COMP_WORDS[COMP_CWORD]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) break ;; *) path="\${path:+$path }$word" ;; esac
  done
  case "$path" in
${[...entries()].map(([path, names]) => `    '${path}') COMPREPLY=($(compgen -W '${names.join(' ')}' -- "$current")) ;;`).join('\n')}
  esac
}
complete -o default -F _keyhall keyhall
`

const zsh = () => `# Completion of the keyhall command; in zsh: eval "$(keyhall completion zsh)"
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
_keyhall() {
  local word joined=''
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$word" in -*) break ;; *) joined="\${joined:+$joined }$word" ;; esac
  done
  case "$joined" in
${[...entries()].map(([path, names]) => `    '${path}') compadd -- ${names.join(' ')} ;;`).join('\n')}
  esac
}
compdef _keyhall keyhall
`

const fish = () => `# Completion of the keyhall command; in fish: keyhall completion fish | source
function __keyhall_at
  set -l words
  for word in (commandline -opc)[2..]
    string match -q -- '-*' $word; and break
    set -a words $word
  end
  test "$words" = "$argv[1]"
end
complete -c keyhall -f
${[...entries()].map(([path, names]) => `complete -c keyhall -n "__keyhall_at '${path}'" -a '${names.join(' ')}'`).join('\n')}
`
