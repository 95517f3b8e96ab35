/**
 * How many examples random tests try. A plain `npm test` tries few; `npm test -- --long` tries ten
 * times as many, and `TEST_RUNS=50` fifty times as many.
 */
const FACTOR = Number(process.env.TEST_RUNS ?? 1)

/** Settings of fast-check for a property that is tried this often by default. */
export const runs = (few: number) => ({ numRuns: few * FACTOR })

/** Rounds of a race, or random histories, for a test that tries this many by default. */
export const rounds = (few: number) => few * FACTOR

/** Prints what was measured on the way, in a long run only. */
export const figure = (text: string) => {
  if (FACTOR > 1) console.log(`  ${text}`)
}
