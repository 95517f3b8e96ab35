/** Members of a body that are given, and the numbers among them. */
import type { ModelBody } from '../model-body.ts'

/** What is neither may be true for an upstream that is not strict, such as `"yes"` or 1. */
export const isOff = (json = 'null') => json === 'false' || json === 'null'

export const isGiven = (json: string | undefined) => json !== undefined && json !== 'null'

const decimal = /^\+?\d+(?:\.\d*)?(?:e[+-]?\d+)?$/i

/**
 * A number that the body names, rounded up, also as text, which some servers take, with `_` between
 * the digits as Python has it; null where there is none, or one that is negative or infinite.
 */
export function numberOf(body: ModelBody, name: string): number | null {
  const written = body.member(name)
  if (!written) return null
  const digits = (written.startsWith('"') ? textIn(written) : written)?.trim().replaceAll('_', '')
  if (digits === undefined || !decimal.test(digits)) return null
  const value = Number(digits)
  return Number.isFinite(value) ? Math.ceil(value) : null
}

function textIn(json: string): string | undefined {
  try {
    return String(JSON.parse(json))
  } catch {
    return undefined
  }
}
