/**
 * What use costs: prices of a model as whole pico-dollars for one token, image, second or
 * character, and costs as whole nano-dollars. No amount passes through a fraction.
 */
import { LARGEST_AMOUNT } from '../../ledger/budget.ts'
import type { Counts } from '../../ledger/usage-counts.ts'

const PICO_PER_NANO = 1000

/** Of one unit, in pico-dollars. */
export interface Rates {
  input: number
  cached: number
  cache_write: number
  output: number
  /** By size, such as `1024x1024`, and by `size quality`; `*` for any other. */
  images: ReadonlyMap<string, number>
  /** Of a minute of audio. */
  minute: number
  character: number
}

export interface Price extends Rates {
  /** Unix seconds from which on it holds. */
  valid_from: number
  /** Of prompts with more tokens than this other rates hold; the largest first. */
  above: readonly { tokens: number; input: number; cached: number; cache_write: number; output: number }[]
  /** What the rates of a service tier or of a batch are multiplied with, in thousandths. */
  batch: number
  tiers: ReadonlyMap<string, number>
}

/**
 * Dollars for a million, written as decimal text, to pico-dollars for one. Throws RangeError for
 * what has more digits than a price.
 */
export const perMillion = (dollars: string): number => scaled(dollars, 6)
/** Dollars for one, written as decimal text, to pico-dollars. */
export const perOne = (dollars: string): number => scaled(dollars, 12)

/** A decimal number times a power of ten, rounded up. */
function scaled(text: string, digits: number): number {
  const [, whole, fraction = ''] = /^(\d{1,9})(?:\.(\d{1,15}))?$/.exec(text) ?? []
  if (whole === undefined) throw new RangeError(`"${text}" is no price`)
  const kept = fraction.slice(0, digits).padEnd(digits, '0')
  const isRest = /[1-9]/.test(fraction.slice(digits))
  const value = BigInt(whole + kept) + (isRest ? 1n : 0n)
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`"${text}" is too large for a price`)
  return Number(value)
}

/**
 * Nano-dollars for so many units at a rate, rounded up; exact up to the largest amount, and never
 * more.
 */
export function costOfUnits(units: number, rate: number, thousandths = 1000): number {
  if (units <= 0 || rate <= 0) return 0
  const whole = units * rate
  if (thousandths === 1000 && Number.isSafeInteger(whole)) return Math.ceil(whole / PICO_PER_NANO)
  const product = units * rate * thousandths
  if (Number.isSafeInteger(product)) return Math.ceil(product / (PICO_PER_NANO * 1000))
  const exact = BigInt(Math.ceil(units)) * BigInt(rate) * BigInt(thousandths)
  const divisor = BigInt(PICO_PER_NANO * 1000)
  return Math.min(Number((exact + divisor - 1n) / divisor), LARGEST_AMOUNT)
}

/** The price that holds at a moment (Unix seconds): the newest that has begun. */
export const priceAt = (prices: readonly Price[], now: number): Price | null =>
  prices.filter(({ valid_from }) => valid_from <= now).toSorted((one, other) => other.valid_from - one.valid_from)[0] ??
  null

/** When the price that holds at a moment ends; Infinity if no other follows. */
export const priceEnd = (prices: readonly Price[], now: number): number =>
  Math.min(...prices.map(({ valid_from }) => valid_from).filter((begin) => begin > now))

export interface PricedUse {
  counts: Counts
  service_tier: string
  batch: boolean
  /** What the units are. */
  unit: 'image' | 'second' | 'character' | null
  /** Of images, by which the price is found. */
  size?: string
  quality?: string
}

/**
 * The counts with their costs, each line item rounded up once. Cached tokens are never more than
 * the prompt has.
 */
export function withCosts({ counts, service_tier, batch, unit, size, quality }: PricedUse, price: Price): Counts {
  const { input = 0, output = 0, units = 0 } = counts
  const cached = Math.min(counts.cached ?? 0, input)
  const cache_write = Math.min(counts.cache_write ?? 0, input - cached)
  const rates = price.above.find(({ tokens }) => input > tokens) ?? price
  const thousandths = batch ? price.batch : (price.tiers.get(service_tier) ?? 1000)
  return {
    ...counts,
    cost_input: costOfUnits(input - cached - cache_write, rates.input, thousandths),
    cost_cached: costOfUnits(cached, rates.cached, thousandths),
    cost_cache_write: costOfUnits(cache_write, rates.cache_write, thousandths),
    cost_output: costOfUnits(output, rates.output, thousandths),
    cost_units: unitsCost(units, unit, price, thousandths, size, quality),
  }
}

function unitsCost(
  units: number,
  unit: PricedUse['unit'],
  price: Price,
  thousandths: number,
  size = '',
  quality = '',
): number {
  if (unit === 'image') return costOfUnits(units, imageRate(price, size, quality), thousandths)
  if (unit === 'character') return costOfUnits(units, price.character, thousandths)
  // A rate of a minute, for seconds: sixty times as many units would be needed for the same cost.
  if (unit === 'second') return Math.ceil(costOfUnits(units, price.minute, thousandths) / 60)
  return 0
}

const imageRate = ({ images }: Price, size: string, quality: string) =>
  images.get(`${size} ${quality}`) ?? images.get(size) ?? images.get('*') ?? dearestImage(images)

/** Where the size is not among those with a price, the dearest. */
export const dearestImage = (images: ReadonlyMap<string, number>) => Math.max(0, ...images.values())

interface Dearest {
  factor: number
  input: number
  output: number
  image: number
  minute: number
  character: number
}

/** The last result for each price, because requests seldom differ in their factor. */
const lastDearest = new WeakMap<Price, Dearest>()

/**
 * The most that a unit of each kind can cost, whatever the answer turns out to be; spend limits use
 * it.
 */
export function dearest(price: Price, factor: number): Dearest {
  const last = lastDearest.get(price)
  if (last?.factor === factor) return last
  const all = [price, ...price.above]
  const times = (rate: number) => Math.ceil((rate * factor) / 1000)
  const rates = {
    factor,
    input: times(Math.max(...all.map(({ input, cached, cache_write }) => Math.max(input, cached, cache_write)))),
    output: times(Math.max(...all.map(({ output }) => output))),
    image: times(dearestImage(price.images)),
    minute: times(price.minute),
    character: times(price.character),
  }
  lastDearest.set(price, rates)
  return rates
}

/**
 * What the prices of a request can be multiplied with at most, in thousandths, by the service tier
 * that it asks for.
 */
export function dearestFactor({ tiers }: Price, tier: string): number {
  if (tiers.size === 0 || tier === 'default' || tier === 'standard') return 1000
  const own = tiers.get(tier)
  // Without a tier, the upstream's account chooses one.
  return Math.max(1000, ...(own === undefined ? tiers.values() : [own]))
}
