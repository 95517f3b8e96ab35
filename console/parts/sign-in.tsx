/** The way in: by an admin key, or by the organization's identity provider. */
import { useEffect } from 'preact/hooks'
import { base } from '../place.ts'
import { hasEnded, methods, signIn } from '../session.ts'
import { Form, TextField } from './form.tsx'

export function SignIn() {
  useEffect(() => {
    document.title = 'Sign in – Keyhall'
  }, [])
  return (
    <main class="alone">
      <h1>Sign in to Keyhall</h1>
      {hasEnded.value && (
        <p class="note" role="status">
          Your session has ended. Sign in again.
        </p>
      )}
      {methods.value.oidc && <WithProvider />}
      {methods.value.admin_key && <WithAdminKey />}
      {!Object.values(methods.value).includes(true) && (
        <p>Nobody can sign in at this address: it needs https, or a browser on the machine of the server.</p>
      )}
    </main>
  )
}

function WithProvider() {
  const start = new URL('oidc/start', base)
  start.searchParams.set('return_to', location.pathname + location.search)
  return (
    <p>
      <a class="button primary" href={start.href} target="_self">
        Sign in with your organization
      </a>
    </p>
  )
}

const WithAdminKey = () => (
  <Form
    submit="Sign in"
    onSubmit={async (valueOf, form) => {
      // The key is cleared before it is sent, and kept nowhere.
      form.reset()
      await signIn({ admin_key: valueOf('admin_key') })
    }}
  >
    <TextField
      label="Admin key"
      name="admin_key"
      type="password"
      required
      hint="The first start of the server printed one. On the host, “keyhall admin-keys create” makes another."
    />
  </Form>
)
