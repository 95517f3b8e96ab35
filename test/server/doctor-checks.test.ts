/** What the checks of `keyhall doctor` have in common, and what no test can make happen. */
import { describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { judge } from '../../server/doctor/disk-space.ts'
import { doctor } from '../../server/doctor/doctor.ts'
import { check, ok } from '../../server/doctor/finding.ts'
import { withoutSecrets } from '../../server/doctor/without-secrets.ts'
import type { Terminal } from '../../world/terminal.ts'
import { Secret } from '../../world/secret.ts'
import { folder } from '../cli/command.ts'
import { inProcess } from '../cli/terminal.ts'

const MIB = 2 ** 20

async function runChecks(look: () => Promise<never>) {
  let out = ''
  const terminal = { environment: {}, now: Date.now, out: (text: string) => void (out += text), program: 'keyhall' }
  const checks = [
    check({ name: 'one', settings: [], late: 'Wait.', look }),
    check({ name: 'two', settings: [], late: 'Wait.', look: () => [ok('There.')] }),
  ]
  const code = await doctor({}, { isJson: false, checks, milliseconds: 20 }, terminal as unknown as Terminal)
  return { code, lines: out.trimEnd().split('\n').slice(1) }
}

describe('a check', () => {
  test('that does not end in time is a problem with what to do, and the others are printed', async () => {
    const { code, lines } = await runChecks(() => new Promise(() => {}))
    expect(code).toBe(1)
    expect(lines).toEqual(['problem  one: No answer within 0.02 seconds. Wait.', 'ok       two: There.'])
  })

  test('that throws is a problem on one line', async () => {
    const { code, lines } = await runChecks(() => Promise.reject(new Error('a\nb')))
    expect(code).toBe(1)
    expect(lines).toEqual(['problem  one: This could not be looked at: a b.', 'ok       two: There.'])
  })
})

test('free space is judged by how much is left, and by files that fit', () => {
  const judged = (bytes: number, files: number | null = 9) =>
    judge({ folder: '/data', bytes, files }).map(({ status, message }) => `${status}: ${message}`)
  expect(judged(2048 * MIB)).toEqual([])
  expect(judged(512 * MIB, null)).toEqual([
    'warning: 512 MiB are free in /data; make room there, or put the data on a larger disk.',
  ])
  expect(judged(10 * MIB)).toEqual([
    'problem: 10 MiB are free in /data; make room there, or put the data on a larger disk.',
  ])
  expect(judged(2048 * MIB, 0)).toEqual(['problem: No more files fit in /data (no free inodes); remove some there.'])
})

test('secrets of the settings are removed from what other servers say', () => {
  const clean = withoutSecrets({
    config: {
      upstream_api_key: new Secret('sk-of-the-upstream'),
      smtp_url: new Secret('smtp://keys:p%40ssword@mail.example.com'),
      database: 'postgres://keyhall:of-the-database@db.example.com/keyhall?sslpassword=of-its-key',
    },
    upstreams: null,
  })
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const said = `sk-of-the-upstream, p@ssword, p%40ssword, ${base64('p@ssword')}, ${base64('\0keys\0p@ssword')}`
  expect(clean(said)).toBe('***, ***, ***, ***, ***')
  expect(clean('of-the-database, of-its-key')).toBe('***, ***')
})

test('a password of the database in a file that others can read is a problem', async () => {
  const place = folder()
  const file = `${place.path}/keyhall.yaml`
  writeFileSync(file, 'server: { database: "postgres://keyhall:geheim@127.0.0.1:1/keyhall" }', { mode: 0o644 })
  const { code, out } = await inProcess(['doctor', '--json', '--config', file])
  const found = (JSON.parse(out) as { check: string; message: string }[])
    .filter(({ check }) => check === 'files')
    .map(({ message }) => message)
  expect(code).toBe(1)
  expect(found[0]).toContain('has a secret (server.database); write ${NAME} there')
  expect(out).not.toContain('geheim')
  place.remove()
})

test('a file that cannot be read leaves out what may stand in it', async () => {
  const { code, out } = await inProcess(['doctor', '--json', '--config', '/nowhere/keyhall.yaml'])
  const lines = JSON.parse(out) as { check: string; status: string; message: string }[]
  expect(code).toBe(1)
  expect(lines.filter(({ check }) => check === 'settings')).toHaveLength(1)
  expect(lines[0]!.message).toStartWith('The file /nowhere/keyhall.yaml cannot be read')
  expect(lines.find(({ check }) => check === 'database')!.message).toStartWith('Not looked at, because')
})
