/** Money: cents as the API has them, and whole nano-dollars as the ledger counts. */

export const NANO_PER_CENT = 10_000_000
export const NANO_PER_DOLLAR = 1_000_000_000

export const nanoOfCents = (cents: number) => cents * NANO_PER_CENT
export const dollarsOf = (nano: number) => nano / NANO_PER_DOLLAR
