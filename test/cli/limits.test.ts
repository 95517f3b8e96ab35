/** `keyhall limits verify` and `give-back`, on a database that servers use. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { Database } from '../../database/types.ts'
import { Ledger } from '../../ledger/ledger.ts'
import { monthOf, type Series } from '../../ledger/usage-counts.ts'
import { engines, START_MILLISECONDS, startServer, testPepper, type TestServer } from '../setup.ts'
import { run, sentence } from './command.ts'
import { inProcess } from './terminal.ts'

setDefaultTimeout(START_MILLISECONDS)

const pepper = { KEYHALL_PEPPER: Buffer.from(testPepper.reveal()).toString('hex') }
const DOLLAR = 1_000_000_000

for (const engine of engines)
  describe(`keyhall limits (${engine})`, () => {
    let server: TestServer
    beforeAll(async () => {
      server = await startServer(engine)
    })
    afterAll(() => server.stop())

    const limits = (...args: string[]) =>
      inProcess(['limits', ...args, '--database', server.address], { environment: pepper })
    const month = monthOf(Date.now())
    const budgets = () =>
      server.database.read
        .selectFrom('budgets')
        .select(['project_id', 'settled', 'reserved', 'burned'])
        .where('month', '=', month)
        .orderBy('project_id')
        .execute()

    /** Spends money, and holds some more of it when it is killed. */
    async function spendAndDie() {
      const { database, world, organization_id, project_id } = server
      let isDead = false
      const own: Database = {
        engine: database.engine,
        read: database.read,
        write: (work) => (isDead ? Promise.reject(new Error('dead')) : database.write(work)),
      } as Database
      const ledger = new Ledger(own, world, { onError: () => {} })
      await ledger.start()
      const of = { user_id: 'user', api_key_id: 'key', model: 'm', service_tier: '', detail: '' }
      const whose = { organization_id, project_id }
      const series: Series = { ...whose, ...of, kind: 'completions', batch: 0, estimated: 0, priced: 1 }
      const spend = { organization: 10 * DOLLAR, project: 10 * DOLLAR }
      const ask = { ...whose, windows: [], limits: spend, bound: 1000, series }
      for (let n = 0; n < 2; n++) {
        const admission = await ledger.admit(ask)
        admission.settle({ requests: 1, input: 7, cost_input: 400 })
        await ledger.flush()
      }
      // Running when it dies: settled at its bound.
      await ledger.admit(ask)
      await ledger.flush()
      isDead = true
      await database.write((sql) => sql.updateTable('ledger_servers').set({ until: 0 }).execute())
      while ((await budgets()).some(({ reserved }) => reserved > 0)) await Bun.sleep(20)
    }

    test('verify finds a ledger whole, and give-back lets be spent again what burned', async () => {
      await server.client.admin.organization.spendLimit.update({
        threshold_amount: 1000,
        currency: 'USD',
        interval: 'month',
      })
      await spendAndDie()
      await server.events()
      const [own, project] = await budgets()
      const { burned } = own!
      expect(burned).toBeGreaterThan(0)
      expect([own, project]).toMatchObject([
        { project_id: '', settled: 1800, reserved: 0 },
        { project_id: server.project_id, settled: 1800, reserved: 0, burned },
      ])
      const text = `$${burned / DOLLAR}`
      const whole = await run(['limits', 'verify', '--database', server.address], { env: pepper })
      const sums = (rest: string) =>
        `The ledger of ${month} agrees with itself: 2 budgets, $${1800 / DOLLAR} settled, $0 reserved, ${rest} burned.\n`
      expect(whole).toEqual({ code: 0, out: sums(text), err: '' })

      const ofProject = await limits('give-back', '--project-id', server.project_id)
      expect(ofProject).toEqual({ code: 0, out: `${server.project_id}: ${text} can be spent again.\n`, err: '' })
      expect((await budgets()).map(({ burned }) => burned)).toEqual([burned, 0])
      const all = await limits('give-back')
      expect(all.out).toBe(`${server.organization_id}: ${text} can be spent again.\n`)
      expect((await budgets()).map(({ burned }) => burned)).toEqual([0, 0])
      expect((await limits('verify')).out).toBe(sums('$0'))
      expect(await server.events()).toEqual({ 'tenant.billing.overage_limit.updated': 2 })
      const { data } = await server.client.admin.organization.auditLogs.list({ limit: 1 })
      expect((data[0] as unknown as Record<string, unknown>)['tenant.billing.overage_limit.updated']).toEqual({
        id: server.organization_id,
        threshold_amount: 1000,
        given_back: burned / DOLLAR,
      })
      expect((await limits('give-back')).out).toBe('Nothing is burned this month.\n')
      const unknown = await limits('give-back', '--project-id', 'proj_none')
      expect([unknown.code, sentence(unknown)]).toEqual([1, 'There is no project with this id.'])
    })

    test('verify names each sum that was changed, and a limit that is passed with the reason', async () => {
      const { database, organization_id, project_id } = server
      await database.write(async (sql) => {
        await sql.updateTable('budgets').set({ reserved: 5 }).where('project_id', '=', '').execute()
        await sql.updateTable('budgets').set({ settled: 1801 }).where('project_id', '=', project_id).execute()
        await sql.updateTable('usage_hours').set({ input: 15 }).where('input', '=', 14).execute()
        await sql.updateTable('usage_minutes').set({ cost_input: 401 }).where('cost_input', 'in', [400, 800]).execute()
      })
      const limit = { threshold_amount: 1, currency: 'USD', interval: 'month' } as const
      await server.client.admin.organization.spendLimit.update(limit)
      const wrong = await limits('verify')
      expect(wrong.code).toBe(1)
      const lines = wrong.err.trimEnd().split('\n')
      expect(lines).toContain(`keyhall: ${organization_id}: 5 are reserved, and servers hold 0.`)
      expect(lines).toContain(`keyhall: ${organization_id} ${project_id}: 1801 are settled, and the days cost 1800.`)
      expect(lines).toContain(
        `keyhall: ${organization_id}: input is 15 in usage_hours and 14 in usage_days since ${month}-01.`,
      )
      expect(lines.join('\n')).toMatch(/cost_input is \d+ in usage_minutes and 800 in usage_days/)
      expect(lines.join('\n')).not.toContain('more than')
      await database.write((sql) => sql.updateTable('budgets').set({ reserved: 0, settled: 20_000_000 }).execute())
      const passed = (await limits('verify')).err
      expect(passed).toContain(
        `keyhall: ${organization_id} has spent, reserved and burned $0.02 of $0.01: it was set at`,
      )
      await database.write((sql) => sql.updateTable('spend_limits').set({ updated_at: 0 }).execute())
      expect((await limits('verify')).err).toContain('an upstream used more than its request allowed, which the log')
    })

    test('verify compares minutes from the first day of which nothing was pruned', async () => {
      const { database } = server
      const [series] = await database.read.selectFrom('usage_series').select('id').limit(1).execute()
      const day = (text: string) => Date.parse(`${text}T00:00:00Z`) / 60_000
      const row = { series_id: series!.id, requests: 1 }
      const none = await database.read.selectFrom('usage_days').selectAll().limit(1).executeTakeFirstOrThrow()
      const zero = Object.fromEntries(Object.keys(none).map((name) => [name, null])) as unknown as typeof none
      await database.write(async (sql) => {
        for (const table of ['usage_minutes', 'usage_hours', 'usage_days'] as const)
          await sql.deleteFrom(table).execute()
        await sql.deleteFrom('budgets').execute()
        const days = ['2026-08-30', '2026-09-10', '2026-09-11', '2026-09-12'].map((at) => ({
          ...zero,
          ...row,
          at: day(at),
        }))
        await sql.insertInto('usage_days').values(days).execute()
        await sql.insertInto('usage_hours').values(days).execute()
        // Of the eleventh only the evening is left.
        await sql
          .insertInto('usage_minutes')
          .values({ ...zero, ...row, requests: null, at: day('2026-09-11') + 1200 })
          .execute()
        await sql
          .insertInto('usage_minutes')
          .values({ ...zero, ...row, at: day('2026-09-12') })
          .execute()
        await sql
          .insertInto('usage_kept')
          .values({ width: 'minute', since: day('2026-09-12') })
          .execute()
      })
      expect(await limits('verify', '--month', '2026-09')).toMatchObject({ code: 0, err: '' })
      await database.write((sql) =>
        sql.updateTable('usage_minutes').set({ requests: 2 }).where('at', '=', day('2026-09-12')).execute(),
      )
      const wrong = await limits('verify', '--month', '2026-09')
      expect(sentence(wrong)).toContain('requests is 2 in usage_minutes and 1 in usage_days since 2026-09-12.')
      expect(sentence(await limits('verify', '--month', 'now'))).toBe(
        '--month must be a month such as 2026-11, not "now".',
      )
    })
  })
