/**
 * How long the deletion of a key takes with two processes on one SQLite file, until both refuse the
 * key. Beside it the floor on the same machine at the same time: an answer without any change, and
 * two writes that wait for the disk one after the other, as the change and its line in the
 * revocations file do.
 */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { loadavg } from 'node:os'
import { dirname, join } from 'node:path'
import { addKeys, startNodes, type Node } from '../../test/gateway/nodes.ts'

const REVOCATIONS = 300
const MOST_MILLISECONDS = 50
const PAGE = Buffer.alloc(4096)

const nodes = await startNodes('sqlite')
const [one, other] = [await nodes.start(), await nodes.start()]
const keys = await addKeys(nodes.database, nodes.tenant, REVOCATIONS)
const floorFile = openSync(join(dirname(nodes.address.slice('sqlite:'.length)), 'floor'), 'w')
const revocations: number[] = []
const floor: number[] = []
let alive = 0
for (const { id, value } of keys) {
  if ((await one.status(value)) !== 200 || (await other.status(value)) !== 200)
    throw new Error('a living key is refused')
  revocations.push(await timed(() => nodes.remove(one, id)))
  const after = await Promise.all([one.status(value), other.status(value)])
  if (after.includes(200)) alive++
  floor.push(await timed(() => askAndSyncTwice(one)))
}
closeSync(floorFile)
await nodes.stop()

const figure = `${REVOCATIONS} revocations, ${alive} alive after the answer; ${distribution(revocations)}; the floor of an answer and two synced writes: ${distribution(floor)} (load of the machine ${loadavg()[0]!.toFixed(1)})`
console.log(JSON.stringify({ holds: alive === 0 && at(revocations, 0.99) <= MOST_MILLISECONDS, figure }))

async function askAndSyncTwice(node: Node) {
  await node.status('')
  for (let n = 0; n < 2; n++) {
    writeSync(floorFile, PAGE)
    fsyncSync(floorFile)
  }
}

async function timed(work: () => Promise<unknown>) {
  const began = performance.now()
  await work()
  return performance.now() - began
}

function at(took: readonly number[], share: number) {
  return took.toSorted((a, b) => a - b)[Math.min(took.length - 1, Math.floor(took.length * share))]!
}

function distribution(took: readonly number[]) {
  return `p50 ${at(took, 0.5).toFixed(0)} ms, p99 ${at(took, 0.99).toFixed(0)} ms, longest ${at(took, 1).toFixed(0)} ms`
}
