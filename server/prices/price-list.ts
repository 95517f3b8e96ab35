/** What a public price list says about a model, in the form of `models:` in `keyhall.yaml`. */
import type { ModelInFile } from '../../gateway/model-config.ts'

export type FilePrice = NonNullable<ModelInFile['prices']>[number]
export type FileRates = Pick<FilePrice, 'input' | 'cached_input' | 'cache_write' | 'output'>

export interface ListedModel {
  /** The name of the model in the list, and its provider. */
  source: string
  prices: FilePrice[]
  context_tokens?: number
  max_output_tokens?: number
  /** Prices of the list that the file has no member for. */
  left_out: string[]
}

export interface PriceList {
  /** The name of the list in the first line of the output. */
  name: string
  /**
   * A model by the name that the upstream at this address gives it; null where the list lacks it.
   */
  find: (model: string, base_url: string) => ListedModel | null
}

const LARGEST_TOKENS = 100_000_000

/** A number of tokens as the file takes it. */
export const tokens = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= LARGEST_TOKENS ? value : undefined

/** A number from the list times another, without the digits that binary fractions add. */
export const times = (value: number, factor: number): number => Number((value * factor).toPrecision(12))

/** The members that have a value, in the order in which they are written. */
export function given<Members extends object>(members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Members
}
