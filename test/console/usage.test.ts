/** Usage and spend: the page has the numbers of the reports, exactly. */
import { beforeAll, expect, test } from 'bun:test'
import type { Page } from 'playwright-core'
import type { Counts, Series } from '../../ledger/usage-counts.ts'
import { rollUp } from '../../ledger/usage-rows.ts'
import { series } from '../ledger/asks.ts'
import type { TestServer } from '../setup.ts'
import { expectGoodLooks, inConsole } from './browser.ts'
import { newPerson, newProject } from './people.ts'

const script = '<img src=x onerror=alert(1)>'
const HOUR = 3600
const DAY = 24 * HOUR
const dollar = 1_000_000_000

interface Used {
  project_id: string
  ann: string
  key: { id: string; name: string }
}

/** Usage of two projects, of a person and a service account, of some kinds, now and long ago. */
async function use(server: TestServer): Promise<Used> {
  const { organization_id, database } = server
  const project_id = await newProject(server, `=Ranking ${script}`)
  const ann = await newPerson(server, { name: `Ann ${script}`, project_id })
  const account = await server.client.admin.organization.projects.serviceAccounts.create(project_id, {
    name: 'nightly',
  })
  const key = account.api_key!
  const other = { organization_id, project_id: server.project_id, user_id: server.owner_id }
  const own = { organization_id, project_id, user_id: ann, api_key_id: key.id }
  const ofAccount = { ...own, user_id: account.id, model: 'qwen, large' }
  const now = Math.floor(Date.now() / 1000)
  const used: [number, Partial<Series>, Counts][] = [
    [0, own, { requests: 2, input: 1_234_567, cached: 1000, output: 89, cost_input: 3 * dollar + 1, cost_output: 7 }],
    [3 * HOUR, ofAccount, { requests: 1, input: 11, output: 5, cost_output: dollar }],
    [3 * HOUR, { ...own, kind: 'embeddings', model: 'embed' }, { requests: 4, input: 7_000, cost_input: 20 }],
    [30 * HOUR, other, { requests: 1, input: 100_000, output: 3, cost_input: 5 * dollar }],
    [40 * DAY, other, { requests: 9, input: 500, output: 50, cost_input: 2 * dollar }],
    [200 * DAY, own, { requests: 1, input: 1, output: 1, cost_input: 1 }],
    [HOUR, { ...other, kind: 'images', model: 'picture' }, { requests: 3, units: 3, cost_units: dollar / 50 }],
  ]
  const rows = used.map(([ago, who, counts]) => ({
    series: { ...series, ...who },
    minute: Math.floor((now - ago) / 60),
    counts,
  }))
  await database.write((sql) => rollUp(sql, database.engine, rows))
  return { project_id, ann, key }
}

/** The rows of a table, as texts. */
const cellsOf = (page: Page, name: string) =>
  page
    .getByRole('table', { name, exact: true })
    .locator('tbody tr')
    .evaluateAll((rows) => rows.map((row) => [...row.querySelectorAll('.value')].map((cell) => cell.textContent)))

const count = (text: string | null | undefined) => Number(text!.replaceAll(/[^\d.]/g, ''))

/** What the reports say since a moment: tokens and requests of all kinds, dollars. */
async function reported({ client }: TestServer, start_time: number, project_ids: string[] = []) {
  const { usage } = client.admin.organization
  const sum = { input: 0, output: 0, requests: 0, dollars: 0 }
  for (const report of ['completions', 'embeddings', 'images'] as const)
    for (let page: string | null = ''; page !== null;) {
      const answer: { data: { results: unknown[] }[]; next_page: string | null } = await usage[report]({
        start_time,
        project_ids,
        limit: 31,
        ...(page && { page }),
      })
      for (const result of answer.data.flatMap(({ results }) => results as Record<string, number>[])) {
        sum.input += result.input_tokens ?? 0
        sum.output += result.output_tokens ?? 0
        sum.requests += report === 'images' ? 0 : result.num_model_requests!
      }
      page = answer.next_page
    }
  const costs = await usage.costs({ start_time, project_ids, limit: 180 })
  for (const { amount } of costs.data.flatMap(({ results }) => results as { amount: { value: number } }[]))
    sum.dollars += amount.value
  return sum
}

/** Whether the plot has a pixel of a colour. */
const isPlotted = (page: Page, color: string) =>
  page.waitForFunction((name) => {
    const canvas = document.querySelector<HTMLCanvasElement>('.plot canvas')
    if (!canvas?.width) return false
    const probe = document.body.appendChild(document.createElement('i'))
    probe.style.color = `var(--${name})`
    const wanted = getComputedStyle(probe).color.match(/\d+/g)!.map(Number)
    probe.remove()
    // Read from a copy, because reading makes a canvas slow.
    const { width, height } = canvas
    const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!
    copy.drawImage(canvas, 0, 0)
    const { data } = copy.getImageData(0, 0, width, height)
    for (let at = 0; at < data.length; at += 4)
      if (data[at + 3] === 255 && wanted.every((value, place) => data[at + place] === value)) return true
    return false
  }, color)

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

  test('a reader sees the same and changes nothing, and a member sees nothing', async () => {
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
    await page.getByText('None: spending is not limited.').waitFor()
    expect(await page.getByRole('button', { name: 'Set the budget' }).count()).toBe(0)
    await page.getByLabel('Of', { exact: true }).selectOption('images')
    await page.getByText('Nothing was used in this time').waitFor()
    await expectGoodLooks(page)

    const member = await open('/usage', { as: used.ann })
    await member.getByRole('alert').waitFor()
    expect(await member.getByRole('link', { name: 'Usage and spend' }).count()).toBe(0)
    expect(await member.getByRole('table').count()).toBe(0)
  })
})
