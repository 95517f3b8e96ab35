/** Completion for zsh, with a description beside each word and flag. */
import { firstSentence, type Candidates } from './candidates.ts'

export const zsh = (
  all: readonly Candidates[],
) => `# Completion of the keyhall command; in zsh: eval "$(keyhall completion zsh)"
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
_keyhall() {
  local word joined='' before="\${words[CURRENT-1]}"
  local -a found flags
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$word" in -*) break ;; *) joined="\${joined:+$joined }$word" ;; esac
  done
  if [[ $PREFIX == --*=* ]]; then
    before="\${PREFIX%%=*}"
    compset -P '*='
  fi
  case "$joined $before" in
${all.flatMap(valueCases).join('\n')}
  esac
  case "$joined" in
${all.map(nextCase).join('\n')}
  esac
  (( \${#found} )) && _describe -V command found
  (( \${#flags} )) && _describe -o flag flags
}
compdef _keyhall keyhall
`

const valueCases = ({ path, flags }: Candidates) =>
  flags
    .filter(({ value }) => value !== null)
    .map(({ name, short, value, values }) => {
      const patterns = [`'${path} --${name}'`, ...(short ? [`'${path} -${short}'`] : [])].join('|')
      const offered =
        values === 'files' ? '_files' : values ? `compadd -- ${values.join(' ')}` : `_message ${quoted(value!)}`
      return `    ${patterns}) ${offered}; return ;;`
    })

function nextCase({ path, words, flags, takesFile }: Candidates) {
  const found = words.map(({ name, about }) => described(name, about)).join(' ')
  const named = flags.map(({ name, about }) => described(`--${name}`, firstSentence(about))).join(' ')
  return `    '${path}') found=(${found}) flags=(${named})${takesFile ? '; _files' : ''} ;;`
}

const described = (name: string, about: string) => quoted(about ? `${name}:${about}` : name)

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
