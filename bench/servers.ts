/**
 * How many servers one PostgreSQL carries under one shared budget: 1, 2, 5 and 10 processes with a
 * ledger, far from the limit and near it, where every request waits for an exchange. Servers and
 * PostgreSQL share the machine.  `-- --small` takes two seconds of each, and two servers at most.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cpus, loadavg } from 'node:os'
import { openDatabase } from '../database/open.ts'
import { startPostgres } from '../test/postgres.ts'
import type { LedgerServerOptions, Measured } from './ledger-server.ts'

const CLIENTS = 32

export async function run() {
  const isSmall = process.argv.includes('--small')
  const milliseconds = isSmall ? 2_000 : 10_000
  console.log(`${cpus().length} cores, load ${loadavg()[0]!.toFixed(1)} before`)
  console.log(
    '| limit | servers | admitted/s | exchanges/s | waits p50, p99 | CPU of PostgreSQL | CPU of the servers |\n' +
      '| ----- | ------- | ---------- | ----------- | -------------- | ----------------- | ------------------ |',
  )
  for (const mode of ['far', 'near'] as const)
    for (const servers of isSmall ? [1, 2] : [1, 2, 5, 10]) {
      const postgres = await startPostgres({ settings: ['fsync=on'] })
      try {
        await (await openDatabase(postgres.url)).close()
        const port = new URL(postgres.url).port
        const options: LedgerServerOptions = { address: postgres.url, mode, servers, clients: CLIENTS, milliseconds }
        const began = { at: performance.now(), cpu: postgresCpu(port) }
        const all = await Promise.all(Array.from({ length: servers }, () => ledgerServer(options)))
        const seconds = (performance.now() - began.at) / 1000
        const sum = (what: (one: Measured) => number) => all.reduce((total, one) => total + what(one), 0)
        const waits = all.flatMap((one) => one.waits).toSorted((one, other) => one - other)
        const at = (part: number) => `${waits[Math.floor(waits.length * part)]?.toFixed(1)} ms`
        const percent = (cpu: number) => `${Math.round(cpu * 100)} %`
        console.log(
          `| ${mode} | ${servers} | ${Math.round(sum(({ admitted, seconds }) => admitted / seconds))} ` +
            `| ${sum(({ exchanges, seconds }) => exchanges / seconds).toFixed(1)} | ${at(0.5)}, ${at(0.99)} ` +
            `| ${percent((postgresCpu(port) - began.cpu) / seconds)} | ${percent(sum(({ cpu }) => cpu))} |`,
        )
      } finally {
        await postgres.stop()
      }
    }
  console.log(`load ${loadavg()[0]!.toFixed(1)} after`)
}

async function ledgerServer(options: LedgerServerOptions): Promise<Measured> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'ledger-server.ts'), JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(await new Response(child.stdout).text()) as Measured
}

/** Seconds of CPU of the PostgreSQL on a port, with its processes that have ended; Linux only. */
function postgresCpu(port: string): number {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
        const [state, parent, ...fields] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
        return [{ pid, command, parent, state, times: fields.slice(9, 13).map(Number) }]
      } catch {
        return []
      }
    })
  const first = processes.find(
    ({ command }) => command[0]?.endsWith('postgres') && command.some((part) => part.includes(port)),
  )
  if (!first) return NaN
  const own = processes.filter(({ pid, parent }) => pid === first.pid || parent === first.pid)
  // Of the first process also what its ended children used.
  const ticks = own.flatMap(({ pid, times }) => (pid === first.pid ? times : times.slice(0, 2)))
  return ticks.reduce((sum, time) => sum + time, 0) / 100
}
