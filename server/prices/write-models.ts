/** Writes the `models:` section of `keyhall.yaml` from a list of prices. */
import { printable } from '../../world/printable.ts'
import type { FilePrice, ListedModel } from './price-list.ts'

const WIDEST = 100

export interface ServedModel {
  name: string
  /** Null where the list lacks it. */
  listed: ListedModel | null
}

export interface Written {
  /** Such as `2026-11-26`. */
  today: string
  list: string
  models: readonly ServedModel[]
  /** Those that the file sets a price for already. */
  known: readonly string[]
  /** The file has `models:` already, and what is written goes below it. */
  isMore: boolean
}

export function modelsSection({ today, list, models, known, isMore }: Written): string {
  const priced = models.flatMap(({ name, listed }) => (listed ? [{ name, listed }] : []))
  const missing = models.filter(({ listed }) => listed === null).map(({ name }) => name)
  const unbounded = priced.filter(({ listed }) => listed.max_output_tokens === undefined && hasOutput(listed))
  return [
    `# Prices in dollars, written by "keyhall config prices" on ${today} from ${list}.`,
    '# Compare them with what your providers charge.',
    ...(isMore
      ? ['# They belong below "models:", which the file has already.']
      : [priced.length > 0 ? 'models:' : 'models: []']),
    ...priced.flatMap(entryOf),
    ...comment(
      'The list does not say how long an answer of these can be. Add max_output_tokens: under a spend limit, requests that name no maximum are refused without it.',
      unbounded.map(({ name }) => name),
    ),
    ...comment(
      'The list does not say how long audio for these can be. Add max_audio_seconds: under a spend limit, requests are refused without it.',
      priced.filter(({ listed }) => listed.prices.some(({ minute = 0 }) => minute > 0)).map(({ name }) => name),
    ),
    ...comment('The list has no price for these; they cost nothing until you add one.', missing),
    ...comment('The file has a price for these already.', known),
    '',
  ].join('\n')
}

const hasOutput = ({ prices }: ListedModel) => prices.some(({ output = 0 }) => output > 0)

function entryOf({ name, listed }: { name: string; listed: ListedModel }): string[] {
  const { source, prices, context_tokens, max_output_tokens, left_out } = listed
  const [only, ...more] = prices
  return [
    `  # ${printable(source)}`,
    ...left_out.map((what) => `  # without ${printable(what)}`),
    `  - match: ${JSON.stringify(name)}`,
    ...(more.length === 0
      ? [`    prices: [${flow(only!)}]`]
      : ['    prices:', ...prices.map((price) => `      - ${flow(price)}`)]),
    ...(context_tokens === undefined ? [] : [`    context_tokens: ${context_tokens}`]),
    ...(max_output_tokens === undefined ? [] : [`    max_output_tokens: ${max_output_tokens}`]),
  ]
}

const flow = (price: FilePrice | object): string =>
  `{ ${Object.entries(price)
    .map(([name, value]) => `${name}: ${scalar(value)}`)
    .join(', ')} }`

const scalar = (value: unknown): string =>
  Array.isArray(value) ? `[${value.map((one: object) => flow(one)).join(', ')}]` : JSON.stringify(value)

/** A sentence and names below it, as comments that do not get too wide; nothing without names. */
function comment(sentence: string, names: readonly string[]): string[] {
  if (names.length === 0) return []
  return [
    ...wrapped(sentence.split(' '), '#', ''),
    ...wrapped(
      names.map((name) => printable(name)),
      '#  ',
      ',',
    ),
  ]
}

function wrapped(words: readonly string[], start: string, between: string): string[] {
  const lines = [start]
  for (const [n, word] of words.entries()) {
    const end = n < words.length - 1 ? between : ''
    if (lines.at(-1) !== start && lines.at(-1)!.length + word.length + 2 > WIDEST) lines.push(start)
    lines[lines.length - 1] += ` ${word}${end}`
  }
  return lines
}
