/**
 * The certificates of authorities: while one is active, model requests need a client certificate.
 */
import { useSignal } from '@preact/signals'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { DateTime } from '../../parts/date-time.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { TextArea, TextField } from '../../parts/form.tsx'
import { organization, useList } from '../../use-calls.ts'
import type { WorkloadsProps } from '../workloads.tsx'

const { certificates } = organization

type Certificate = Awaited<ReturnType<typeof certificates.list>>['data'][number]

export function Certificates({ mayChange }: WorkloadsProps) {
  const list = useList<Certificate>((options) => certificates.list({ limit: 50 }, options), [])
  const isUploading = useSignal(false)
  const changing = useSignal<{ what: 'toggle' | 'delete'; certificate: Certificate } | null>(null)
  return (
    <>
      {mayChange && (
        <button type="button" onClick={() => (isUploading.value = true)}>
          Upload a certificate
        </button>
      )}
      <DataTable
        caption="Certificates"
        list={list}
        columns={certificateColumns}
        keyOf={({ id }) => id}
        empty={
          <Empty title="There is no certificate">
            Upload that of your authority and activate it, and model requests must come with a client certificate.
          </Empty>
        }
        {...(mayChange && {
          actions: (certificate: Certificate) => (
            <>
              <button type="button" onClick={() => (changing.value = { what: 'toggle', certificate })}>
                {certificate.active ? 'Deactivate' : 'Activate'} <span class="visually-hidden">{certificate.name}</span>
              </button>{' '}
              <button type="button" onClick={() => (changing.value = { what: 'delete', certificate })}>
                Delete <span class="visually-hidden">{certificate.name}</span>
              </button>
            </>
          ),
        })}
      />
      {isUploading.value && <Upload onUploaded={list.reload} onClose={() => (isUploading.value = false)} />}
      {changing.value?.what === 'toggle' && (
        <Toggle of={changing.value.certificate} onDone={list.reload} onClose={() => (changing.value = null)} />
      )}
      {changing.value?.what === 'delete' && (
        <DeleteCertificate
          of={changing.value.certificate}
          onDone={list.reload}
          onClose={() => (changing.value = null)}
        />
      )}
    </>
  )
}

/** For lists of the organization and of a project. */
export const certificateColumns: Column<
  Pick<Certificate, 'id' | 'name' | 'active' | 'created_at' | 'certificate_details'>
>[] = [
  {
    title: 'Name',
    cell: ({ id, name, active }) => (
      <>
        {name || id}
        {active && <span class="badge">Active</span>}
      </>
    ),
  },
  { title: 'Uploaded', cell: ({ created_at }) => <DateTime at={created_at} /> },
  { title: 'Expires', cell: ({ certificate_details: { expires_at } }) => <DateTime at={expires_at} /> },
]

interface ChangeProps {
  of: Certificate
  onDone: () => void
  onClose: () => void
}

const Toggle = ({ of: { id, name, active }, onDone, onClose }: ChangeProps) => (
  <Confirm
    title={active ? 'Deactivate this certificate?' : 'Activate this certificate?'}
    action={active ? 'Deactivate' : 'Activate'}
    onClose={onClose}
    onConfirm={async () => {
      await (active ? certificates.deactivate : certificates.activate)({ certificate_ids: [id] })
      onDone()
    }}
  >
    <p>
      {active ? (
        <>
          Client certificates that chain to <strong>{name}</strong> alone open nothing any more. Without any active
          certificate, none is needed.
        </>
      ) : (
        <>
          From then on every model request, in all projects, needs a client certificate that chains to{' '}
          <strong>{name}</strong> or to another active one. Clients without one are refused at once.
        </>
      )}
    </p>
  </Confirm>
)

const DeleteCertificate = ({ of: { id, name }, onDone, onClose }: ChangeProps) => (
  <Confirm
    title="Delete this certificate?"
    action="Delete"
    onClose={onClose}
    onConfirm={async () => {
      await certificates.delete(id)
      onDone()
    }}
  >
    <p>
      <strong>{name || id}</strong> must be inactive everywhere.
    </p>
  </Confirm>
)

const Upload = ({ onUploaded, onClose }: { onUploaded: () => void; onClose: () => void }) => (
  <FormDialog
    title="Upload a certificate"
    onClose={onClose}
    submit="Upload"
    onSubmit={async (valueOf) => {
      await certificates.create({ name: valueOf('name'), certificate: valueOf('certificate') })
      onUploaded()
      onClose()
    }}
  >
    <TextField label="Name" name="name" required maxLength={255} />
    <TextArea
      label="Certificate"
      name="certificate"
      hint="That of an authority, in PEM: -----BEGIN CERTIFICATE----- and what follows. Never a private key."
    />
  </FormDialog>
)
