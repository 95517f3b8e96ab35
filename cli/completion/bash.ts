/**
 * Completion for bash: two `case`s, one for the value of a flag and one for what else can follow.
 */
import type { Candidates } from './candidates.ts'

export const bash = (
  all: readonly Candidates[],
) => `# Completion of the keyhall command; in bash: eval "$(keyhall completion bash)"
_keyhall() {
  local word path='' current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) break ;; *) path="\${path:+$path }$word" ;; esac
  done
  # bash makes three words of --flag=value.
  if [ "$current" = = ]; then current=''
  elif [ "$before" = = ]; then before="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  COMPREPLY=()
  case "$path $before" in
${all.flatMap(valueCases).join('\n')}
  esac
  case "$path" in
${all.map(nextCase).join('\n')}
  esac
}
_keyhall_files() {
  compopt -o filenames 2>/dev/null
  COMPREPLY+=($(compgen -f -- "$1"))
}
complete -F _keyhall keyhall
`

const valueCases = ({ path, flags }: Candidates) =>
  flags
    .filter(({ value }) => value !== null)
    .map(({ name, short, values }) => {
      const patterns = [`'${path} --${name}'`, ...(short ? [`'${path} -${short}'`] : [])].join('|')
      const offered =
        values === 'files'
          ? '_keyhall_files "$current"; '
          : values
            ? `COMPREPLY=($(compgen -W '${values.join(' ')}' -- "$current")); `
            : ''
      return `    ${patterns}) ${offered}return ;;`
    })

function nextCase({ path, words, flags, takesFile }: Candidates) {
  const names = [...words.map(({ name }) => name), ...flags.map(({ name }) => `--${name}`)].join(' ')
  const files = takesFile ? '; _keyhall_files "$current"' : ''
  return `    '${path}') COMPREPLY=($(compgen -W '${names}' -- "$current"))${files} ;;`
}
