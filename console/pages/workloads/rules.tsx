/** The rules of an identity provider: which tokens stand for which service account. */
import { useSignal } from '@preact/signals'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { Confirm, Dialog } from '../../parts/dialog.tsx'
import { Done } from '../../parts/done.tsx'
import { Form, TextArea, TextField } from '../../parts/form.tsx'
import { ProjectChoice } from '../../parts/project-choice.tsx'
import { Refusal } from '../../parts/problem.tsx'
import { organization, useList } from '../../use-calls.ts'
import type { Provider } from './providers.tsx'

const { federationRules } = organization.workloadIdentityProviders

type Rule = Awaited<ReturnType<typeof federationRules.list>>['data'][number]

interface Props {
  provider: Provider
  mayDelete: boolean
  mayAdd: boolean
  onClose: () => void
}

export function Rules({ provider, mayDelete, mayAdd, onClose }: Props) {
  const list = useList<Rule>((options) => federationRules.list(provider.id, { limit: 50 }, options), [provider.id])
  const ending = useSignal<Rule | null>(null)
  return (
    <Dialog title={`Rules of ${provider.name}`} onClose={onClose}>
      <DataTable
        caption="Rules"
        list={list}
        columns={columns}
        keyOf={({ id }) => id}
        empty={<p>There is no rule yet, so that no token of this issuer opens anything.</p>}
        actions={
          mayDelete &&
          ((rule) => (
            <button type="button" onClick={() => (ending.value = rule)}>
              Delete <span class="visually-hidden">the rule {rule.name}</span>
            </button>
          ))
        }
      />
      {ending.value && (
        <Confirm
          title="Delete this rule?"
          action="Delete"
          onClose={() => (ending.value = null)}
          onConfirm={async () => {
            await federationRules.delete(ending.value!.id, { workload_identity_provider_id: provider.id })
            list.reload()
          }}
        >
          <p>
            Tokens that match <strong>{ending.value.name || ending.value.id}</strong> are exchanged no longer, and
            access tokens that were issued by it open nothing from then on.
          </p>
        </Confirm>
      )}
      {mayAdd && <AddRule provider={provider} onAdded={list.reload} />}
      <Done onClose={onClose} />
    </Dialog>
  )
}

const columns: Column<Rule>[] = [
  { title: 'Name', cell: ({ id, name }) => name || id },
  {
    title: 'Token has',
    cell: ({ attribute_matchers }) => (
      <ul>
        {Object.entries(attribute_matchers).map(([name, value]) => (
          <li key={name}>
            {name} = {String(value)}
          </li>
        ))}
      </ul>
    ),
  },
  { title: 'Stands for', cell: ({ service_account_id }) => <code>{service_account_id}</code> },
]

const AddRule = ({ provider, onAdded }: { provider: Provider; onAdded: () => void }) => (
  <Form
    submit="Add a rule"
    onSubmit={async (valueOf, form) => {
      await federationRules.create(provider.id, {
        name: valueOf('name'),
        project_id: valueOf('project_id'),
        service_account_id: valueOf('service_account_id'),
        attribute_matchers: matchersIn(valueOf('attribute_matchers')),
      })
      form.reset()
      onAdded()
    }}
  >
    <TextField label="Name of the rule" name="name" required maxLength={255} />
    <ProjectChoice label="Project" name="project_id" />
    <TextField label="Id of the service account" name="service_account_id" required placeholder="user-…" />
    <TextArea
      label="What the token must have"
      name="attribute_matchers"
      rows={3}
      hint="One in a line: a claim, =, and its exact value. For example sub=repo:acme/app:ref:refs/heads/main"
    />
  </Form>
)

/** Throws a sentence for a line without `=`. */
function matchersIn(text: string): Record<string, string> {
  const lines = text.split('\n').flatMap((line) => line.trim() || [])
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf('=')
      if (at < 1) throw new Refusal(`The line “${line}” must be a claim, =, and its value.`)
      return [line.slice(0, at).trim(), line.slice(at + 1).trim()]
    }),
  )
}
