/** Usage and spend: the page has the numbers of the reports, exactly. */
import { beforeAll, expect, test } from 'bun:test'
import { expectGoodLooks, inConsole } from './browser.ts'
import { newPerson } from './people.ts'
import { cellsOf, count, DAY, isPlotted, reported, script, use, type Used } from './used.ts'

inConsole('usage', (console) => {
  let used: Used
  beforeAll(async () => {
    used = await use(console().server)
  })

  test('tables, plot and CSV have the numbers of the reports, and the address has what is chosen', async () => {
    const { server, open } = console()
    const now = Math.floor(Date.now() / 1000)
    const page = await open('/usage', { as: server.owner_id })
    await page.getByRole('rowheader', { name: `=Ranking ${script}` }).waitFor()
    const days = await reported(server, now - (now % DAY) - 29 * DAY)
    const [all, ranking, other, ...more] = await cellsOf(page, 'Sums')
    expect(more).toEqual([])
    expect(all!.slice(1).map(count)).toEqual([days.input, 1000, days.output, days.input + days.output, days.requests])
    expect(ranking!.slice(1).map(count)).toEqual([1_241_578, 1000, 94, 1_241_672, 7])
    expect(count(other![1])).toBe(100_000)
    await page.getByText('Of this, 16 tokens are estimated: no upstream reported them.').waitFor()
    const perDay = (await cellsOf(page, 'By day')).map((cells) => count(cells.at(-1)))
    expect(perDay.reduce((sum, tokens) => sum + tokens)).toBe(days.input + days.output)
    for (const color of ['series-1', 'series-2']) await isPlotted(page, color)
    await expectGoodLooks(page)
    await page.emulateMedia({ colorScheme: 'dark' })
    await isPlotted(page, 'series-1')

    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download CSV' }).click(),
    ])
    expect(file.suggestedFilename()).toMatch(/^tokens-by-project-and-day-until-.*\.csv$/)
    const lines = (await Bun.file(await file.path()).text()).trim().split('\r\n')
    expect(lines[0]).toBe(
      'start_time,end_time,project_id,project,input_tokens,input_cached_tokens,output_tokens,requests',
    )
    expect(lines.filter((line) => line.includes(`,${used.project_id},'=Ranking ${script},`)).length).toBeGreaterThan(0)
    const input = lines.slice(1).reduce((sum, line) => sum + Number(line.split(',')[4]), 0)
    expect(input).toBe(days.input)

    await page.getByLabel('By', { exact: true }).selectOption('key')
    await page.getByLabel('In', { exact: true }).selectOption('hour')
    await page.getByRole('table', { name: 'By hour' }).waitFor()
    await page.getByRole('rowheader', { name: used.key.name }).waitFor()
    expect(new URL(page.url()).search).toBe('?group_by=key&interval=hour')
    expect((await cellsOf(page, 'Sums'))[0]!.slice(1).map(count)).toEqual([1_241_578, 1000, 94, 1_241_672, 7])
  })

  test('an owner sets the budget, which is a line over what was spent', async () => {
    const { server, open } = console()
    const { organization } = server.client.admin
    await organization.spendAlerts.create({
      threshold_amount: 4000,
      currency: 'USD',
      interval: 'month',
      notification_channel: { type: 'email', recipients: ['ops@example.com'] },
    })
    const page = await open('/usage?measure=cost&group_by=model&interval=month', { as: server.owner_id })
    await page.getByRole('rowheader', { name: 'qwen, large' }).waitFor()
    const now = new Date()
    const months = await reported(server, Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 5) / 1000)
    const sums = await cellsOf(page, 'Sums')
    expect(sums[0]).toEqual(['All', `US$${months.dollars.toFixed(9)}`])
    expect(sums.find(([name]) => name === 'qwen, large')).toEqual(['qwen, large', 'US$1.00'])
    await page.getByText('Of this, US$1.00 is estimated: no upstream reported the usage.').waitFor()
    await page.getByLabel('Dollars a month').fill('50')
    await page.getByRole('button', { name: 'Set the budget' }).click()
    await page.getByText('Budget of a month').waitFor()
    await isPlotted(page, 'danger')
    expect(await organization.spendLimit.retrieve()).toMatchObject({ threshold_amount: 5000 })
    await page.getByLabel('In', { exact: true }).selectOption('day')
    await page.getByText('Spent in the month so far').waitFor()
    await isPlotted(page, 'danger')
    await page.getByRole('cell', { name: 'ops@example.com' }).waitFor()
    await expectGoodLooks(page)
    await page.getByRole('button', { name: 'Remove it' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await page.getByText('None: spending is not limited.').waitFor()
    expect(await page.getByText('Budget of a month').count()).toBe(0)
  })

  test('a reader sees the same and changes nothing', async () => {
    const { server, open } = console()
    const reader = await newPerson(server, { role: 'reader' })
    const page = await open(`/usage?measure=requests&group_by=person&project_id=${used.project_id}`, { as: reader })
    await page.getByRole('rowheader', { name: `Ann ${script}` }).waitFor()
    await page.getByRole('rowheader', { name: 'nightly' }).waitFor()
    expect((await cellsOf(page, 'Sums')).map(([name, requests]) => [name, count(requests)])).toEqual([
      ['All', 7],
      [`Ann ${script}`, 6],
      ['nightly', 1],
    ])
    await page.getByText('The usage of 1 of these requests is estimated: no upstream reported it.').waitFor()
    await page.getByText('None: spending is not limited.').waitFor()
    expect(await page.getByRole('button', { name: 'Set the budget' }).count()).toBe(0)
    await page.getByLabel('Of', { exact: true }).selectOption('images')
    await page.getByText('Nothing was used in this time').waitFor()
    await expectGoodLooks(page)
  })
})
