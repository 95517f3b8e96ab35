/** `npm run bench NAME`: runs bench/NAME.ts; without a name, says what there is. */
export const benchmarks: Record<string, string> = {
  gateway: 'a forwarded model request, whole and streamed, beside a server that only forwards',
  verify: 'asking whose a key is, with a hundred thousand keys in use, beside a bare server with a map',
  soak: 'two minutes of model requests, streams and clients that leave: what is left behind',
  list: 'a page of project API keys, among a thousand and a million, beside a hand-written floor',
  inventory: 'a page of the keys of all projects by each filter, among a thousand and a million',
}

const [chosen = ''] = process.argv.slice(2)
if (!Object.hasOwn(benchmarks, chosen)) {
  console.log('npm run bench NAME, where NAME is one of:')
  for (const [one, about] of Object.entries(benchmarks)) console.log(`  ${one.padEnd(8)} ${about}`)
  process.exit(chosen === '' ? 0 : 2)
}
const { run } = (await import(`./${chosen}.ts`)) as { run: () => Promise<void> }
await run()
