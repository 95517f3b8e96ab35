/**
 * A command over the network: its flags become the input of an operation, and the answer is
 * printed.
 */
import { callOf } from '../client/client-call.ts'
import { Keyhall, KeyhallError, type Page } from '../client/index.ts'
import { Failed, wrongUsage, type ExitCode } from '../world/failed.ts'
import { asRun, type Terminal } from '../world/terminal.ts'
import { helpFlag, readArguments, type Arguments } from './arguments.ts'
import type { Item } from './cells.ts'
import { columnsOf } from './columns.ts'
import type { Command } from './commands.ts'
import { hintAfter } from './hints.ts'
import { inputOf, operationFlags } from './operation-flags.ts'
import { printItem, printList, type Printing } from './print.ts'
import { refuse, serverAddress } from './refusal.ts'
import { reportColumns } from './report-rows.ts'
import { isFinal, isList, outputs, remoteFlags, type Output } from './remote-flags.ts'

export async function runOperation(command: Command, argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { path, operation } = command
  const given = readArguments(argv, [...operationFlags(operation), ...remoteFlags(command), helpFlag])
  const input = inputOf(operation, given, Math.floor(terminal.now() / 1000))
  const printing = printingOf(command, given, input, terminal)
  const limit = (operation.query.properties as Record<string, { maximum?: number }>).limit
  if (printing.isAll && limit) input.limit ??= limit.maximum

  const address = serverAddress(given.flags.get('base-url')?.[0], terminal.environment)
  const client = connect(operation, address.url, terminal)
  if (isFinal(command) && !given.flags.has('yes')) await requireYes(command, input, terminal)
  try {
    const answer: unknown = await (client.request(callOf(operation), input as never) as unknown as PromiseLike<unknown>)
    if (isList(command)) await printList(answer as Page<Item>, client, printing)
    else {
      printItem(answer as Item, printing)
      const hint = hintAfter(path, answer as Item)
      if (hint && terminal.isErrTerminal) terminal.err(`${asRun(hint, terminal)}\n`)
    }
    return 0
  } catch (error) {
    if (!(error instanceof KeyhallError)) throw error
    return refuse(error, { isJson: given.flags.get('output')?.[0]?.startsWith('json') ?? false, address, terminal })
  }
}

function connect({ can }: Command['operation'], baseURL: string, { environment }: Terminal) {
  const adminAPIKey = can === null ? null : environment.OPENAI_ADMIN_KEY?.trim()
  if (can !== null && !adminAPIKey)
    throw wrongUsage(
      'OPENAI_ADMIN_KEY is not set; export an admin key, such as "keyhall admin-keys create" makes on the server\'s host.',
    )
  try {
    return new Keyhall({ adminAPIKey, baseURL })
  } catch (error) {
    if (error instanceof KeyhallError) throw wrongUsage(error.message)
    throw error
  }
}

/**
 * Asks somebody at a terminal before something is taken away for good. Throws Failed unless the
 * answer is yes.
 */
async function requireYes({ path, operation }: Command, input: Record<string, unknown>, terminal: Terminal) {
  if (!terminal.ask) return
  const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => String(input[name!]))
  const answer = await terminal.ask(`${path.join(' ')} ${names.at(-1) ?? ''}: ${operation.about} Go on? [y/N] `)
  if (!/^\s*y(es)?\s*$/i.test(answer ?? '')) throw new Failed('Nothing was changed.', 1)
}

/**
 * How the answer is to be printed. Throws Failed for a member that the answer will not have, before
 * anything is changed.
 */
function printingOf(
  command: Command,
  { flags }: Arguments,
  { group_by }: { group_by?: unknown },
  terminal: Terminal,
): Printing {
  const [named] = flags.get('output') ?? []
  const asked = flags.get('columns')?.flatMap((text) => text.split(','))
  const output = (named ?? (terminal.isTerminal || asked ? 'table' : 'json')) as Output
  if (!outputs.includes(output)) throw wrongUsage(`--output must be one of ${outputs.join(', ')}, not "${named}".`)
  if (asked && output !== 'table' && output !== 'csv')
    throw wrongUsage(`--columns is for --output table and csv, not for ${output}.`)
  const shape = command.operation.returns as Shape
  const bucket = shape.properties?.data?.items?.properties
  const item = bucket?.results?.items ?? shape.properties?.data?.items ?? shape
  const members = Object.keys(item.properties ?? {})
  const fallback = bucket?.results
    ? reportColumns(members, (group_by ?? []) as string[])
    : columnsOf(command.path.join(' '), members)
  const known = [...new Set([...fallback, ...membersOf(item)])]
  const [field] = flags.get('field') ?? []
  if (field !== undefined && !membersOf(item).includes(field))
    throw wrongUsage(`--field must be one of ${membersOf(item).join(', ')}, not "${field}".`)
  return {
    command: command.path.join(' '),
    output,
    field,
    columns: asked?.map((name) => columnNamed(name, fallback, known)) ?? fallback,
    isChosen: asked !== undefined,
    isAll: flags.get('all')?.[0] === 'true',
    terminal,
  }
}

/**
 * A column as the contract, the flags or the table's head write it: `last_used_at`, `last-used-at`,
 * `last used`.
 */
function columnNamed(text: string, fallback: readonly string[], known: readonly string[]): string {
  const name = text.trim().toLowerCase().replace(/[ -]/g, '_')
  const found = [name, `${name}_at`].find((one) => known.includes(one))
  if (found === undefined) throw wrongUsage(`--columns must be some of ${fallback.join(', ')}; there is no "${text}".`)
  return found
}

interface Shape {
  properties?: Record<string, Shape>
  items?: Shape
  anyOf?: Shape[]
}

/** The members that an answer can have, with dots for one inside another. */
const membersOf = ({ properties = {}, anyOf = [] }: Shape): string[] => [
  ...Object.entries(properties).flatMap(([name, inner]) => [name, ...membersOf(inner).map((one) => `${name}.${one}`)]),
  ...anyOf.flatMap(membersOf),
]
