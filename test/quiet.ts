/**
 * Loaded before every test file by `npm test`: drops the line that Bun prints each time a LISTEN
 * connection cannot be opened again, because the tests of outages cause many of them on purpose.
 */
const warn = console.warn.bind(console)
console.warn = (...args: unknown[]) => {
  if (!String(args[0]).startsWith('bun:sql LISTEN')) warn(...args)
}
