/** The rate limits of a project as they stand now, with what is used of each. */
import type { organization } from '../use-calls.ts'
import { DataTable, listOf, type Column } from './data-table.tsx'

type ProjectLimits = Awaited<ReturnType<typeof organization.projects.limits.retrieve>>
type OfModel = ProjectLimits['rate_limits'][number]

/** What people call the limits of the API. */
export const limitNames = {
  max_requests_per_1_minute: 'Requests a minute',
  max_tokens_per_1_minute: 'Tokens a minute',
  max_images_per_1_minute: 'Images a minute',
  max_audio_megabytes_per_1_minute: 'Megabytes of audio a minute',
  max_requests_per_1_day: 'Requests a day',
  batch_1_day_max_input_tokens: 'Tokens in batches a day',
}
export type LimitName = keyof typeof limitNames

interface StandingLimit {
  id: string
  model: string
  limit: OfModel['limits'][number]
}

export const StandingLimits = ({ of: models }: { of: readonly OfModel[] }) => (
  <DataTable
    caption="Limits now"
    list={listOf(
      models.flatMap(({ id, model, limits }) =>
        limits.map((limit): StandingLimit => ({ id: `${id} ${limit.name}`, model, limit })),
      ),
    )}
    columns={standing}
    keyOf={({ id }) => id}
    empty={<p>No model is limited in this project.</p>}
  />
)

const count = new Intl.NumberFormat()

const standing: Column<StandingLimit>[] = [
  { title: 'Model', cell: ({ model }) => model },
  { title: 'Limit', cell: ({ limit: { name } }) => limitNames[name] },
  { title: 'Of', cell: ({ limit: { limit } }) => count.format(limit), isNumber: true },
  {
    title: 'Used',
    cell: ({ model, limit: { name, limit, used } }) => (
      <>
        <meter min={0} max={limit} value={used} aria-label={`${limitNames[name]} used of ${model}`} />{' '}
        {count.format(used)}
      </>
    ),
    isNumber: true,
  },
  { title: 'Left', cell: ({ limit: { remaining } }) => count.format(remaining), isNumber: true },
]
