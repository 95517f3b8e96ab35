/** The way in: by the organization's identity provider, a link in a mail, or an admin key. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { base } from '../place.ts'
import { hasEnded, linkToken, methods, signIn } from '../session.ts'
import { organization } from '../use-calls.ts'
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
      {linkToken.value === null ? <Ways /> : <WithLink token={linkToken.value} />}
    </main>
  )
}

function Ways() {
  const { oidc, link, admin_key } = methods.value
  if (!oidc && !link && !admin_key)
    return <p>Nobody can sign in at this address: it needs https, or a browser on the machine of the server.</p>
  return (
    <>
      {oidc && <WithProvider />}
      {link && <AskForLink />}
      {admin_key && <WithAdminKey />}
    </>
  )
}

/** Opening the link changes nothing, because mail scanners open links too. */
const WithLink = ({ token }: { token: string }) => (
  <Form
    submit="Sign in"
    onSubmit={() => signIn({ token })}
    actions={
      <button type="button" onClick={() => (linkToken.value = null)}>
        Sign in another way
      </button>
    }
  >
    <p>Your link signs you in once.</p>
  </Form>
)

function AskForLink() {
  const isSent = useSignal(false)
  if (isSent.value)
    return (
      <p class="note" role="status">
        If somebody here has this address, a link is on its way. It works once, for 15 minutes.
      </p>
    )
  return (
    <Form
      submit="Send me a link"
      onSubmit={async (valueOf) => {
        await organization.sessions.links.create({ email: valueOf('email') })
        isSent.value = true
      }}
    >
      <TextField label="E-mail address" name="email" type="email" autocomplete="email" required />
    </Form>
  )
}

function WithProvider() {
  const start = new URL('oidc/start', base)
  start.searchParams.set('return_to', location.pathname + location.search)
  return (
    <p>
      <a class="button primary" href={start.href} target="_self">
        Sign in with {methods.value.oidc_name ?? 'your organization'}
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
