/** The issuers whose tokens workloads may exchange, each with its rules. */
import { useSignal } from '@preact/signals'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { DateTime } from '../../parts/date-time.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { TextField } from '../../parts/form.tsx'
import { canAsOwner } from '../../session.ts'
import { organization, useList } from '../../use-calls.ts'
import type { WorkloadsProps } from '../workloads.tsx'
import { Rules } from './rules.tsx'

const { workloadIdentityProviders } = organization

export type Provider = Awaited<ReturnType<typeof workloadIdentityProviders.list>>['data'][number]

export function Providers({ me, mayChange }: WorkloadsProps) {
  const mayTrust = canAsOwner(me, 'api.management.write')
  const list = useList<Provider>((options) => workloadIdentityProviders.list({ limit: 50 }, options), [])
  const open = useSignal<{ what: 'create' } | { what: 'rules' | 'delete'; provider: Provider } | null>(null)
  const close = () => (open.value = null)
  const shown = open.value
  return (
    <>
      {mayTrust && (
        <button type="button" onClick={() => (open.value = { what: 'create' })}>
          Register an issuer
        </button>
      )}
      <DataTable
        caption="Identity providers"
        list={list}
        columns={columns}
        keyOf={({ id }) => id}
        empty={
          <Empty title="There is no identity provider yet">
            {mayTrust
              ? 'Register the issuer of a Kubernetes cluster or of GitHub Actions, then say'
              : 'An owner of the organization registers the issuer of a Kubernetes cluster or of GitHub Actions, and says'}{' '}
            which of its tokens stand for which service account.
          </Empty>
        }
        actions={(provider) => (
          <>
            <button type="button" onClick={() => (open.value = { what: 'rules', provider })}>
              Rules <span class="visually-hidden">of {provider.name}</span>
            </button>{' '}
            {mayChange && (
              <button type="button" onClick={() => (open.value = { what: 'delete', provider })}>
                Delete <span class="visually-hidden">{provider.name}</span>
              </button>
            )}
          </>
        )}
      />
      {shown?.what === 'create' && <Register onRegistered={list.reload} onClose={close} />}
      {shown?.what === 'rules' && (
        <Rules provider={shown.provider} mayDelete={mayChange} mayAdd={mayTrust} onClose={close} />
      )}
      {shown?.what === 'delete' && <DeleteProvider provider={shown.provider} onDeleted={list.reload} onClose={close} />}
    </>
  )
}

const columns: Column<Provider>[] = [
  {
    title: 'Name',
    cell: ({ name, enabled }) => (
      <>
        {name}
        {!enabled && <span class="badge">Off</span>}
      </>
    ),
  },
  { title: 'Issuer', cell: ({ issuer }) => issuer },
  { title: 'Audience', cell: ({ audience }) => audience },
  { title: 'Changed', cell: ({ updated_at }) => <DateTime at={updated_at} /> },
]

interface DeleteProps {
  provider: Provider
  onDeleted: () => void
  onClose: () => void
}

const DeleteProvider = ({ provider, onDeleted, onClose }: DeleteProps) => (
  <Confirm
    title="Delete this identity provider?"
    action="Delete"
    onClose={onClose}
    onConfirm={async () => {
      await workloadIdentityProviders.delete(provider.id)
      onDeleted()
    }}
  >
    <p>
      Tokens of <strong>{provider.issuer}</strong> are taken no longer. Its rules must be deleted before.
    </p>
  </Confirm>
)

const Register = ({ onRegistered, onClose }: { onRegistered: () => void; onClose: () => void }) => (
  <FormDialog
    title="Register an issuer"
    onClose={onClose}
    submit="Register"
    onSubmit={async (valueOf) => {
      await workloadIdentityProviders.create({
        type: 'oidc',
        name: valueOf('name'),
        issuer: valueOf('issuer'),
        audience: valueOf('audience'),
      })
      onRegistered()
      onClose()
    }}
  >
    <TextField label="Name" name="name" required maxLength={255} hint="Such as “production cluster”." />
    <TextField
      label="Issuer"
      name="issuer"
      required
      maxLength={2048}
      placeholder="https://token.actions.githubusercontent.com"
      hint="The iss of its tokens, exactly. Its keys are fetched from below this address."
    />
    <TextField
      label="Audience"
      name="audience"
      required
      maxLength={1024}
      hint="What the aud of its tokens must have."
    />
  </FormDialog>
)
