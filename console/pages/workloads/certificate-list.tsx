/**
 * The certificates of authorities: while one is active, model requests need a client certificate.
 */
import { useSignal } from '@preact/signals'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { TextArea, TextField } from '../../parts/form.tsx'
import { organization, useList } from '../../use-calls.ts'
import type { WorkloadsProps } from '../workloads.tsx'
import { CertificateRows, nameOf } from './certificate-rows.tsx'

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
      <CertificateRows
        list={list}
        mayChange={mayChange}
        onSwitch={(certificate) => (changing.value = { what: 'toggle', certificate })}
        actions={(certificate) => (
          <button type="button" onClick={() => (changing.value = { what: 'delete', certificate })}>
            Delete <span class="visually-hidden">{nameOf(certificate)}</span>
          </button>
        )}
        empty="Upload that of your authority and activate it, and model requests must come with a client certificate."
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
          Client certificates that chain to <strong>{nameOf({ id, name })}</strong> alone open nothing any more. Without
          any active certificate, none is needed.
        </>
      ) : (
        <>
          From then on every model request, in all projects, needs a client certificate that chains to{' '}
          <strong>{nameOf({ id, name })}</strong> or to another active one. Clients without one are refused at once.
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
      <strong>{nameOf({ id, name })}</strong> must be inactive everywhere.
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
