/** Completion for fish, which knows flags and their values by itself when it is told of them. */
import { firstSentence, type Candidates } from './candidates.ts'

export const fish = (
  all: readonly Candidates[],
) => `# Completion of the keyhall command; in fish: keyhall completion fish | source
function __keyhall_at
  set -l words
  for word in (commandline -opc)[2..]
    string match -q -- '-*' $word; and break
    set -a words $word
  end
  test "$words" = "$argv[1]"
end
complete -c keyhall -f
${all.flatMap(linesOf).join('\n')}
`

function linesOf({ path, words, flags, takesFile }: Candidates) {
  const start = `complete -c keyhall -n "__keyhall_at '${path}'"`
  return [
    ...words.map(({ name, about }) => `${start} -a ${name}${about ? ` -d ${quoted(about)}` : ''}`),
    ...flags.map(({ name, short, value, values, about }) => {
      const takes =
        value === null ? '' : values === 'files' ? ' -r -F' : values ? ` -x -a ${quoted(values.join(' '))}` : ' -x'
      return `${start} -l ${name}${short ? ` -s ${short}` : ''}${takes} -d ${quoted(firstSentence(about))}`
    }),
    ...(takesFile ? [`${start} -F`] : []),
  ]
}

const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
