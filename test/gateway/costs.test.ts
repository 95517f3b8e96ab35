/** Costs are exact: whole nano-dollars, rounded up once, whatever the amounts and prices. */
import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { costOfUnits } from '../../gateway/meter/price.ts'
import { LARGEST_AMOUNT } from '../../ledger/budget.ts'
import { runs } from '../runs.ts'

test('the cost of units is that of exact arithmetic, and never more than the largest amount', () => {
  const units = fc.oneof(fc.nat(2_000_000), fc.nat(9), fc.integer({ min: 0, max: 1e11 }))
  // Of a token, an image or a minute, in pico-dollars.
  const rates = fc.oneof(fc.nat(200_000_000), fc.nat(1001), fc.integer({ min: 0, max: 1e13 }))
  fc.assert(
    fc.property(units, rates, fc.constantFrom(1000, 1000, 500, 1700), (count, rate, thousandths) => {
      const product = BigInt(count) * BigInt(rate) * BigInt(thousandths)
      const exact = (product + 999_999n) / 1_000_000n
      const most = BigInt(LARGEST_AMOUNT)
      expect(costOfUnits(count, rate, thousandths)).toBe(Number(exact < most ? exact : most))
    }),
    runs(2000),
  )
  // The largest numbers that the short way takes, just above a whole nano-dollar.
  expect(costOfUnits(9_007_199_254_740_001, 1)).toBe(9_007_199_254_741)
})
