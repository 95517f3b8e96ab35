/** The help at each level, from the contract and the list of local commands. */
import { helpFlag, type Flag } from './arguments.ts'
import { commandAt, namesBelow, startsWith, type Command } from './commands.ts'
import { exitCodes } from '../world/failed.ts'
import type { LocalCommand } from './local-command.ts'
import { localCommands } from './local-commands.ts'
import { operationFlags } from './operation-flags.ts'
import { shells } from './completion/shells.ts'
import { isList, remoteFlags } from './remote-flags.ts'
import { version } from '../world/version.ts'

const WIDEST = 100

type Row = readonly [term: string, text: string]

/** `keyhall` and `keyhall --help`. */
export function overview(columns: number): string {
  const resource = (name: string) =>
    [name, commandAt([name])?.operation.about ?? namesBelow([name]).join(', ')] as const
  return page(columns, [
    `Keyhall ${version}: a self-hosted server for the OpenAI Administration API, and its command line.`,
    'Usage: keyhall <command> [--flags]',
    section(
      'On the host, on the database itself',
      localCommands.map(({ path, about }) => [path.join(' '), about] as const),
    ),
    section('From anywhere, with an admin key', namesBelow([]).map(resource)),
    section('Also', [
      ['help COMMAND', 'What a command does, its flags and examples; the same as COMMAND --help.'],
      ['completion SHELL', 'Completion for bash, zsh or fish: eval "$(keyhall completion bash)".'],
      ['--version', 'Prints the version.'],
    ]),
    environment,
    section('Exit codes', Object.entries(exitCodes)),
  ])
}

const environment: Section = {
  title: 'Environment',
  rows: [
    [
      'OPENAI_ADMIN_KEY',
      'The admin key to call with. There is no flag for it: others on the machine can see arguments.',
    ],
    ['OPENAI_BASE_URL', 'Where the server is; default: http://127.0.0.1:4100/v1.'],
  ],
}

/** Help for what these words begin; null when nothing begins with them. */
export function helpFor(words: readonly string[], columns: number): string | null {
  if (words.length === 0) return overview(columns)
  if (words.length === 1 && words[0] === 'completion') return completionHelp(columns)
  const local = localCommands.find(({ path }) => path.length === words.length && startsWith(path, words))
  if (local) return localHelp(local, columns)
  const command = commandAt(words)
  if (command) return commandHelp(command, columns)
  const below = namesBelow(words)
  const localBelow = localCommands.filter(({ path }) => startsWith(path, words))
  if (below.length === 0 && localBelow.length === 0) return null
  return page(columns, [
    `Usage: keyhall ${words.join(' ')} <command> [--flags]`,
    section('Commands', [
      ...localBelow.map(({ path, about }) => [path.slice(words.length).join(' '), about] as const),
      ...below.map((name) => {
        const at = commandAt([...words, name])
        return [name, at ? aboutOf(at) : namesBelow([...words, name]).join(', ')] as const
      }),
    ]),
    `"keyhall ${words.join(' ')} <command> --help" lists the flags of one.`,
  ])
}

const completionHelp = (columns: number) =>
  page(columns, [
    'Prints a script that completes commands, flags and their values in a shell.',
    `Usage: keyhall completion ${shells.join('|')}`,
    section('Flags', [flagRow(helpFlag)]),
    section('To have it in every shell, put this line into', [
      ['~/.bashrc', 'eval "$(keyhall completion bash)"'],
      ['~/.zshrc', 'eval "$(keyhall completion zsh)"'],
      ['~/.config/fish/config.fish', 'keyhall completion fish | source'],
    ]),
    'It completes the word "keyhall". Where you run "npx keyhall", make that word: alias keyhall="npx keyhall".',
  ])

const aboutOf = ({ operation }: Command) => operation.about + (operation.extension ? ' [Keyhall extension]' : '')

function localHelp({ path, about, more, flags, examples, takes }: LocalCommand, columns: number) {
  return page(columns, [
    about,
    ...(more ? [more] : []),
    `Usage: keyhall ${[...path, ...(takes ? [takes] : [])].join(' ')} [--flags]`,
    section('Flags, each also an environment variable where one is named', [...flags, helpFlag].map(flagRow)),
    section(
      'Examples',
      examples.map((example) => [`keyhall ${example}`, ''] as const),
    ),
  ])
}

function commandHelp(command: Command, columns: number) {
  const { path, operation } = command
  const flags = operationFlags(operation)
  const words = path.join(' ')
  const needed = flags.filter(({ required }) => required)
  const usage = needed.map(({ name, value }) => ` --${name} ${value}`).join('')
  const onHost = localCommands.filter((local) => local.path.length > path.length && startsWith(local.path, path))
  return page(columns, [
    operation.about,
    ...(operation.extension ? ['A Keyhall extension: OpenAI has no such operation.'] : []),
    `Usage: keyhall ${words}${usage}${flags.length > needed.length ? ' [--flags]' : ''}`,
    ...(flags.length > 0 ? [section('Flags', flags.map(flagRow))] : []),
    section('Output', [...remoteFlags(command), helpFlag].map(flagRow)),
    section(
      'Examples',
      examplesOf(command).map((example) => [example, ''] as const),
    ),
    ...(onHost.length > 0
      ? [
          section(
            'On the host',
            onHost.map(({ path, about }) => [path.join(' '), about] as const),
          ),
        ]
      : []),
    `${operation.method} /v1${operation.path}; ${operation.can === null ? 'needs no key' : `needs the permission ${operation.can}`}.`,
  ])
}

function examplesOf(command: Command): string[] {
  const { path, operation } = command
  const flags = operationFlags(operation)
  const words = `keyhall ${path.join(' ')}`
  const needed = flags.filter(({ required }) => required)
  const first = words + needed.map(({ name, value }) => ` --${name} ${value}`).join('')
  if (isList(command)) return [`${first} --limit 50`, `${first} --all --output jsonl`]
  const extra = flags.find(({ required, schema }) => !required && schema.format === 'lifetime')
  return extra ? [first, `${first} --${extra.name} 30d`] : [first]
}

const flagRow = ({ name, value, about, notes = [], required, short }: Flag): Row => [
  `--${name}${short ? `, -${short}` : ''}${value === null ? '' : ` ${value}`}`,
  [about, [...(required ? ['required'] : []), ...notes].join('; ').replace(/^(.+)$/, '($1)')].filter(Boolean).join(' '),
]

interface Section {
  title: string
  rows: readonly Row[]
}

const section = (title: string, rows: readonly Row[]): Section => ({ title, rows })

function page(columns: number, parts: readonly (string | Section)[]): string {
  const width = Math.max(40, Math.min(columns, WIDEST))
  return (
    parts.map((part) => (typeof part === 'string' ? wrap(part, width, 0) : rowsOf(part, width))).join('\n\n') + '\n'
  )
}

function rowsOf({ title, rows }: Section, width: number): string {
  const longest = Math.max(...rows.map(([term]) => term.length).filter((length) => length <= 30), 0)
  const lines = rows.map(([term, text]) => {
    if (text === '') return `  ${continued(term, width - 2)}`
    const indent = longest + 4
    const body = wrap(text, width, indent)
    return term.length <= longest ? `  ${term.padEnd(longest)}  ${body}` : `  ${term}\n${' '.repeat(indent)}${body}`
  })
  return [title, ...lines].join('\n')
}

/** Breaks a command before a flag where it is too long, so that it can still be pasted. */
function continued(command: string, width: number): string {
  const lines = ['']
  for (const part of command.split(/ (?=--)/)) {
    const line = lines.at(-1)!
    if (line && line.length + part.length + 3 > width) lines.push(part)
    else lines[lines.length - 1] = line ? `${line} ${part}` : part
  }
  return lines.join(' \\\n    ')
}

/** Breaks a word that is longer than a line, such as the longest paths, behind a slash. */
function piecesOf(word: string, width: number): string[] {
  const cut = word.length > width ? word.lastIndexOf('/', width - 1) + 1 : 0
  return cut > 0 ? [word.slice(0, cut), ...piecesOf(word.slice(cut), width)] : [word]
}

/** Breaks text into lines that fit; all but the first are indented. */
function wrap(text: string, width: number, indent: number): string {
  const lines = ['']
  for (const word of text.split(' ').flatMap((word) => piecesOf(word, width - indent))) {
    const line = lines.at(-1)!
    if (line && line.length + 1 + word.length > width - indent) lines.push(word)
    else lines[lines.length - 1] = line ? `${line} ${word}` : word
  }
  return lines.join(`\n${' '.repeat(indent)}`)
}
