/**
 * Preloaded into a server (`bun --preload`): its wall clock is off by SHIFT_SECONDS. Its steady
 * clock is right.
 */
const shift = Number(process.env.SHIFT_SECONDS) * 1000
const now = Date.now

Date.now = () => now() + shift
globalThis.Date = new Proxy(Date, {
  construct: (target, given, self) => Reflect.construct(target, given.length > 0 ? given : [target.now()], self),
})
