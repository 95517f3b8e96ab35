/** A command over the network: its flags become the input of an operation, the answer is printed. Stands on the client alone. */
import { APIConnectionError, APIError, Keyhall, KeyhallError, type Page } from '../client/index.ts'
import { helpFlag, readArguments } from './arguments.ts'
import type { Command } from './commands.ts'
import { Failed, wrongUsage, type ExitCode } from './failed.ts'
import { hintAfter } from './hints.ts'
import { networkFlags, outputs, type Output } from './network-flags.ts'
import { inputOf, operationFlags } from './operation-flags.ts'
import { printable, printableJson } from './printable.ts'
import { fields, table } from './table.ts'
import type { Terminal } from './terminal.ts'

export async function runOperation(
  { path, operation }: Command,
  argv: readonly string[],
  terminal: Terminal,
): Promise<ExitCode> {
  const isList = path.at(-1) === 'list'
  const flags = [...operationFlags(operation), ...networkFlags(isList), helpFlag]
  const given = readArguments(argv, flags)
  const [named] = given.flags.get('output') ?? []
  const asked = named ?? (terminal.isTerminal ? 'table' : 'json')
  if (!outputs.includes(asked as Output)) throw wrongUsage(`--output must be ${outputs.join(', ')}, not "${asked}".`)
  const output = asked as Output
  const input = inputOf(operation, given, Math.floor(terminal.now() / 1000))
  const field = fieldOf(operation, given.flags.get('field')?.[0])
  const isAll = given.flags.get('all')?.[0] === 'true'
  if (isAll && isList && 'limit' in flagsByField(operation)) input.limit ??= mostPerPage(operation)

  const baseURL = given.flags.get('base-url')?.[0]
  try {
    const client = connect(operation, baseURL, terminal)
    const answer = client.request(operation, input as never) as unknown as PromiseLike<unknown>
    if (isList) await printList(await firstFound((await answer) as Page<Item>), { output, field, isAll, terminal })
    else {
      const item = (await answer) as Item
      print(item, { output, field, terminal })
      const hint = hintAfter(path, item)
      if (hint && terminal.isErrTerminal) terminal.err(`${hint}\n`)
    }
    return 0
  } catch (error) {
    if (!(error instanceof KeyhallError)) throw error
    return refuse(error, { isJson: named?.startsWith('json') ?? false, baseURL, terminal })
  }
}

type Item = Record<string, unknown>

interface Printing {
  output: Output
  /** The one member to print. */
  field: string | undefined
  terminal: Terminal
}

interface Shape {
  properties?: Record<string, Shape>
  items?: Shape
  anyOf?: Shape[]
}

/** A member that the answer will have, with dots for one inside another: a wrong name is refused before anything is changed. */
function fieldOf({ returns }: Command['operation'], field: string | undefined) {
  const shape = returns as Shape
  const names = membersOf(shape.properties?.data?.items ?? shape)
  if (field === undefined || names.includes(field)) return field
  throw wrongUsage(`--field must be one of ${names.join(', ')}, not "${field}".`)
}

const membersOf = ({ properties = {}, anyOf = [] }: Shape): string[] => [
  ...Object.entries(properties).flatMap(([name, inner]) => [name, ...membersOf(inner).map((one) => `${name}.${one}`)]),
  ...anyOf.flatMap(membersOf),
]

const member = (item: Item, field: string) =>
  field.split('.').reduce<unknown>((inner, name) => (inner as Item | null | undefined)?.[name], item)

const bare = (value: unknown) => (typeof value === 'string' ? printable(value) : printableJson(value ?? null))

const flagsByField = ({ query }: Command['operation']) => query.properties as Record<string, { maximum?: number }>

const mostPerPage = (operation: Command['operation']) => flagsByField(operation).limit?.maximum

function connect({ can }: Command['operation'], baseURL: string | undefined, { environment }: Terminal) {
  const adminAPIKey = can === null ? null : environment.OPENAI_ADMIN_KEY?.trim()
  if (can !== null && !adminAPIKey)
    throw wrongUsage(
      'OPENAI_ADMIN_KEY is not set; export an admin key, such as "keyhall admin-keys create" makes on the server\'s host.',
    )
  return new Keyhall({ adminAPIKey, baseURL: baseURL ?? environment.OPENAI_BASE_URL ?? null })
}

/** The first page that has anything: a search among very many may answer some that have not. */
async function firstFound(page: Page<Item>): Promise<Page<Item>> {
  while (page.data.length === 0 && page.hasNextPage()) page = await page.getNextPage()
  return page
}

async function printList(first: Page<Item>, { output, field, isAll, terminal }: Printing & { isAll: boolean }) {
  const { out, err, isErrTerminal } = terminal
  const items: Item[] = []
  let count = 0
  for await (const page of isAll ? first.iterPages() : [first]) {
    if (field !== undefined) for (const item of page.data) out(`${bare(member(item, field))}\n`)
    else if (output === 'jsonl') for (const item of page.data) out(`${printableJson(item)}\n`)
    else items.push(...page.data)
    count += page.data.length
    if (isAll && isErrTerminal && page.hasNextPage()) err(`\r${count} so far …\u001b[K`)
  }
  if (isAll && isErrTerminal) err('\r\u001b[K')
  if (field !== undefined) return
  if (output === 'json') out(`${printableJson(envelope(first, items, isAll), 2)}\n`)
  if (output === 'table') {
    out(items.length > 0 ? table(items, terminal) : '')
    if (items.length === 0 && terminal.isTerminal) err('There are none.\n')
    else if (!isAll && first.hasNextPage())
      err(`There are more: --all shows them, --after ${printable(cursorOf(first))} the next page.\n`)
  }
}

/** The page as the server sent it; of all pages, one that holds them all. */
function envelope(first: Page<Item>, items: Item[], isAll: boolean) {
  const { object, data: _, ...others } = first as unknown as Item
  const wire = { object, data: items, ...others }
  // The client has an empty text where the wire has null, because the official SDK's type says that it is text.
  if ('last_id' in wire && !wire.last_id) Object.assign(wire, { last_id: null })
  if (!isAll) return wire
  return {
    ...wire,
    has_more: false,
    ...('last_id' in wire && { last_id: items.at(-1)?.id ?? null }),
    ...('next' in wire && { next: null }),
  }
}

const cursorOf = (page: Page<Item>) => {
  const { next, last_id } = page as unknown as { next?: string; last_id?: string }
  return String(next || last_id)
}

function print(answer: Item, { output, field, terminal }: Printing) {
  if (field !== undefined) terminal.out(`${bare(member(answer, field))}\n`)
  else if (output === 'table') terminal.out(fields(answer, terminal))
  else terminal.out(`${printableJson(answer, output === 'json' ? 2 : undefined)}\n`)
}

interface Refusal {
  /** JSON was asked for by name, so errors are JSON too. */
  isJson: boolean
  baseURL: string | undefined
  terminal: Terminal
}

/** Says why a call failed, and which exit code that is. */
function refuse(error: KeyhallError, { isJson, baseURL, terminal: { err, environment } }: Refusal): ExitCode {
  if (error instanceof APIConnectionError) {
    const where = baseURL ?? environment.OPENAI_BASE_URL ?? 'http://127.0.0.1:4100/v1'
    const { code = error.message.replace(/\.$/, '') } = (error.cause ?? {}) as { code?: string }
    throw new Failed(`No usable answer from ${where} (${code}); is the server running there?`, 7)
  }
  if (!(error instanceof APIError)) throw wrongUsage(error.message)
  const { status, code, param, requestID } = error
  const message = error.message.replace(/^\d{3} /, '')
  if (isJson) {
    const body = { message, type: error.type ?? null, param: param ?? null, code: code ?? null }
    err(`${printableJson({ error: { ...body, status, request_id: requestID ?? null } })}\n`)
  } else {
    const details = [...(param ? [`parameter ${param}`] : []), ...(requestID ? [`request ${requestID}`] : [])]
    err(`keyhall: ${printable(message)}${details.length > 0 ? ` (${printable(details.join(', '))})` : ''}\n`)
  }
  return exitCodeOf(status)
}

function exitCodeOf(status: number | undefined): ExitCode {
  if (status === undefined) return 7
  if (status >= 500) return 6
  return ({ 401: 4, 403: 4, 404: 3 } as const)[status] ?? 5
}
