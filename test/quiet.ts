/**
 * Loaded before every test file by `npm test`: drops the line that Bun prints each time a LISTEN
 * connection cannot be opened again, because the tests of outages cause many of them on purpose,
 * and what oidc-provider says to those who would use it outside of tests.
 */
const isExpected = (text: unknown) => /^(bun:sql LISTEN|oidc-provider (NOTICE|WARNING))/.test(String(text))

for (const name of ['warn', 'info'] as const) {
  const say = console[name].bind(console)
  console[name] = (...args: unknown[]) => {
    if (!isExpected(args[0])) say(...args)
  }
}
