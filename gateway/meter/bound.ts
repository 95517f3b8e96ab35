/** What a request can use and cost at most, and what it probably will. */
import { LARGEST_AMOUNT } from '../../ledger/budget.ts'
import { invalid } from '../../contract/errors.ts'
import type { ModelSize } from '../../contract/limit-errors.ts'
import type { ModelBody } from '../model-body.ts'
import type { Endpoint } from './endpoints.ts'
import type { ModelSettings } from './model-book.ts'
import { isGiven, numberOf } from './named-numbers.ts'
import { isOpaque } from './opaque.ts'
import { pairsIn } from './pairs.ts'
import { costOfUnits, dearest, type Price } from './price.ts'
import { OPEN_LIST, textsIn } from './texts-in-json.ts'

/**
 * Measured on mixed text: a token has 3.08 bytes. For estimates only; a bound takes one byte for a
 * token.
 */
export const BYTES_PER_TOKEN = 3

/** What a server may put into a prompt so that the model knows how to call tools. */
const TOOLS_TOKENS = 1024
/** What a server may write around a conversation, or around two texts that are compared. */
const TEMPLATE_TOKENS = 256

export interface Sizes {
  /** The most tokens that the prompt can have; null if unknown. */
  input: number | null
  /**
   * Whether the length of the body says nothing about the prompt, because it refers to images,
   * files and the like.
   */
  isOpaque: boolean
  /** The most tokens that the answer can have; null if unknown. */
  output: number | null
  /** Tokens that the answer will probably have. */
  expected: number
  /**
   * The most images, seconds of audio or characters; null if unknown. The bytes of audio do not say
   * how long it is: of silence, an hour can have a kilobyte.
   */
  units: number | null
  /** Tokens that the request will probably use, for rate limits. */
  estimate: number
  /**
   * Whether the request itself limits its answer, and its bytes limit its prompt.
   */
  isDeclared: boolean
  /**
   * The members of the body that must be set so that the upstream keeps to `output`, and to what.
   */
  set: readonly string[]
  maximum: number
}

/**
 * More answers, and more tokens, than any upstream makes or reads for one request. What a request
 * names beyond that is forwarded and counts as so much: it may become usage, and larger
 * numbers could not be added up in the database.
 */
const MOST_ANSWERS = 1_000_000
const MOST_TOKENS = 1_000_000_000

/** The last is that of llama.cpp. */
const answerMembers = ['n', 'best_of', 'n_cmpl'] as const

/**
 * How many answers a request asks for must be known under a spend limit: throws 400 for what is no
 * number here, and could be one for the upstream, such as a digit of another script.
 */
export function requireAnswers(body: ModelBody) {
  for (const name of answerMembers)
    if (isGiven(body.member(name)) && numberOf(body, name) === null)
      throw invalid(`'${name}' must be a whole number that is not negative: a spend limit depends on it.`, name)
}

/**
 * Of a line of a batch, which cannot be changed: throws 400 if it does not say how long its answer
 * may be. 0 does not, because some servers take it for any length.
 */
export function requireMaxima(body: ModelBody, { maxima, sets, setsInstead }: Endpoint) {
  if (sets === null) return
  const given = maxima.filter((name) => isGiven(body.member(name)))
  // The others bind llama.cpp alone.
  const binding = maxima.filter((name) => name === sets || name === setsInstead)
  if (!binding.some((name) => given.includes(name)))
    throw invalid(`'${binding.join("' or '")}' must say how long the answer may be: a spend limit depends on it.`, sets)
  for (const name of given)
    if (!numberOf(body, name)) throw invalid(`'${name}' must be a number above 0: a spend limit depends on it.`, name)
}

/** The largest maximum that the body names; 0 for none. */
export const largestMaximum = (body: ModelBody, { maxima }: Endpoint) =>
  Math.max(0, ...maxima.map((name) => numberOf(body, name) ?? 0))

/**
 * Throws 400 under a spend limit if a maximum would have to be set in a body that cannot be
 * changed.
 */
export function requireChangeable(body: ModelBody, { set }: Sizes) {
  if (set.length > 0 && body.kind !== 'json')
    throw invalid(`The body must be JSON under a spend limit, so that '${set[0]}' can be set in it.`)
}

export function sizesOf(body: ModelBody, endpoint: Endpoint, settings: ModelSettings): Sizes {
  const opaque = isOpaque(body, endpoint)
  const { context_tokens } = settings
  const bytes = Math.ceil(body.size / BYTES_PER_TOKEN)
  const answers = answersOf(body)
  const sizes: Sizes = {
    input: opaque ? context_tokens : body.size + templateTokens(body, endpoint),
    isOpaque: opaque,
    output: 0,
    expected: 0,
    units: 0,
    estimate: opaque ? Math.min(bytes, context_tokens ?? Infinity) : bytes,
    isDeclared: !opaque,
    set: nothingToSet,
    maximum: 0,
  }
  if (endpoint.isPairs) addPairs(sizes, body, context_tokens)
  if (endpoint.sets === null) addFixedAnswer(sizes, body, endpoint, settings, answers)
  else addAnswer(sizes, body, endpoint, settings, answers)
  sizes.estimate += sizes.expected
  return sizes
}

/** The bytes of a short conversation are fewer than the tokens that some templates begin with. */
const templateTokens = (body: ModelBody, { prompt }: Endpoint) =>
  (prompt?.form === 'chat' || isGiven(body.member('messages')) ? TEMPLATE_TOKENS : 0) +
  (isGiven(body.member('tools')) ? TOOLS_TOKENS : 0)

/** Each prompt of a list has answers of its own; vLLM adds those that are embeddings. */
function answersOf(body: ModelBody): number {
  let most = 1
  for (const name of answerMembers) most = Math.max(most, numberOf(body, name) ?? 1)
  let prompts = 0
  for (const name of promptMembers) {
    const json = body.bytes(name)
    if (json !== undefined) prompts += json[0] === OPEN_LIST ? textsIn(json) : 1
  }
  return Math.min(most * Math.max(1, prompts), MOST_ANSWERS)
}

const promptMembers = ['prompt', 'prompt_embeds'] as const

const nothingToSet: readonly string[] = []

/** The model reads each pair by itself. */
function addPairs(sizes: Sizes, body: ModelBody, context_tokens: number | null) {
  const { count, bytes, most } = pairsIn(body)
  const input = sizes.isOpaque ? context_tokens && context_tokens * count : most + count * TEMPLATE_TOKENS
  sizes.input = input && Math.min(input, MOST_TOKENS)
  sizes.estimate = Math.min(Math.ceil(bytes / BYTES_PER_TOKEN), sizes.input ?? MOST_TOKENS)
}

/** Of an endpoint whose requests cannot say how long the answer may be. */
function addFixedAnswer(
  sizes: Sizes,
  body: ModelBody,
  { unit, generates }: Endpoint,
  settings: ModelSettings,
  answers: number,
) {
  const { max_output_tokens: most, estimate_output_tokens } = settings
  // Images, speech and transcripts can be paid by token too.
  if (generates) sizes.output = most && Math.min(most * answers, MOST_TOKENS)
  if (generates && unit === null) sizes.expected = Math.min(estimate_output_tokens, most ?? Infinity)
  if (unit !== null) sizes.units = unitsOf(body, unit, settings, answers)
}

function addAnswer(
  sizes: Sizes,
  body: ModelBody,
  { maxima, sets }: Endpoint,
  { max_output_tokens: most, estimate_output_tokens }: ModelSettings,
  answers: number,
) {
  let declared: number | null = null
  // Some servers, such as Ollama, take 0 for any length, and others for none.
  let hasZero = false
  // What is above the model's maximum, or no number at all, such as -1 for any length, would bound
  // nothing.
  let wrong = nothingToSet
  for (const name of maxima) {
    if (!isGiven(body.member(name))) continue
    const value = numberOf(body, name)
    if (value === 0) hasZero = true
    // The larger of all that are declared, because nobody knows which one the upstream takes.
    else if (value !== null) declared = Math.max(declared ?? 0, value)
    if (value === null || value > (most ?? Infinity)) wrong = [...wrong, name]
  }
  if (hasZero) declared = null
  const one = declared === null ? most : Math.min(declared, most ?? Infinity)
  const isMissing = !isGiven(body.member(sets!))
  // Rejected tokens of a prediction are paid for as output.
  const prediction = body.member('prediction')
  const predicted = prediction === undefined ? 0 : Buffer.byteLength(prediction)
  sizes.output = one === null ? null : Math.min(one * answers, MOST_TOKENS) + predicted
  const expected = declared !== null ? one! : Math.min(estimate_output_tokens, most ?? Infinity)
  sizes.expected = Math.min(expected * answers, MOST_TOKENS)
  sizes.isDeclared = declared !== null && !sizes.isOpaque
  if (one === null) return
  sizes.set = isMissing ? [...wrong, sets!] : wrong
  sizes.maximum = one
}

function unitsOf(
  body: ModelBody,
  unit: NonNullable<Endpoint['unit']>,
  { max_audio_seconds }: ModelSettings,
  answers: number,
): number | null {
  if (unit === 'image') return answers
  if (unit === 'second') return max_audio_seconds
  // Of a form nobody reads the text.
  return body.kind === 'json' ? charactersOf(body.member('input')) : body.size
}

/** Code points of a JSON string. */
export function charactersOf(json: string | undefined): number {
  if (!json) return 0
  try {
    const text: unknown = JSON.parse(json)
    return typeof text === 'string' ? Array.from(text).length : json.length
  } catch {
    return json.length
  }
}

/**
 * Nano-dollars that a request costs at most; null where its sizes do not say. `factor` is what
 * prices are multiplied with, in thousandths.
 */
export function boundOf(
  { input, output, units }: Pick<Sizes, 'input' | 'output' | 'units'>,
  { unit }: Pick<Endpoint, 'unit'>,
  price: Price,
  factor: number,
): number | null {
  const rates = dearest(price, factor)
  if (input === null && rates.input > 0) return null
  if (output === null && rates.output > 0) return null
  if (units === null && rates.minute > 0) return null
  const perUnit = unit === 'image' ? rates.image : unit === 'character' ? rates.character : 0
  const sum =
    costOfUnits(input ?? 0, rates.input) +
    costOfUnits(output ?? 0, rates.output) +
    costOfUnits(units ?? 0, perUnit) +
    (unit === 'second' ? Math.ceil(costOfUnits(units ?? 0, rates.minute) / 60) : 0) +
    // Each line item is rounded up by itself.
    3
  return Math.min(sum, LARGEST_AMOUNT)
}

/** The setting of the model that is missing to bound the cost of a request. */
export function missingIn({ input, isOpaque, units }: Sizes, price: Price | null): ModelSize {
  if (units === null && price && price.minute > 0) return 'max_audio_seconds'
  return isOpaque && input === null ? 'context_tokens' : 'max_output_tokens'
}
