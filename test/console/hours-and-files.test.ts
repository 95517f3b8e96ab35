/**
 * Costs by the hour on the page of usage, with the budget beside them, and as files for
 * spreadsheets.
 */
import { beforeAll, expect, test } from 'bun:test'
import type { Page } from 'playwright-core'
import { expectGoodLooks, inConsole } from './browser.ts'
import { cellsOf, dollar, HOUR, isPlotted, use } from './used.ts'

const NANO = 1_000_000_000
const nanoOf = (text: string | null | undefined) => Math.round(Number(text!.replaceAll(/[^\d.]/g, '')) * NANO)

/** The file that the page gives, as rows of cells; no cell has a comma. */
async function fileOf(page: Page) {
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download CSV' }).click(),
  ])
  const [titles, ...rows] = (await Bun.file(await file.path()).text()).trim().split('\r\n')
  return { titles, rows: rows.map((row) => row.split(',')) }
}

inConsole('costs by the hour', (console) => {
  beforeAll(async () => {
    await use(console().server)
  })

  test('are those of the report, in the table, in the file and under the budget', async () => {
    const { server, open } = console()
    const { organization } = server.client.admin
    await organization.spendLimit.update({ threshold_amount: 20_000, currency: 'USD', interval: 'month' })
    const page = await open('/usage?measure=cost&interval=hour&period=48-hours', { as: server.owner_id })
    await page.getByText('Spent in the month so far').waitFor()
    await page.getByText('Budget of a month').waitFor()
    for (const color of ['series-1', 'danger', 'text']) await isPlotted(page, color)
    await expectGoodLooks(page)

    const now = Math.floor(Date.now() / 1000)
    const path = `/organization/costs?start_time=${now - (now % HOUR) - 47 * HOUR}&bucket_width=1h&limit=168`
    const answer = (await (await server.request('GET', path)).json()) as {
      data: { results: { amount: { value: number } }[] }[]
    }
    const reported = answer.data
      .map(({ results }) => results.reduce((sum, { amount }) => sum + Math.round(amount.value * NANO), 0))
      .filter((nano) => nano > 0)
    expect((await cellsOf(page, 'By hour')).map((cells) => nanoOf(cells.at(-1)))).toEqual(reported)
    expect(reported.reduce((sum, nano) => sum + nano)).toBe(9 * dollar + dollar / 50 + 28)

    const { titles, rows } = await fileOf(page)
    expect(titles).toBe('start_time,end_time,project_id,project,cost_usd')
    const sums = await cellsOf(page, 'Sums')
    for (const [name, cost] of sums.slice(1)) {
      const own = rows.filter((row) => row[3]!.replace(/^'/, '') === name)
      expect([name, own.reduce((sum, row) => sum + nanoOf(row[4]), 0)]).toEqual([name, nanoOf(cost)])
    }
    const times = new Set(rows.map(([start]) => start))
    expect(times.size).toBe(reported.length)
    await organization.spendLimit.delete()
  })
})
