/** The rate limits of a project as they stand now, and a form to change those of a model. */
import { useSignal } from '@preact/signals'
import { TextField } from '../../parts/form.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { Problem } from '../../parts/problem.tsx'
import { organization, useAnswer, type Answered } from '../../use-calls.ts'
import type { SectionProps } from '../project.tsx'

type ProjectLimits = Awaited<ReturnType<typeof organization.projects.limits.retrieve>>
type OfModel = ProjectLimits['rate_limits'][number]
type RateLimit = Awaited<ReturnType<typeof organization.projects.rateLimits.listRateLimits>>['data'][number]

/** As in the API: the greatest number of 31 bits stands for no limit. */
const UNLIMITED = 2 ** 31 - 1

const names = {
  max_requests_per_1_minute: 'Requests a minute',
  max_tokens_per_1_minute: 'Tokens a minute',
  max_images_per_1_minute: 'Images a minute',
  max_audio_megabytes_per_1_minute: 'Megabytes of audio a minute',
  max_requests_per_1_day: 'Requests a day',
  batch_1_day_max_input_tokens: 'Tokens in batches a day',
}
type LimitName = keyof typeof names
const limitNames = Object.keys(names) as LimitName[]

export function Limits({ project: { id: project_id }, mayChange }: SectionProps) {
  const now = useAnswer((options) => organization.projects.limits.retrieve(project_id, options), [project_id])
  const all = useAnswer(
    (options) => organization.projects.rateLimits.listRateLimits(project_id, { limit: 100 }, options),
    [project_id],
  )
  const changing = useSignal<RateLimit | null>(null)
  const reload = () => [now, all].forEach((one: Answered<unknown>) => one.reload())
  return (
    <>
      <Problem problem={now.problem ?? all.problem} retry={reload} />
      <p>
        What is used counts the last 60 seconds or 24 hours.{' '}
        <button type="button" onClick={reload}>
          Look again
        </button>
      </p>
      {now.answer && <Standing of={now.answer.rate_limits} />}
      <h2>Change limits</h2>
      {all.answer?.data.length === 0 && <p>The upstreams offer no model yet.</p>}
      <ul class="models">
        {all.answer?.data.map((limit) => (
          <li key={limit.id}>
            <span>{limit.model}</span>{' '}
            {mayChange && (
              <button type="button" onClick={() => (changing.value = limit)}>
                Change <span class="visually-hidden">the limits of {limit.model}</span>
              </button>
            )}
          </li>
        ))}
      </ul>
      {changing.value && (
        <ChangeLimits
          project_id={project_id}
          of={changing.value}
          onChanged={reload}
          onClose={() => (changing.value = null)}
        />
      )}
    </>
  )
}

const Standing = ({ of: models }: { of: readonly OfModel[] }) =>
  models.every(({ limits }) => limits.length === 0) ? (
    <p>No model is limited in this project.</p>
  ) : (
    <table role="table">
      <caption class="visually-hidden">Limits now</caption>
      <thead role="rowgroup">
        <tr role="row">
          {['Model', 'Limit', 'Of', 'Used', 'Left'].map((title) => (
            <th key={title} role="columnheader" scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {models.flatMap(({ id, model, limits }) =>
          limits.map((limit) => <LimitRow key={`${id} ${limit.name}`} model={model} of={limit} />),
        )}
      </tbody>
    </table>
  )

const count = new Intl.NumberFormat()

const LimitRow = ({
  model,
  of: { name, limit, used, remaining },
}: {
  model: string
  of: OfModel['limits'][number]
}) => (
  <tr role="row">
    <th role="rowheader" scope="row">
      {model}
    </th>
    <td role="cell">{names[name]}</td>
    <td role="cell">{count.format(limit)}</td>
    <td role="cell">
      <meter min={0} max={limit} value={used} aria-label={`${names[name]} used of ${model}`} /> {count.format(used)}
    </td>
    <td role="cell">{count.format(remaining)}</td>
  </tr>
)

interface ChangeProps {
  project_id: string
  of: RateLimit
  onChanged: () => void
  onClose: () => void
}

function ChangeLimits({ project_id, of: limits, onChanged, onClose }: ChangeProps) {
  const known = limits as unknown as Partial<Record<LimitName, number>>
  const shown = (name: LimitName) => ((known[name] ?? UNLIMITED) === UNLIMITED ? '' : String(known[name]))
  return (
    <FormDialog
      title={`Limits of ${limits.model}`}
      onClose={onClose}
      submit="Save"
      onSubmit={async (valueOf) => {
        const changed = limitNames.filter((name) => valueOf(name) !== shown(name))
        const body = Object.fromEntries(changed.map((name) => [name, Number(valueOf(name) || UNLIMITED)]))
        await organization.projects.rateLimits.updateRateLimit(limits.id, { project_id, ...body })
        onChanged()
        onClose()
      }}
    >
      <p>An empty field means no limit.</p>
      {limitNames.map((name) => (
        <TextField key={name} label={names[name]} name={name} type="number" min={0} value={shown(name)} />
      ))}
    </FormDialog>
  )
}
