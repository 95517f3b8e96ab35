/** What can follow which words: further words, flags, and the values of flags. */
import { helpFlag, type Flag } from '../arguments.ts'
import { commandAt, commands, namesBelow, startsWith } from '../commands.ts'
import { localCommands } from '../local-commands.ts'
import { operationFlags } from '../operation-flags.ts'
import { remoteFlags } from '../remote-flags.ts'
import { shells } from './shells.ts'

/** What can follow one sequence of words. */
export interface Candidates {
  path: string
  words: { name: string; about: string }[]
  flags: Flag[]
  /** Whether a file can be named without a flag. */
  takesFile: boolean
}

export function candidates(): Candidates[] {
  const paths = [...localCommands, ...commands].map(({ path }) => path)
  const starts = new Map(paths.flatMap((path) => path.map((_, at) => [path.slice(0, at).join(' '), path.slice(0, at)])))
  const ofStarts = [...starts.values()].map((start) => ({ path: start.join(' '), words: wordsBelow(start) }))
  const inner = ofStarts.map(({ path, words }) => ({
    path,
    words: path === '' ? [...words, ...extraWords] : words,
    flags: path === '' ? [helpFlag, versionFlag] : [helpFlag],
    takesFile: false,
  }))
  // "help" takes the same words, and no flags.
  const ofHelp = ofStarts.map(({ path, words }) => ({
    path: `help ${path}`.trim(),
    words: path === '' ? [...words, completionWord] : words,
    flags: [],
    takesFile: false,
  }))
  const ofLocal = localCommands.map(({ path, flags, takes }) => ({
    path: path.join(' '),
    words: [],
    flags: [...flags, helpFlag],
    takesFile: takes === 'FILE',
  }))
  const ofOperations = commands.map((command) => ({
    path: command.path.join(' '),
    words: [],
    flags: [...operationFlags(command.operation), ...remoteFlags(command), helpFlag],
    takesFile: false,
  }))
  const ofShells = { path: 'completion', words: shells.map((name) => ({ name, about: '' })), flags: [helpFlag] }
  return [...inner, ...ofHelp, ...ofLocal, ...ofOperations, { ...ofShells, takesFile: false }]
}

const completionWord = { name: 'completion', about: 'Prints completion for a shell.' }
const extraWords = [{ name: 'help', about: 'Shows what a command does.' }, completionWord]
const versionFlag: Flag = { name: 'version', value: null, about: 'Prints the version.' }

function wordsBelow(start: readonly string[]) {
  const local = localCommands.filter(({ path }) => path.length > start.length && startsWith(path, start))
  const names = [...new Set([...local.map(({ path }) => path[start.length]!), ...namesBelow(start)])]
  return names.map((name) => {
    const path = [...start, name]
    const about =
      local.find((one) => one.path.length === path.length && startsWith(one.path, path))?.about ??
      commandAt(path)?.operation.about ??
      namesBelow(path).join(', ')
    return { name, about: firstSentence(about) }
  })
}

/** Short enough for a line beside the word. */
export const firstSentence = (text: string) => /^.*?[.:](?= |$)/.exec(text)?.[0].slice(0, -1) ?? text
