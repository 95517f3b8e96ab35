/** Usage for tests of the console, and what its pages show of it. */
import type { Page } from 'playwright-core'
import type { Counts, Series } from '../../ledger/usage-counts.ts'
import { rollUp } from '../../ledger/usage-rows.ts'
import { series } from '../ledger/asks.ts'
import type { TestServer } from '../setup.ts'
import { newPerson, newProject } from './people.ts'

export const script = '<img src=x onerror=alert(1)>'
export const HOUR = 3600
export const DAY = 24 * HOUR
export const dollar = 1_000_000_000

export interface Used {
  project_id: string
  ann: string
  key: { id: string; name: string }
}

/** Usage of two projects, of a person and a service account, of some kinds, now and long ago. */
export async function use(server: TestServer): Promise<Used> {
  const { organization_id, database } = server
  const project_id = await newProject(server, `=Ranking ${script}`)
  const ann = await newPerson(server, { name: `Ann ${script}`, project_id })
  const account = await server.client.admin.organization.projects.serviceAccounts.create(project_id, {
    name: 'nightly',
  })
  const key = account.api_key!
  const other = { organization_id, project_id: server.project_id, user_id: server.owner_id }
  const own = { organization_id, project_id, user_id: ann, api_key_id: key.id }
  const ofAccount = { ...own, user_id: account.id, model: 'qwen, large', estimated: 1 as const }
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
export const cellsOf = (page: Page, name: string) =>
  page
    .getByRole('table', { name, exact: true })
    .locator('tbody tr')
    .evaluateAll((rows) => rows.map((row) => [...row.querySelectorAll('.value')].map((cell) => cell.textContent)))

export const count = (text: string | null | undefined) => Number(text!.replaceAll(/[^\d.]/g, ''))

/** What the reports say since a moment: tokens and requests of all kinds, dollars. */
export async function reported({ client }: TestServer, start_time: number, project_ids: string[] = []) {
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
  for (let page: string | null = ''; page !== null;) {
    const costs: Awaited<ReturnType<typeof usage.costs>> = await usage.costs({
      start_time,
      project_ids,
      limit: 180,
      ...(page && { page }),
    })
    for (const { amount } of costs.data.flatMap(({ results }) => results as { amount: { value: number } }[]))
      sum.dollars += amount.value
    page = costs.next_page
  }
  return sum
}

/** Whether the plot has a pixel of a colour. */
export const isPlotted = (page: Page, color: string) =>
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
