/** A pepper is rotated while keys go on opening; at its end, those that nobody used stop. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { link } from '../../admin/audit-chain.ts'
import { openDatabase } from '../../database/open.ts'
import { emptyDatabase, engines, START_MILLISECONDS } from '../setup.ts'
import { folder, run, sentence, serve, type Serving } from './command.ts'

setDefaultTimeout(120_000)

for (const engine of engines)
  describe(`keyhall pepper (${engine})`, () => {
    const home = folder()
    let on: Awaited<ReturnType<typeof emptyDatabase>>
    let server: Serving
    let admin_key: string
    let project: string
    const file = () => `${home.path}/pepper`
    const lines = () => readFileSync(file(), 'utf8').trim().split('\n')
    beforeAll(async () => {
      on = await emptyDatabase(engine)
      await start()
      admin_key = server.key!
      project = ((await (await admin('/organization/projects')).json()) as any).data[0].id
    }, START_MILLISECONDS)
    afterAll(async () => {
      await stop()
      await on.drop()
      home.remove()
    })

    async function start() {
      server = await serve(on.address, ['--pepper-file', file()])
    }
    async function stop() {
      server.signal('SIGTERM')
      await server.ended
    }
    const pepper = (...args: string[]) => run(['pepper', ...args, '--database', on.address, '--pepper-file', file()])
    const admin = (path: string, body?: object, key = admin_key) =>
      fetch(`${server.url}/v1${path}`, {
        method: body ? 'POST' : 'GET',
        headers: { authorization: `Bearer ${key}` },
        ...(body && { body: JSON.stringify(body) }),
      })
    const opens = async (key: string) =>
      (await fetch(`${server.url}/verify`, { headers: { authorization: `Bearer ${key}` } })).status
    async function newKey(name: string): Promise<{ id: string; value: string }> {
      const made = await admin(`/organization/projects/${project}/service_accounts`, { name })
      return ((await made.json()) as any).api_key
    }
    async function auditIsWhole() {
      const { code, out } = await run(['audit', 'verify', '--database', on.address, '--pepper-file', file()])
      return code === 0 && out.includes('The audit log is whole')
    }

    test('is rotated while keys go on opening, and retired when all that are in use have moved', async () => {
      const [used, unused] = [await newKey('used'), await newKey('unused')]
      const invite = await admin('/organization/invites', { email: 'ann@example.com', role: 'reader' })
      const link = await run([
        'invites',
        'link',
        ((await invite.json()) as any).id,
        '--database',
        on.address,
        '--pepper-file',
        file(),
      ])
      const token = link.out.trim().split('#')[1]!
      const [old] = lines()
      expect(await pepper('status')).toMatchObject({
        code: 0,
        out: 'Keys under the current pepper: 3\nThere is one pepper; no rotation is under way.\n',
      })
      expect(sentence(await pepper('retire'))).toContain('There is one pepper')

      // Every server learns of the new pepper before one makes keys with it.
      expect((await pepper('rotate', '--prepare')).code).toBe(0)
      expect([lines().length, lines()[0]]).toEqual([2, old])
      expect(statSync(file()).mode & 0o777).toBe(0o600)
      expect(await opens(used.value)).toBe(200)
      await stop()
      await start()
      expect(await opens(used.value)).toBe(200)
      expect(sentence(await pepper('rotate', '--prepare'))).toContain('A rotation is under way')
      expect(sentence(await pepper('retire'))).toContain('not the current one yet')
      expect((await pepper('rotate')).code).toBe(0)
      const [current] = lines()
      expect(lines()).toEqual([current!, old!])
      expect(statSync(file()).mode & 0o777).toBe(0o600)
      expect(sentence(await pepper('rotate'))).toContain('A rotation is under way')

      await stop()
      await start()
      // Both kinds of keys move when they are used; a key made now is under the new pepper.
      expect([await opens(used.value), (await admin('/organization/projects')).status]).toEqual([200, 200])
      const fresh = await newKey('fresh')
      expect(await opens(fresh.value)).toBe(200)
      const accepted = await fetch(`${server.url}/v1/organization/invites/accept`, {
        method: 'POST',
        body: JSON.stringify({ token, name: 'Ann' }),
      })
      expect(accepted.status).toBe(200)
      const status = async () => (await pepper('status')).out
      while ((await status()) !== moved(3, 1)) await Bun.sleep(100)
      // What it may do can be changed before it was moved, and after.
      for (const { id } of [used, unused, fresh])
        expect(
          (await admin(`/organization/projects/${project}/api_keys/${id}`, { expires_in_seconds: 100_000 })).status,
        ).toBe(200)
      expect(await status()).toBe(moved(3, 1))
      expect(await auditIsWhole()).toBe(true)

      const refused = await pepper('retire')
      expect(refused.code).toBe(1)
      expect(refused.out).toContain(unused.id)
      expect(refused.out).not.toContain(used.id)
      expect(lines().length).toBe(2)
      expect(await opens(used.value)).toBe(200)

      const retired = await pepper('retire', '--force')
      expect(retired.code).toBe(0)
      expect(retired.err).toContain('1 key stopped')
      expect(lines()).toEqual([current!])
      expect(statSync(file()).mode & 0o777).toBe(0o600)
      await stop()
      await start()
      expect([await opens(used.value), await opens(fresh.value), await opens(unused.value)]).toEqual([200, 200, 401])
      expect((await admin('/organization/projects')).status).toBe(200)
      expect((await admin(`/organization/projects/${project}/api_keys/${unused.id}`)).status).toBe(404)
      expect(await auditIsWhole()).toBe(true)
      expect(await status()).toBe('Keys under the current pepper: 3\nThere is one pepper; no rotation is under way.\n')
      const storage = await openDatabase(on.address)
      const event = await storage.read
        .selectFrom('audit_logs')
        .select('entry')
        .where('type', '=', 'api_key.deleted')
        .where('resource_id', '=', unused.id)
        .execute()
      await storage.close()
      expect(event.length).toBe(1)

      // The old pepper is of no use any more: not alone, not beside the new one.
      const kept = readFileSync(file(), 'utf8')
      writeFileSync(file(), `${old}\n`)
      expect(sentence(await pepper('status'))).toContain('is not the one')
      writeFileSync(file(), kept)
    })

    test('is refused without the other one while a rotation is under way', async () => {
      const before = readFileSync(file(), 'utf8')
      expect((await pepper('rotate')).code).toBe(0)
      const both = readFileSync(file(), 'utf8')
      for (const alone of [before, both.split('\n')[0]!]) {
        writeFileSync(file(), alone)
        expect(sentence(await pepper('status'))).toContain('During a rotation both peppers are needed')
      }
      writeFileSync(file(), both)
      expect((await pepper('status')).code).toBe(0)
    })

    test('makes nothing valid, at its end, that somebody changed without it', async () => {
      // The rotation of the test before is under way.
      const key = await newKey('forged')
      const storage = await openDatabase(on.address)
      const keyRow = () =>
        storage.read.selectFrom('api_keys').select(['scopes', 'mac']).where('id', '=', key.id).executeTakeFirstOrThrow()
      const newestRow = () =>
        storage.read.selectFrom('audit_logs').selectAll().orderBy('seq', 'desc').limit(1).executeTakeFirstOrThrow()
      const put = ({ seq, entry, hash }: Awaited<ReturnType<typeof newestRow>>) =>
        storage.write(async (sql) => {
          await sql.updateTable('audit_logs').set({ entry, hash }).where('seq', '=', seq).execute()
          await sql.updateTable('audit_heads').set({ hash }).execute()
        })
      const { mac } = await keyRow()
      await storage.write((sql) =>
        sql.updateTable('api_keys').set({ scopes: '["model.request"]' }).where('id', '=', key.id).execute(),
      )
      const row = await newestRow()
      const before = await storage.read
        .selectFrom('audit_logs')
        .select('hash')
        .where('seq', '=', row.seq - 1)
        .executeTakeFirstOrThrow()
      const entry = row.entry.replace('"ip_address":"127.0.0.1"', '"ip_address":"127.0.0.9"')
      expect(entry).not.toBe(row.entry)
      await put({ ...row, entry, hash: link(before.hash, entry) })
      const refused = await pepper('retire', '--force')
      expect(sentence(refused)).toContain(`is broken at seq ${row.seq}: its seal is not one that Keyhall made`)
      expect(lines().length).toBe(2)
      expect((await newestRow()).seal).toEqual(row.seal)
      expect(await auditIsWhole()).toBe(false)

      await put(row)
      expect((await pepper('retire', '--force')).code).toBe(0)
      expect(await auditIsWhole()).toBe(true)
      expect(await keyRow()).toEqual({ scopes: '["model.request"]', mac })
      expect((await pepper('status')).out).toContain('changed without the pepper, which open nothing: 1')
      await storage.close()
    })

    test('is printed where it comes from the environment, and nothing is written', async () => {
      const other = await emptyDatabase(engine)
      const env = { KEYHALL_PEPPER: '7'.repeat(64) }
      const first = await serve(other.address, ['--new-organization'], { env })
      first.signal('SIGTERM')
      await first.ended
      const rotated = await run(['pepper', 'rotate', '--database', other.address], { env })
      expect(rotated.code).toBe(0)
      expect(rotated.out).toMatch(new RegExp(`^[0-9a-f]{64},${'7'.repeat(64)}\n$`))
      const next = await serve(other.address, [], { env: { KEYHALL_PEPPER: rotated.out.trim() } })
      const headers = { authorization: `Bearer ${first.key}` }
      expect((await fetch(`${next.url}/v1/organization/projects`, { headers })).status).toBe(200)
      next.signal('SIGTERM')
      await next.ended
      await other.drop()
    })
  })

const moved = (current: number, old: number) =>
  `Keys under the current pepper: ${current}\nKeys under the old pepper, not used since the rotation: ${old}\n`
