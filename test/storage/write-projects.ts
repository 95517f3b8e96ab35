/**
 * A process of its own that writes to a database that others write to as well: `write-projects.ts
 * ADDRESS NAME COUNT`.
 */
import { assemble } from '../../server/assemble.ts'
import { openDatabase } from '../../database/open.ts'
import { realWorld as world } from '../../world/world.ts'
import { testPepper } from '../setup.ts'

const [address, name, count] = process.argv.slice(2) as [string, string, string]
const database = await openDatabase(address)
const server = await assemble({
  database,
  peppers: [testPepper],
  world,
  cachedKeys: 100,
  leaseMilliseconds: 3000,
  upstreams: null,
  log: () => {},
  addressOf: () => null,
  onError: console.error,
})
const acknowledged: string[] = []
const create = async (n: number) => {
  const project = `${name} ${n}`
  const request = new Request('http://keyhall.test/v1/organization/projects', {
    method: 'POST',
    headers: { authorization: `Bearer ${process.env.KEYHALL_TEST_KEY}` },
    body: JSON.stringify({ name: project }),
  })
  const response = await server.fetch(request)
  if (response.status === 200) acknowledged.push(project)
  else console.error(await response.text())
}
for (let n = 0; n < Number(count); n += 10)
  await Promise.all(Array.from({ length: Math.min(10, Number(count) - n) }, (_, more) => create(n + more)))
console.log(JSON.stringify(acknowledged))
await server.stop()
await database.close()
