/** The limits of a project as people read them: money, rates and models, each with what is used. */
import type { Static } from '../contract/kit.ts'
import type { ProjectLimits } from '../contract/project-limit-use.ts'
import { printable } from '../world/printable.ts'
import type { Terminal } from '../world/terminal.ts'
import type { Item } from './cells.ts'
import { table } from './table.ts'

type Limits = Static<typeof ProjectLimits>
type Spend = Limits['spend']['project']
type RateLimit = Limits['rate_limits'][number]['limits'][number]

export const isLimits = (item: Item): boolean => item.object === 'project.limits'

export function limitsTables(item: Item, terminal: Pick<Terminal, 'columns' | 'width'>): string {
  const { month, spend, rate_limits, model_permissions } = item as unknown as Limits
  const money = [spendRow('organization', spend.organization), spendRow('project', spend.project)]
  const rates = rate_limits.flatMap(({ model, limits }) => limits.map((limit) => rateRow(model, limit)))
  const free = rate_limits.filter(({ limits }) => limits.length === 0).length
  const others = free === 1 ? '1 other model has none.' : `${free} other models have none.`
  return [
    `Spend in ${month} (UTC), in dollars\n`,
    table(money, ['of', 'limit', 'spent', 'reserved', 'burned', 'left', 'status'], true, terminal),
    '\n',
    ...(rates.length === 0
      ? ['No model has a rate limit.\n']
      : [
          'Rate limits\n',
          table(rates, ['model', 'counts', 'limit', 'used', 'held', 'left'], true, terminal),
          ...(free > 0 ? [`${others}\n`] : []),
        ]),
    '\n',
    `Models: ${modelsOf(model_permissions)}.\n`,
  ].join('')
}

/** A line for each limit, for spreadsheets. */
export const limitColumns = ['of', 'model', 'counts', 'limit', 'used', 'held', 'burned', 'left', 'status']

export function limitRows(item: Item): Item[] {
  const { spend, rate_limits } = item as unknown as Limits
  const money = (of: string, one: Spend) => ({
    of,
    counts: 'dollars a month',
    limit: one.threshold_amount === null ? null : one.threshold_amount / 100,
    used: one.spent,
    held: one.reserved,
    burned: one.burned,
    left: one.remaining,
    status: one.enforcement?.status ?? null,
  })
  return [
    money('organization', spend.organization),
    money('project', spend.project),
    ...rate_limits.flatMap(({ model, limits }) =>
      limits.map((limit) => ({ of: 'project', ...rateRow(model, limit), status: null })),
    ),
  ]
}

const spendRow = (of: string, { threshold_amount, spent, reserved, burned, remaining, enforcement }: Spend) => ({
  of,
  limit: threshold_amount === null ? 'none' : dollars(threshold_amount / 100),
  spent: dollars(spent),
  reserved: dollars(reserved),
  burned: dollars(burned),
  left: remaining === null ? '-' : dollars(remaining),
  status: enforcement?.status ?? '-',
})

/** Cents at least, and millionths of a dollar where there are any. */
const dollars = (value: number) => value.toFixed(6).replace(/(\.\d\d\d*?)0+$/, '$1')

const counts: Record<RateLimit['name'], string> = {
  max_requests_per_1_minute: 'requests a minute',
  max_tokens_per_1_minute: 'tokens a minute',
  max_images_per_1_minute: 'images a minute',
  max_audio_megabytes_per_1_minute: 'audio megabytes a minute',
  max_requests_per_1_day: 'requests a day',
  batch_1_day_max_input_tokens: 'batch tokens a day',
}

const rateRow = (model: string, { name, limit, used, held, remaining }: RateLimit) => ({
  model,
  counts: counts[name],
  limit,
  used,
  held,
  left: remaining,
})

function modelsOf(permissions: Limits['model_permissions']): string {
  if (permissions === null) return 'all'
  const names = permissions.model_ids.map(printable).join(', ') || 'none'
  return permissions.mode === 'allow_list' ? `only ${names}` : `all but ${names}`
}
