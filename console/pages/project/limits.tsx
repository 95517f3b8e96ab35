/** The rate limits of a project as they stand now, and a form to change those of a model. */
import { useSignal } from '@preact/signals'
import { DataTable } from '../../parts/data-table.tsx'
import { TextField } from '../../parts/form.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { Problem } from '../../parts/problem.tsx'
import { limitNames as names, StandingLimits, type LimitName } from '../../parts/standing-limits.tsx'
import { organization, useAnswer, useList } from '../../use-calls.ts'
import type { SectionProps } from '../project.tsx'

type RateLimit = Awaited<ReturnType<typeof organization.projects.rateLimits.listRateLimits>>['data'][number]

/** As in the API: the greatest number of 31 bits stands for no limit. */
const UNLIMITED = 2 ** 31 - 1

const limitNames = Object.keys(names) as LimitName[]

export function Limits({ project: { id: project_id }, mayChange }: SectionProps) {
  const now = useAnswer((options) => organization.projects.limits.retrieve(project_id, options), [project_id])
  const all = useList<RateLimit>(
    (options) => organization.projects.rateLimits.listRateLimits(project_id, { limit: 100 }, options),
    [project_id],
  )
  const changing = useSignal<RateLimit | null>(null)
  function reload() {
    now.reload()
    all.reload()
  }
  return (
    <>
      <Problem problem={now.problem} retry={reload} />
      <p>
        What is used counts the last 60 seconds or 24 hours.{' '}
        <button type="button" onClick={reload}>
          Look again
        </button>
      </p>
      {now.answer && <StandingLimits of={now.answer.rate_limits} />}
      <h2>Models</h2>
      <DataTable
        caption="Models"
        list={all}
        columns={[{ title: 'Model', cell: ({ model }: RateLimit) => model }]}
        keyOf={({ id }) => id}
        empty={<p>The upstreams offer no model yet.</p>}
        actions={
          mayChange &&
          ((limit) => (
            <button type="button" onClick={() => (changing.value = limit)}>
              Change <span class="visually-hidden">the limits of {limit.model}</span>
            </button>
          ))
        }
      />
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
