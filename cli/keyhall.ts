/** The command line: finds the command that the words name, and ends every failure in one sentence and an exit code. */
import { WrongSetting } from '../config.ts'
import { commandAt, namesBelow } from './commands.ts'
import { Failed, wrongUsage, type ExitCode } from './failed.ts'
import { handmade, runHandmade } from './handmade.ts'
import { helpFor, overview, version } from './help.ts'
import { shells, type Shell } from './shells.ts'
import { startsWith } from './commands.ts'
import { suggestion } from './suggestion.ts'
import type { Terminal } from './terminal.ts'

export async function keyhall(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    return await run(argv, terminal)
  } catch (error) {
    if (error instanceof WrongSetting) return end(terminal, error.message, 2)
    if (error instanceof Failed) return end(terminal, error.message, error.exitCode)
    throw error
  }
}

function end({ err }: Terminal, sentence: string, code: ExitCode): ExitCode {
  err(`keyhall: ${sentence}\n`)
  return code
}

async function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { out, columns } = terminal
  const print = (text: string): ExitCode => {
    out(text)
    return 0
  }
  const [first, ...others] = argv
  if (first === '--version' || first === '-v' || first === 'version') return print(`keyhall ${version}\n`)
  if (first === undefined || first === '--help' || first === '-h') return print(overview(columns))
  if (first === 'help') return print(helpFor(others, columns) ?? unknown(others))
  if (first === 'completion') return print((await import('./completion.ts')).completion(shellOf(others)))

  const words = argv.slice(
    0,
    Math.max(
      0,
      [...argv, '-'].findIndex((word) => word.startsWith('-')),
    ),
  )
  const byHand = handmade.find(({ path }) => startsWith(words, path))
  const derived = words.map((_, index) => commandAt(words.slice(0, index + 1))).find(Boolean)
  const path = byHand?.path ?? derived?.path
  const rest = argv.slice(path?.length ?? words.length)
  if (asksForHelp(rest)) return print(helpFor(path ?? words, columns) ?? unknown(words))
  if (byHand) return runHandmade(byHand, rest, terminal)
  if (derived) return (await import('./network.ts')).runOperation(derived, rest, terminal)
  if (rest.length > 0 || helpFor(words, columns) === null) unknown(words)
  terminal.err(helpFor(words, columns)!)
  return 2
}

const asksForHelp = (words: readonly string[]) => {
  const flags = words.includes('--') ? words.slice(0, words.indexOf('--')) : words
  return flags.includes('--help') || flags.includes('-h')
}

/** Throws the sentence for words that name nothing, and what was probably meant. */
function unknown(words: readonly string[]): never {
  for (let at = 0; at < words.length; at++) {
    const before = words.slice(0, at)
    const names = [
      ...namesBelow(before),
      ...handmade.flatMap(({ path }) => (path.length > at && startsWith(path, before) ? [path[at]!] : [])),
      ...(at === 0 ? ['help', 'completion'] : []),
    ]
    if (names.includes(words[at]!)) continue
    const meant = suggestion(words[at]!, names)
    throw wrongUsage(
      `There is no command "${[...before, words[at]].join(' ')}"; ` +
        (meant
          ? `did you mean "${[...before, meant].join(' ')}"?`
          : `"${['keyhall', ...before, '--help'].join(' ')}" lists what there is.`),
    )
  }
  throw wrongUsage(`A command is missing after "${['keyhall', ...words].join(' ')}"; "keyhall --help" lists them.`)
}

function shellOf([shell, ...more]: readonly string[]): Shell {
  if (more.length > 0 || !shells.includes(shell as Shell))
    throw wrongUsage(`Completion is there for ${shells.join(', ')}: "keyhall completion bash".`)
  return shell as Shell
}
