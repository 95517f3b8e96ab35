/** Reads the words after a command: flags with their values, and what else stands there. */
import { wrongUsage } from '../world/failed.ts'
import { suggestion } from '../world/suggestion.ts'

export interface Flag {
  /** Without the dashes. */
  name: string
  /** What stands for the value in the help; null for a flag that needs none. */
  value: string | null
  /** The values that it can have, where they are known; or that it names a file. For completion. */
  values?: readonly string[] | 'files'
  about: string
  /** Printed behind the sentence: the default, the environment variable. */
  notes?: string[]
  required?: boolean
  /** May be given several times. */
  repeats?: boolean
  /** One letter, with one dash. */
  short?: string
}

export interface Arguments {
  /** The values by flag; a flag without a value says `true`. */
  flags: Map<string, string[]>
  words: string[]
}

export const helpFlag: Flag = { name: 'help', short: 'h', value: null, about: 'Shows this help.' }

/**
 * Reads `--name value`, `--name=value`, `--name` for a flag without a value, and `-n`. After `--`
 * nothing is a flag. Throws Failed on anything else.
 */
export function readArguments(argv: readonly string[], known: readonly Flag[]): Arguments {
  const flags = new Map<string, string[]>()
  const words: string[] = []
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!
    if (word === '--') {
      words.push(...argv.slice(at + 1))
      break
    }
    if (!/^-./.test(word)) {
      words.push(word)
      continue
    }
    const [, dashes, name, inline] = /^(--?)([^=]*)(?:=(.*))?$/s.exec(word)!
    const flag = known.find((one) => (dashes === '--' ? one.name === name : one.short === name))
    if (!flag) {
      const meant = suggestion(
        name!,
        known.map((one) => one.name),
      )
      throw wrongUsage(`There is no flag "${dashes}${name}" here${meant ? `; did you mean "--${meant}"?` : '.'}`)
    }
    const next = argv[at + 1]
    const takesNext =
      inline === undefined &&
      next !== undefined &&
      (flag.value === null ? /^(true|false)$/i.test(next) : !next.startsWith('--'))
    const value = inline ?? (takesNext ? next : flag.value === null ? 'true' : undefined)
    if (value === undefined) throw wrongUsage(`--${flag.name} needs a value: --${flag.name} ${flag.value}.`)
    if (takesNext) at += 1
    const before = flags.get(flag.name) ?? []
    if (before.length > 0 && !flag.repeats) throw wrongUsage(`--${flag.name} is given twice.`)
    flags.set(flag.name, [...before, value])
  }
  return { flags, words }
}

/** Refuses words that the command has no use for. */
export function requireNoWords({ words }: Arguments) {
  if (words.length > 0) throw wrongUsage(`"${words[0]}" is one word too many here.`)
}
