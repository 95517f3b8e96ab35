/**
 * The month of money is that of the database's clock, also for a server whose own clock is wrong.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { Ledger } from '../../ledger/ledger.ts'
import { inProcess } from '../cli/terminal.ts'
import { realWorld } from '../../world/world.ts'
import { onBothEngines, testPepper } from '../setup.ts'
import { ask, series } from './asks.ts'

const DOLLAR = 1_000_000_000
const DAY = 86_400
const month = () => new Date().toISOString().slice(0, 7)
const tenDollars = { threshold_amount: 1000, currency: 'USD', interval: 'month' } as const

onBothEngines('a server whose clock is weeks ahead', (server) => {
  beforeAll(async () => {
    const { database, organization_id, project_id } = server()
    const whose = { organization_id, project_id }
    const ledger = new Ledger(database, realWorld, { onError: (error) => console.error(error) })
    await ledger.start()
    const admission = await ledger.admit(ask({ ...whose, bound: 20 * DOLLAR, series: { ...series, ...whose } }))
    admission.settle({ requests: 1, cost_output: 20 * DOLLAR })
    await ledger.stop()
    server().world.ahead = 40 * DAY
  })
  afterAll(() => {
    server().world.ahead = 0
  })

  test('says of spend limits whether they refuse requests now', async () => {
    const { organization } = server().client.admin
    expect((await organization.spendLimit.update(tenDollars)).enforcement).toEqual({ status: 'enforcing' })
    expect((await organization.spendLimit.retrieve()).enforcement).toEqual({ status: 'enforcing' })
  })

  test('shows what a project has spent in the month', async () => {
    const answer = await server().request('GET', `/organization/projects/${server().project_id}/limits`)
    expect(await answer.json()).toMatchObject({ month: month(), spend: { project: { spent: 20 } } })
  })

  test('has the money and the series of the month in its metrics', async () => {
    const page = await (await server().metrics()).text()
    expect(page).toContain('keyhall_spend_dollars{state="settled"} 20\n')
    expect(page).toContain('keyhall_usage_series 1\n')
  })

  test('gives back and verifies what belongs to the month', async () => {
    const { database, address, project_id, world } = server()
    const burned = (amount: number) =>
      database.write((sql) => sql.updateTable('budgets').set({ burned: amount }).execute())
    const limits = (line: string) =>
      inProcess(`limits ${line} --database ${address}`, {
        environment: { KEYHALL_PEPPER: Buffer.from(testPepper.reveal()).toString('hex') },
        now: world.now,
      })
    await burned(DOLLAR)
    const given = await limits('give-back')
    expect(given.err + given.out).toContain(project_id)
    const left = await database.read.selectFrom('budgets').select('burned').execute()
    expect(left.map(({ burned }) => burned)).toEqual([0, 0])
    expect((await limits('verify')).out).toStartWith(`The ledger of ${month()} agrees with itself`)
  })
})
