/**
 * Servers of two versions side by side on one PostgreSQL, under load, while those of the older
 * version are replaced one after the other: nothing is lost and nothing is refused.
 */
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { folder, run, serve, type Serving } from '../cli/command.ts'
import { program, programFile } from '../program.ts'
import { figure } from '../runs.ts'
import { emptyDatabase } from '../setup.ts'
import { pepperHex } from './derived.ts'
import { configOf, fixtures, secretOf } from './fixture.ts'
import { startModelServer } from './model-server.ts'
import { hasCommit, treeOf } from './old-tree.ts'
import { LIMIT, RollingLoad } from './rolling-load.ts'

// Each test starts several processes.
setDefaultTimeout(120_000)

const root = join(import.meta.dir, '../..')
const previous = fixtures.at(-1)!
const hasPrevious = hasCommit(previous.commit)
if (!hasPrevious)
  console.log(`NOT TESTED: servers of ${previous.version} beside today's, because git has no ${previous.commit} here`)

const nextVersion = [process.execPath, '--preload', join(import.meta.dir, 'next-version.ts'), programFile]

describe('a rolling upgrade on PostgreSQL under load loses nothing and refuses nothing', () => {
  test.skipIf(!hasPrevious)(`from ${previous.version} to this version`, async () => {
    const home = folder()
    const { tree } = treeOf(previous.commit, join(home.path, 'tree'))
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'))
    await roll([process.execPath, join(tree, 'main.ts')], program)
    home.remove()
  })

  test('from this version to one with a migration more, and back', async () => {
    await roll(program, nextVersion, { andBack: true })
  })
})

/** Two servers of the older version are replaced by two of the newer one. */
async function roll(older: string[], newer: string[], { andBack = false } = {}) {
  const home = folder()
  const models = startModelServer()
  const { address, drop } = await emptyDatabase('postgres')
  writeFileSync(join(home.path, 'keyhall.yaml'), configOf(models.url))
  const started: Serving[] = []
  const key = secretOf({ kind: 'admin', n: 0 })
  const env = { KEYHALL_PEPPER: pepperHex, KEYHALL_NEW_ORGANIZATION: 'true', KEYHALL_ADMIN_KEY: key }
  const start = async (of: string[]) => {
    const server = await serve(address, ['--config', 'keyhall.yaml'], { program: of, cwd: home.path, env })
    started.push(server)
    return server
  }
  try {
    const [one, two] = [await start(older), await start(older)]
    const load = new RollingLoad(key, [one, two])
    await load.begin()
    /**
     * As orchestrators do: the new one takes requests first, then the old one gets no new ones, and
     * is told to stop.
     */
    const replace = async (leaving: Serving, by: string[]) => {
      load.servers = [...load.servers, await start(by)]
      await load.acknowledges(5)
      await load.leave(leaving)
      leaving.signal('SIGTERM')
      await load.acknowledges(5)
      expect((await leaving.ended).code).toBe(0)
      return started.at(-1)!
    }
    await load.acknowledges(5)
    const newOne = await replace(one, newer)
    await replace(two, newer)
    if (andBack) await replace(newOne, older)
    await load.stop()
    expect(load.wrong).toEqual([])
    await requireNothingLost(load, started.at(-1)!, key)
    // Some seconds have passed, so that all of it was within one minute.
    expect(load.counts.completed).toBe(LIMIT)
    expect(models.completions()).toBe(LIMIT)
    expect(load.counts.limited).toBeGreaterThan(LIMIT)
    for (const { signal } of started) signal('SIGTERM')
    await Promise.all(started.map(({ ended }) => ended))
    const verified = await run(['audit', 'verify', '--database', address], { program: newer, cwd: home.path, env })
    expect(verified).toMatchObject({ code: 0, err: '' })
    figure(`rolling upgrade: ${load.projects.length} projects, ${JSON.stringify(load.counts)}`)
  } finally {
    for (const { signal } of started) signal('SIGKILL')
    await Promise.all(started.map(({ ended }) => ended))
    await models.stop()
    await drop()
    home.remove()
  }
}

async function requireNothingLost({ projects, deleted }: RollingLoad, { url }: Serving, key: string) {
  const headers = { authorization: `Bearer ${key}` }
  const names = new Set<string>()
  let after = ''
  for (let has_more = true; has_more;) {
    const answer = await fetch(`${url}/v1/organization/projects?limit=100${after}`, { headers })
    const page = (await answer.json()) as { data: { name: string }[]; last_id: string; has_more: boolean }
    for (const { name } of page.data) names.add(name)
    after = `&after=${page.last_id}`
    has_more = page.has_more
  }
  expect(projects.filter((name) => !names.has(name))).toEqual([])
  expect(projects.length).toBeGreaterThan(20)
  const statuses = await Promise.all(
    deleted.map(
      async (value) => (await fetch(`${url}/verify`, { headers: { authorization: `Bearer ${value}` } })).status,
    ),
  )
  expect(statuses.filter((status) => status !== 401)).toEqual([])
  expect(deleted.length).toBeGreaterThan(5)
}
