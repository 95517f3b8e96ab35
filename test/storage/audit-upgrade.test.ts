/**
 * An audit log from before there were seals: the first start seals what is there, and later nobody
 * can claim to be that old.
 */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { sql as raw } from 'kysely'
import { openDatabase } from '../../database/open.ts'
import { folder, run, sentence, serve } from '../cli/command.ts'
import { emptyDatabase, engines } from '../setup.ts'

// Each test starts several processes.
setDefaultTimeout(120_000)

for (const engine of engines)
  test(`an audit log without seals is sealed by the upgrade, and only by it (${engine})`, async () => {
    const home = folder()
    const { address, drop } = await emptyDatabase(engine)
    const flags = ['--pepper-file', `${home.path}/pepper`]
    const verify = () => run(['audit', 'verify', '--database', address, ...flags])
    const statements = async (...texts: string[]) => {
      const storage = await openDatabase(address, { asItIs: true })
      await storage.write(async (db) => {
        for (const text of texts) await raw.raw(text).execute(db)
      })
      await storage.close()
    }
    const work = async (key?: string) => {
      const server = await serve(address, flags)
      const headers = { authorization: `Bearer ${key ?? server.key}` }
      const url = `${server.url}/v1/organization/projects`
      const { status } = await fetch(url, { method: 'POST', headers, body: '{"name":"another"}' })
      expect(status).toBe(200)
      server.signal('SIGTERM')
      await server.ended
      return key ?? server.key!
    }

    const key = await work()
    const columns = ['sealed_from', 'doubtful_seq', 'seal', 'pepper_name']
    await statements(
      ...columns.map((column) => `alter table audit_heads drop column ${column}`),
      ...columns.slice(2).map((column) => `alter table audit_logs drop column ${column}`),
      `delete from migrations where name = '010-audit-seals'`,
    )
    expect(sentence(await verify())).toContain('it lacks the migration "010-audit-seals"')
    await work(key)
    const whole = await verify()
    expect(whole).toMatchObject({ code: 0, err: '' })
    expect(whole.out).toStartWith(
      'The audit log is whole: 4 rows, of which the oldest 3 are from before there were seals.',
    )

    await statements('update audit_heads set seal = null, sealed_from = null', 'update audit_logs set seal = null')
    expect(sentence(await verify())).toMatch(/broken at seq 4: its seal is missing \(of the head\)/)
    await work(key)
    expect(sentence(await verify())).toMatch(/broken at seq 5: when this row was written, the head/)
    await drop()
    home.remove()
  })
