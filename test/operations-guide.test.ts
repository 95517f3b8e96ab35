/** The guide to operations names what there is: metrics, members of the log, settings, tests. */
import { expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Log } from '../server/log.ts'
import { realWorld } from '../world/world.ts'

const root = join(import.meta.dir, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const guide = read('docs/guides/operations.md')

const namesIn = (text: string, pattern: RegExp) => [...new Set([...text.matchAll(pattern)].map(([, name]) => name!))]

test('it explains every metric of the reference, and names no other', () => {
  const known = namesIn(read('docs/reference/metrics.md'), /^\| `(\w+)`/gm)
  expect(known.length).toBeGreaterThan(30)
  expect(namesIn(guide, /^\| `((?:keyhall|process|nodejs)_\w+)`/gm).toSorted()).toEqual(known.toSorted())
  for (const name of namesIn(guide, /\b((?:keyhall|process|nodejs)_\w+)/g))
    expect(known).toContain(name.replace(/_(bucket|sum|count)$/, ''))
})

test('it explains every member of a line for a request, and no other', () => {
  let written = ''
  const log = new Log({ level: 'info', write: (text) => (written += text), world: realWorld })
  const forwarded = { upstream_request_id: 'a', failed_attempts: ['b'], upstream_milliseconds: 1, ended: null }
  log.request({
    request_id: 'req_1',
    component: 'gateway',
    method: 'POST',
    path: '/v1/chat/completions',
    operation: 'chat',
    status: 502,
    milliseconds: 1,
    organization_id: null,
    project_id: null,
    key_id: null,
    ip_address: null,
    cause: 'c',
    storage_error: null,
    forwarded: { model: null, upstream: null, ...forwarded },
  })
  log.flush()
  const [, part] = /### What the members are\n(.*?)\n###/s.exec(guide)!
  const members = Object.keys(JSON.parse(written) as object)
  expect(namesIn(part!, /^\| `(\w+)`/gm).toSorted()).toEqual(members.toSorted())
})

test('the settings that it names exist', () => {
  const known = namesIn(read('docs/reference/settings.md'), /`(KEYHALL_\w+)`/g)
  const named = namesIn(guide, /\b(KEYHALL_\w+)/g)
  expect(named.length).toBeGreaterThan(10)
  for (const name of named) expect(known).toContain(name)
})

test('the tests that it names exist, under these titles', () => {
  const named = [...guide.matchAll(/`(test\/[\w/-]+\.test\.ts)`(?:\s+\(([^)]*)\))?/g)]
  expect(named.length).toBeGreaterThan(15)
  for (const [, path, titles = ''] of named) {
    expect({ path, exists: existsSync(join(root, path!)) }).toEqual({ path, exists: true })
    for (const title of namesIn(titles.replaceAll(/\s+/g, ' '), /"([^"]+)"/g)) expect(read(path!)).toContain(title)
  }
})
