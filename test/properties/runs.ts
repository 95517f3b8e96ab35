/** How many examples a property is tried with: few in the suite, more when TEST_RUNS says how many times as many. */
export const runs = (few: number) => ({ numRuns: few * Number(process.env.TEST_RUNS ?? 1) })
