/**
 * `keyhall audit export`: what a log collector gets, how it checks that, and how an export goes on.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createHash, createPublicKey, verify } from 'node:crypto'
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { engines, startServer, testPepper, type TestServer } from '../setup.ts'
import { folder, run, sentence, serve } from './command.ts'

// Each test starts several processes.
setDefaultTimeout(120_000)

const env = { KEYHALL_PEPPER: Buffer.from(testPepper.reveal()).toString('hex') }

interface Line {
  organization_id: string
  seq: number
  hash: string
  previous_hash: string
  event: { id: string; type: string }
  key: string
  signature: string
}

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '')
const parsed = (text: string) => linesOf(text).map((line) => JSON.parse(line) as Line)

/**
 * As the guide tells a consumer to do it, with nothing of ours: the signature covers the line
 * without its last member.
 */
function holds(line: string, publicKey: string): boolean {
  const [, signed, signature] = /^(.*),"signature":"([^"]+)"\}$/s.exec(line) ?? []
  return verify(null, Buffer.from(`${signed}}`), createPublicKey(publicKey), Buffer.from(signature!, 'base64'))
}

for (const engine of engines)
  describe(`keyhall audit export (${engine})`, () => {
    const home = folder()
    const file = join(home.path, 'audit.jsonl')
    let server: TestServer
    let publicKey: string
    const audit = (...args: string[]) => run(['audit', ...args, '--database', server.address], { env })
    const create = (name: string) => server.client.admin.organization.projects.create({ name })
    beforeAll(async () => {
      server = await startServer(engine)
      await create('Größe "x"\u2028\u009b')
      publicKey = (await audit('key')).out
    })
    afterAll(async () => {
      await server.stop()
      home.remove()
    })

    test('writes lines that chain, and whose signatures hold until a byte of them is changed', async () => {
      const { code, out, err } = await audit('export')
      expect({ code, err }).toEqual({ code: 0, err: '' })
      const lines = parsed(out)
      expect(lines.map(({ seq }) => seq)).toEqual([1, 2, 3])
      expect(lines.map(({ event }) => event.type)).toEqual(['project.created', 'api_key.created', 'project.created'])
      const id = /^Key: (\w+)\n-----BEGIN PUBLIC KEY-----/.exec(publicKey)![1]!
      let previous = '0'.repeat(64)
      for (const line of linesOf(out)) {
        const { hash, previous_hash, key } = JSON.parse(line) as Line
        expect(key).toBe(id)
        expect(holds(line, publicKey)).toBe(true)
        expect(holds(line.replace(/"seq":\d+/, '"seq":9'), publicKey)).toBe(false)
        expect(holds(line.replace('created', 'deleted'), publicKey)).toBe(false)
        expect(previous_hash).toBe(previous)
        const entry = Buffer.from(/"event":(.*),"key":"/s.exec(line)![1]!)
        const length = Buffer.alloc(8)
        length.writeBigUInt64BE(BigInt(entry.length))
        previous = createHash('sha256').update(previous_hash, 'hex').update(length).update(entry).digest('hex')
        expect(hash).toBe(previous)
      }
    })

    test('goes on in a file after its last line, also when an export was interrupted', async () => {
      expect((await audit('export', '--file', file)).out).toBe(`${file}: 3 more lines.\n`)
      expect(statSync(file).mode & 0o777).toBe(0o600)
      expect((await audit('export', '--file', file)).out).toBe(`${file}: 0 more lines.\n`)
      await create('more')
      const whole = readFileSync(file)
      appendFileSync(file, '{"organization_id":"org-inter')
      expect((await audit('export', '--file', file)).out).toBe(`${file}: 1 more line.\n`)
      expect(readFileSync(file).subarray(0, whole.length)).toEqual(whole)
      expect(parsed(readFileSync(file, 'utf8')).map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
      const other = join(home.path, 'notes.txt')
      writeFileSync(other, 'no export\n')
      expect(sentence(await audit('export', '--file', other))).toContain('does not end with a line of an export')
      expect(readFileSync(other, 'utf8')).toBe('no export\n')
    })

    test('goes on after a row, or where its state says', async () => {
      expect(parsed((await audit('export', '--after', '3')).out).map(({ seq }) => seq)).toEqual([4])
      const state = join(home.path, 'state.json')
      expect(parsed((await audit('export', '--state', state)).out)).toHaveLength(4)
      expect((await audit('export', '--state', state)).out).toBe('')
      await create('still more')
      expect(parsed((await audit('export', '--state', state)).out).map(({ seq }) => seq)).toEqual([5])
      expect((await audit('export', '--after', 'three')).code).toBe(2)
      expect((await audit('export', '--file', file, '--after', '1')).code).toBe(2)
    })

    test('refuses another log than the one exported before, and exports no invalid row', async () => {
      expect((await audit('export', '--file', file)).code).toBe(0)
      const forged = join(home.path, 'forged.jsonl')
      writeFileSync(forged, readFileSync(file, 'utf8').replace(/"hash":"[0-9a-f]{4}/g, '"hash":"0000'))
      expect(sentence(await audit('export', '--file', forged))).toMatch(
        /seq 5: the row is not the one that was exported/,
      )
      const { organization_id, database } = server
      const last = database.read.selectFrom('audit_logs').selectAll().where('seq', '=', 5)
      const row = await last.executeTakeFirstOrThrow()
      const set = (entry: string) =>
        database.write((sql) => sql.updateTable('audit_logs').set({ entry }).where('seq', '=', 5).execute())
      await set(row.entry.replace('still', 'never'))
      const changed = await audit('export')
      expect(changed.code).toBe(1)
      expect(sentence(changed)).toMatch(/seq 5: its hash does not follow/)
      expect(parsed(changed.out).map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
      await set(row.entry)
      await database.write((sql) => sql.deleteFrom('audit_logs').where('seq', '=', 5).execute())
      expect(sentence(await audit('export', '--file', file))).toMatch(/seq 5: the row is missing, and was exported/)
      await database.write((sql) => sql.insertInto('audit_logs').values(row).execute())
      expect(row.organization_id).toBe(organization_id)
    })
  })

test('a server logs the newest link in the form that "audit verify --link" takes', async () => {
  const home = folder()
  const database = `sqlite:${home.path}/keyhall.db`
  const server = await serve(database)
  await server.prints('The newest link of the audit log.')
  const link = /"link":"(org-\w+:2:[0-9a-f]{64})"/.exec(server.printed())?.[1]
  server.signal('SIGTERM')
  await server.ended
  expect((await run(['audit', 'verify', '--link', link!, '--database', database])).code).toBe(0)
  const other = link!.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'))
  const refused = await run(['audit', 'verify', '--link', other, '--database', database])
  expect(sentence(refused)).toContain('is not the one of the link that was noted')
  home.remove()
})
