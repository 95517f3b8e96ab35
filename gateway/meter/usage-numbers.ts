/** Reads numbers from what upstreams report, whatever stands there. */

export type Members = Record<string, unknown>

/** Larger than the usage of any request or batch. */
const MOST = 1e11

/** The members of an object; none of anything else. */
export const of = (value: unknown): Members => (typeof value === 'object' && value !== null ? (value as Members) : {})

/** Reads the numbers of a `usage` object, and notes the names of those that cannot be. */
export class Numbers {
  #impossible: string[] | null = null

  /** Null if it is missing. What is negative, too large, a fraction or no number is 0. */
  read(members: Members, name: string, most = MOST): number | null {
    const value = members[name]
    if (value === undefined || value === null) return null
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) return value
    if (!this.impossible.includes(name)) (this.#impossible ??= []).push(name)
    return 0
  }

  /** Seconds may be fractions and are rounded up. vLLM writes them as text. */
  seconds(members: Members, name: string): number | null {
    const written = members[name]
    const value = typeof written === 'string' && /^\d+(\.\d+)?$/.test(written) ? Number(written) : written
    return typeof value === 'number' && value >= 0 && value <= MOST ? Math.ceil(value) : this.read(members, name)
  }

  get impossible(): readonly string[] {
    return this.#impossible ?? nothing
  }
}

const nothing: readonly string[] = []
