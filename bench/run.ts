/** `npm run bench NAME`: runs bench/NAME.ts; without a name, says what there is. */
export const benchmarks: Record<string, string> = {
  gateway: 'a forwarded model request, whole and streamed, without and with limits, beside a server that only forwards',
  verify: 'asking whose a key is, with a hundred thousand keys in use, beside a bare server with a map',
  soak: 'two minutes of model requests, streams and clients that leave: what is left behind',
  list: 'a page of project API keys, among a thousand and a million, beside a hand-written floor',
  overshoot: 'a spend limit of one dollar, 200 clients, servers killed with kill -9: what is spent',
  rates: 'rate limits of 10 to 10,000 a minute under up to ten times the load: any 60 seconds, beside other limiters',
  servers: '1, 2, 5 and 10 servers on one PostgreSQL under one budget: requests and exchanges a second, CPU',
  failover:
    'PostgreSQL fails over to a synchronous standby under load: what is lost, and for how long changes are refused',
  promises: 'each promise of docs/reliability.md, and again with the mend behind it taken out',
  inventory: 'a page of the keys of all projects by each filter, among a thousand and a million',
  console:
    'the page of all keys in a browser, on slower processors, with a thousand and a million: until it can be used',
  reports: 'usage and cost reports over ten million rows on both engines; with --small over a million',
}

const [chosen = ''] = process.argv.slice(2)
if (!Object.hasOwn(benchmarks, chosen)) {
  console.log('npm run bench NAME, where NAME is one of:')
  for (const [one, about] of Object.entries(benchmarks)) console.log(`  ${one.padEnd(8)} ${about}`)
  process.exit(chosen === '' ? 0 : 2)
}
const { run } = (await import(`./${chosen}.ts`)) as { run: () => Promise<void> }
await run()
// A PostgreSQL that was started for it would keep this process running.
process.exit()
