/**
 * The command line: finds the command that the words name, and ends every failure in one sentence
 * and an exit code.
 */
import { WrongSetting } from '../server/setting.ts'
import { commandAt, namesBelow } from './commands.ts'
import { Failed, wrongUsage, type ExitCode } from '../world/failed.ts'
import { localCommands, runLocalCommand } from './local-commands.ts'
import { helpFor, overview } from './help.ts'
import { version } from '../world/version.ts'
import { shells, type Shell } from './completion/shells.ts'
import { startsWith } from './commands.ts'
import { suggestion } from '../world/suggestion.ts'
import { asRun, type Terminal } from '../world/terminal.ts'

export async function keyhall(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    return await run(argv, terminal)
  } catch (error) {
    if (error instanceof WrongSetting) return end(terminal, error.message, 2)
    if (error instanceof Failed) return end(terminal, error.message, error.exitCode)
    throw error
  }
}

function end(terminal: Terminal, sentence: string, code: ExitCode): ExitCode {
  terminal.err(`keyhall: ${asRun(sentence, terminal)}\n`)
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
  if (first === 'completion' && asksForHelp(others)) return print(helpFor(['completion'], columns)!)
  if (first === 'completion') return print((await import('./completion/index.ts')).completion(shellOf(others)))

  const words = argv.slice(
    0,
    Math.max(
      0,
      [...argv, '-'].findIndex((word) => word.startsWith('-')),
    ),
  )
  const local = localCommands.find(({ path }) => startsWith(words, path))
  const derived = words.map((_, index) => commandAt(words.slice(0, index + 1))).find(Boolean)
  const path = local?.path ?? derived?.path
  const rest = argv.slice(path?.length ?? words.length)
  if (asksForHelp(rest)) return print(helpFor(path ?? words, columns) ?? unknown(words))
  if (local) return runLocalCommand(local, rest, terminal)
  if (derived) return (await import('./run-operation.ts')).runOperation(derived, rest, terminal)
  if (rest.length > 0 || helpFor(words, columns) === null) unknown(words)
  terminal.err(helpFor(words, columns)!)
  return 2
}

const asksForHelp = (words: readonly string[]) => {
  const flags = words.includes('--') ? words.slice(0, words.indexOf('--')) : words
  return flags.includes('--help') || flags.includes('-h')
}

/** Throws for words that name no command, with what was probably meant. */
function unknown(words: readonly string[]): never {
  for (let at = 0; at < words.length; at++) {
    const before = words.slice(0, at)
    const names = [
      ...namesBelow(before),
      ...localCommands.flatMap(({ path }) => (path.length > at && startsWith(path, before) ? [path[at]!] : [])),
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
