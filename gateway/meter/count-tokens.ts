/**
 * Counts tokens, in the Worker. A tokenizer needs seconds for a long text without a space, so texts
 * are cut into pieces of at most 256 characters: where it can, at a space that no token reaches
 * across, so that the sum is exact.
 */
import { computeChatCompletionTokenCount, FUNCTION_CALL_METADATA_TOKEN_OVERHEAD } from 'gpt-tokenizer/functionCalling'
import { MOST_COUNTED, type Encoding, type TokenAnswer, type TokenQuestion } from './tokens.ts'

const PIECE = 256
/** Shorter strings are counted by their bytes in a bound: they have few. */
const WORTH_COUNTING = 64

type Count = (text: string) => number

/** Special tokens such as `<|endoftext|>` are counted as text. */
const plainText = { disallowedSpecial: new Set<string>() }

async function load(encoding: Encoding): Promise<Count> {
  const { countTokens } =
    encoding === 'o200k_base'
      ? await import('gpt-tokenizer/encoding/o200k_base')
      : await import('gpt-tokenizer/encoding/cl100k_base')
  return (text) => countTokens(text, plainText)
}

const loaded = new Map<Encoding, Promise<Count>>()

export async function countTokens({ encoding, prompt, answer, body }: TokenQuestion): Promise<TokenAnswer> {
  const ofPiece = await loaded.getOrInsertComputed(encoding, () => load(encoding))
  const count: Count = (text) => inPieces(text, ofPiece)
  return {
    prompt: prompt && promptTokens(prompt, count),
    answer: answer === null ? null : count(unescaped(answer)),
    body: body === null ? null : mostTokens(body, ofPiece),
  }
}

/** Only the beginning of a long text is counted. */
function inPieces(text: string, count: Count): number {
  const counted = Math.min(text.length, MOST_COUNTED)
  let sum = 0
  for (const { start, end } of pieces(text, counted)) sum += count(text.slice(start, end))
  return counted === text.length ? sum : Math.ceil((sum * text.length) / counted)
}

interface Piece {
  start: number
  end: number
  /** Whether no token of the whole text reaches across its ends. */
  isWhole: boolean
}

function* pieces(text: string, length: number): Generator<Piece> {
  let wasCut = false
  for (let start = 0; start < length;) {
    const most = Math.min(start + PIECE, length)
    const space = most === length ? length : lastSpace(text, start, most)
    const isCut = space <= start
    const end = isCut ? withoutHalf(text, most) : space
    yield { start, end, isWhole: !isCut && !wasCut }
    wasCut = isCut
    start = end
  }
}

/** The last single space between two other characters: every encoding begins a token there. */
function lastSpace(text: string, start: number, end: number): number {
  for (let at = text.lastIndexOf(' ', end); at > start; at = text.lastIndexOf(' ', at - 1))
    if (!isSpace(text[at - 1]!) && at + 1 < text.length && !isSpace(text[at + 1]!)) return at
  return -1
}

const isSpace = (character: string) => /\s/.test(character)

/** Not between the halves of a surrogate pair. */
const withoutHalf = (text: string, end: number) =>
  /[\uD800-\uDBFF]/.test(text[end - 1]!) && end < text.length ? end - 1 : end

function unescaped(literal: string): string {
  try {
    return JSON.parse(`"${literal}"`) as string
  } catch {
    // The text was cut in the middle of an escape.
    return literal
  }
}

/** A prompt that is too long to be here whole is no JSON, and is counted as it stands there. */
function promptTokens(
  { form, json, length, instructions, tools }: NonNullable<TokenQuestion['prompt']>,
  count: Count,
): number {
  const given = json.length === length ? parsed(json) : undefined
  if (given === undefined) return Math.ceil((count(json) * length) / Math.max(1, json.length))
  if (form === 'plain') return plainTokens(given, count)
  const system = parsed(instructions)
  const items = Array.isArray(given) ? given : [{ role: 'user', content: given }]
  return chatTokens(system ? [{ role: 'system', content: system }, ...items] : items, tools, count)
}

/** Prompts can be lists of tokens too. */
function plainTokens(value: unknown, count: Count): number {
  if (typeof value === 'string') return count(value)
  if (typeof value === 'number') return 1
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + plainTokens(one, count), 0)
  return count(textOf(value))
}

/** The library counts conversations and function definitions as OpenAI does. */
function chatTokens(items: readonly unknown[], tools: string | undefined, count: Count): number {
  const messages = items.filter(isObject).map(({ role, name, tool_calls, ...item }) => ({
    role: (typeof role === 'string' ? role : 'tool') as 'user',
    content: textOf(item),
    ...(typeof name === 'string' && typeof role === 'string' && { name }),
    calls: Array.isArray(tool_calls) ? tool_calls.filter(isObject) : [],
  }))
  const functions = functionsIn(parsed(tools))
  const calls = messages.flatMap(({ calls }) => calls)
  const inCalls = calls.reduce((sum, { function: called }) => {
    const { name, arguments: given } = isObject(called) ? called : {}
    return sum + FUNCTION_CALL_METADATA_TOKEN_OVERHEAD + count(textOf(name)) + count(textOf(given))
  }, 0)
  return inCalls + computeChatCompletionTokenCount({ messages, ...(functions.length > 0 && { functions }) }, count)
}

function functionsIn(tools: unknown) {
  const all = Array.isArray(tools) ? tools.filter(isObject) : []
  return all
    .filter(({ type }) => type === 'function')
    .map((tool) => (isObject(tool.function) ? tool.function : tool))
    .map(({ name, description, parameters }) => ({
      name: String(name),
      ...(typeof description === 'string' && { description }),
      ...(isObject(parameters) && { parameters: { ...parameters, type: 'object' as const } }),
    }))
}

/** The members of messages and other items that hold text for the model. */
const textMembers = ['content', 'text', 'refusal', 'name', 'arguments', 'output'] as const

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(textOf).join('')
  return isObject(value) ? textMembers.map((name) => textOf(value[name])).join('') : ''
}

/**
 * The most tokens that a body can have for a model with this encoding: a token for each of its
 * bytes, but for long texts as many as they have. A piece that was cut where a token may reach
 * across counts by its bytes too.
 */
function mostTokens(body: string, ofPiece: Count): number {
  let most = Buffer.byteLength(body)
  for (const text of longStrings(parsed(body))) {
    const byTokens = mostOfText(text, ofPiece)
    most -= Math.max(0, Buffer.byteLength(JSON.stringify(text)) - 2 - byTokens)
  }
  return most
}

function mostOfText(text: string, ofPiece: Count): number {
  let sum = 0
  for (const { start, end, isWhole } of pieces(text, text.length)) {
    const piece = text.slice(start, end)
    sum += isWhole ? ofPiece(piece) : Buffer.byteLength(piece)
  }
  return sum
}

/** Of what a model reads as it is; definitions of tools reach it in another form. */
function* longStrings(body: unknown): Generator<string> {
  const { messages, input, instructions, system, prompt } = isObject(body) ? body : {}
  yield* stringsIn([messages, input, instructions, system, prompt])
}

function* stringsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') {
    if (value.length >= WORTH_COUNTING) yield value
  } else if (Array.isArray(value)) for (const one of value) yield* stringsIn(one)
  else if (isObject(value)) for (const one of Object.values(value)) yield* stringsIn(one)
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Undefined for what is no JSON. */
function parsed(json: string | undefined): unknown {
  try {
    return json === undefined ? undefined : (JSON.parse(json) as unknown)
  } catch {
    return undefined
  }
}
