/** `keyhall backup` and `keyhall restore`, and a pepper whose database is gone. */
import { Database as Sqlite } from 'bun:sqlite'
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { emptyDatabase, engines } from '../setup.ts'
import { folder, run, sentence, serve, type Serving } from './command.ts'

// Each test starts several processes.
setDefaultTimeout(120_000)

/** Calls the Administration API of a server. */
const caller =
  ({ url }: Serving, key: string) =>
  async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${key}` }
    const answer = await fetch(`${url}/v1/organization${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, any> }
  }

async function stop(server: Serving) {
  server.signal('SIGTERM')
  await server.ended
}

/** Where a test has its SQLite file and its backup. */
function place() {
  const home = folder()
  const path = join(home.path, 'keyhall.db')
  const database = `sqlite:${path}`
  const file = join(home.path, 'backup.db')
  const command = (...args: string[]) => run([...args, '--database', database])
  return { home, path, database, file, command }
}

describe('keyhall backup', () => {
  test('copies every acknowledged change into one private file while the server works', async () => {
    const { home, database, file, command } = place()
    const server = await serve(database)
    const call = caller(server, server.key!)
    const progress = { acknowledged: 0, isOver: false }
    const load = Array.from({ length: 4 }, async () => {
      while (!progress.isOver) {
        expect((await call('POST', '/projects', { name: 'under load' })).status).toBe(200)
        progress.acknowledged += 1
      }
    })
    while (progress.acknowledged < 20) await Bun.sleep(5)
    const before = progress.acknowledged
    const made = await command('backup', file)
    progress.isOver = true
    await Promise.all(load)
    expect(made).toMatchObject({ code: 0, err: '' })
    const changes = Number(/with (\d+) changes/.exec(made.out)?.[1])
    expect(changes).toBeGreaterThanOrEqual(before + 2)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(home.path).filter((name) => name.startsWith('backup'))).toEqual(['backup.db'])
    await stop(server)

    const elsewhere = join(home.path, 'elsewhere/keyhall.db')
    mkdirSync(dirname(elsewhere))
    copyFileSync(file, elsewhere)
    const flags = ['--database', `sqlite:${elsewhere}`, '--pepper-file', join(home.path, 'pepper')]
    const verified = await run(['audit', 'verify', ...flags])
    expect(verified).toMatchObject({ code: 0, err: '' })
    expect(verified.out).toContain(`whole: ${changes} rows`)
    home.remove()
  })

  test('replaces no file unless told to, and says what to run for PostgreSQL', async () => {
    const { home, database, file, command } = place()
    await stop(await serve(database))
    writeFileSync(file, 'something else')
    const refused = await command('backup', file)
    expect(refused.code).toBe(1)
    expect(sentence(refused)).toContain('is there already')
    expect(statSync(file).size).toBe(14)
    expect(await command('backup', file, '--force')).toMatchObject({ code: 0, err: '' })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const nowhere = await command('backup', join(home.path, 'none/backup.db'))
    expect(sentence(nowhere)).toContain('none/backup.db cannot be written: ')
    expect((await command('backup')).code).toBe(2)

    const { address, drop } = await emptyDatabase('postgres')
    const withPassword = new URL(address)
    withPassword.password = 'hush'
    withPassword.searchParams.set('sslpassword', 'hush')
    for (const [name, tool] of [
      ['backup', 'pg_dump --format=custom'],
      ['restore', 'pg_restore --clean'],
    ]) {
      const ended = await run([name!, file, '--database', withPassword.href])
      expect(ended.code).toBe(1)
      expect(sentence(ended)).toContain(tool!)
      expect(ended.err).not.toContain('hush')
    }
    await drop()
    home.remove()
  })
})

describe('keyhall restore', () => {
  test('restores the backup, keeps the old file, and refuses while a server runs', async () => {
    const { home, path, database, file, command } = place()
    const server = await serve(database)
    const key = server.key!
    const call = caller(server, key)
    await call('POST', '/projects', { name: 'saved' })
    expect(await command('backup', file)).toMatchObject({ code: 0, err: '' })
    await call('POST', '/projects', { name: 'made later' })
    const refused = await command('restore', file)
    expect(refused.code).toBe(1)
    expect(sentence(refused)).toContain('A server uses')
    expect((await call('GET', '/projects')).body.data).toHaveLength(3)
    await stop(server)

    const restored = await command('restore', file)
    expect(restored).toMatchObject({ code: 0, err: '' })
    expect(restored.out).toContain('with 3 changes')
    const [aside] = readdirSync(home.path).filter((name) => name.includes('.before-restore-'))
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const names = async (address: string) => {
      const again = await serve(address, ['--pepper-file', join(home.path, 'pepper')])
      const { body } = await caller(again, key)('GET', '/projects')
      await stop(again)
      return (body.data as { name: string }[]).map(({ name }) => name).toSorted()
    }
    expect(await names(database)).toEqual(['Default project', 'saved'])
    expect(await names(`sqlite:${join(home.path, aside!)}`)).toEqual(['Default project', 'made later', 'saved'])
    home.remove()
  })

  test('restores nothing that is damaged, of another pepper or no database of Keyhall', async () => {
    const { home, path, database, file, command } = place()
    await stop(await serve(database))
    expect(await command('backup', file)).toMatchObject({ code: 0, err: '' })
    const damaged = join(home.path, 'damaged.db')
    copyFileSync(file, damaged)
    truncateSync(damaged, statSync(file).size - 8192)
    const foreign = join(home.path, 'foreign.db')
    const other = new Sqlite(foreign)
    other.run('create table orders (id text)')
    other.close()
    const text = join(home.path, 'text.db')
    writeFileSync(text, 'no database at all, but longer than the header of one would be '.repeat(40))
    for (const [name, said] of [
      [damaged, 'is no sound database'],
      [text, 'is no sound database'],
      [foreign, 'is no database of Keyhall'],
      [join(home.path, 'none.db'), 'There is no file'],
    ]) {
      const ended = await command('restore', name!)
      expect(ended.code).toBe(1)
      expect(sentence(ended)).toContain(said!)
    }
    const stranger = await run(['restore', file, '--database', database], { env: { KEYHALL_PEPPER: 'b'.repeat(64) } })
    expect(sentence(stranger)).toStartWith('The pepper (KEYHALL_PEPPER) is not the one')
    expect(readdirSync(home.path).filter((name) => /before-restore|restoring/.test(name))).toEqual([])
    expect(await command('audit', 'verify')).toMatchObject({ code: 0, err: '' })
    expect(existsSync(path)).toBe(true)
    home.remove()
  })

  test('takes the place of a database that is damaged', async () => {
    const { home, path, database, file, command } = place()
    const first = await serve(database)
    await stop(first)
    expect(await command('backup', file)).toMatchObject({ code: 0, err: '' })
    writeFileSync(path, Buffer.alloc(20_000, 0x5a))
    expect(await command('restore', file)).toMatchObject({ code: 0, err: '' })
    const again = await serve(database)
    expect((await caller(again, first.key!)('GET', '/projects')).status).toBe(200)
    await stop(again)
    home.remove()
  })
})

describe('a pepper beside an empty database', () => {
  test('makes no new organization unless told to', async () => {
    const { home, path, database, command } = place()
    await stop(await serve(database))
    for (const end of ['', '-wal', '-shm']) if (existsSync(path + end)) truncateSync(path + end)
    const refused = await command('serve', '--port', '0')
    expect(refused.code).toBe(1)
    expect(sentence(refused)).toMatch(isRefused(join(home.path, 'pepper')))
    const anew = await serve(database, ['--new-organization'])
    expect(anew.key).toStartWith('sk-admin-')
    await stop(anew)
    await stop(await serve(database))
    home.remove()
  })

  for (const engine of engines)
    test(`from the environment makes none either (${engine})`, async () => {
      const home = folder()
      const { address, drop } = await emptyDatabase(engine)
      const env = { KEYHALL_PEPPER: 'c'.repeat(64) }
      const options = { env, cwd: home.path }
      const refused = await run(['serve', '--port', '0', '--database', address], options)
      expect(refused.code).toBe(1)
      expect(sentence(refused)).toMatch(isRefused('KEYHALL_PEPPER'))
      const first = await serve(address, [], { ...options, env: { ...env, KEYHALL_NEW_ORGANIZATION: 'true' } })
      expect(first.key).toStartWith('sk-admin-')
      await stop(first)
      await stop(await serve(address, [], options))
      await drop()
      home.remove()
    })

  const isRefused = (where: string) =>
    new RegExp(
      `^The database is empty, but its pepper is there \\(${where}\\), .* start once with --new-organization \\(KEYHALL_NEW_ORGANIZATION=true\\)\\.$`,
    )
})
