/** Who is signed in, and how that begins and ends. No secret is kept here: the cookie has it. */
import { signal } from '@preact/signals'
import { AuthenticationError, NotFoundError } from '../client/index.ts'
import { base, hrefOf, place } from './place.ts'
import { organization, whenSessionEnds } from './use-calls.ts'

export type Me = Awaited<ReturnType<typeof organization.me.retrieve>>

interface SignInMethods {
  admin_key: boolean
  link: boolean
  oidc: boolean
  /** What people call the identity provider; null where the operator does not say. */
  oidc_name: string | null
}

/** Undefined until it is known, and null while nobody is signed in. */
export const me = signal<Me | null | undefined>(undefined)
/** Why nobody can be known to be signed in: the server could not be asked. */
export const loadProblem = signal<unknown>(undefined)
/** Whether a session ended by itself, so that signing in says so. */
export const hasEnded = signal(false)
export const methods = signal<SignInMethods>({ admin_key: true, link: false, oidc: false, oidc_name: null })

/** Other tabs of the same browser begin anew when somebody signs in or out. */
const channel = new BroadcastChannel('keyhall-session')
channel.addEventListener('message', () => location.reload())
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has one origin
const tellOtherTabs = () => channel.postMessage('changed')

/** Asks who is signed in; if nobody is, which ways of signing in there are. */
export async function loadMe() {
  loadProblem.value = undefined
  try {
    me.value = await organization.me.retrieve()
  } catch (problem) {
    // Otherwise the page asks for signing in, which does not help against a second cookie.
    if (!(problem instanceof AuthenticationError) || problem.code === 'two_sessions') loadProblem.value = problem
  }
}

whenSessionEnds(() => void askForSignIn())

async function askForSignIn() {
  if (me.value === null) return
  hasEnded.value = Boolean(me.value)
  methods.value = await signInMethods()
  me.value = null
}

async function signInMethods(): Promise<SignInMethods> {
  try {
    const response = await fetch(new URL('sign-in-methods.json', base), { cache: 'no-store' })
    return response.ok ? ((await response.json()) as SignInMethods) : methods.value
  } catch {
    return methods.value
  }
}

/** The token of the link that was opened. It is gone from the address before anything is shown. */
export const linkToken = signal(takeLinkToken())

/** It stands behind `#`, where no server and no log sees it. */
function takeLinkToken(): string | null {
  const [, token] = /^#token=(.+)$/.exec(location.hash) ?? []
  if (!token || place.value.path !== '/sign-in') return null
  history.replaceState(null, '', hrefOf('/sign-in'))
  return token
}

/** A second link that is opened in the same tab changes nothing but what stands behind `#`. */
addEventListener('hashchange', () => {
  const token = takeLinkToken()
  if (token) linkToken.value = token
})

/** Makes a session of an admin key, or of the token of a link. */
export async function signIn(proof: { admin_key: string } | { token: string }) {
  await organization.sessions.create(proof)
  hasEnded.value = false
  linkToken.value = null
  await loadMe()
  tellOtherTabs()
}

/** Ends the session. Everything that was shown goes with the page's memory. */
export async function signOut() {
  try {
    await organization.sessions.delete('current')
  } catch (problem) {
    const hasEndedAlready = problem instanceof AuthenticationError || problem instanceof NotFoundError
    if (!hasEndedAlready) throw problem
  }
  me.value = null
  tellOtherTabs()
  location.replace(hrefOf('/'))
}

/** Whether the person has a permission in a project, by a role in it or in the organization. */
export const canIn = (me: Me, project_id: string, permission: string) =>
  can(me, permission) ||
  (me.projects.find(({ id }) => id === project_id)?.permissions as readonly string[] | undefined)?.includes(
    permission,
  ) === true

/** The projects that the person looks into by a role in them. */
export const managedBy = (me: Me) =>
  me.projects.filter(({ permissions }) => (permissions as readonly string[]).includes('api.management.read'))

/** Whether the person has a permission of the whole organization. */
export const can = ({ permissions }: Me, permission: string) => (permissions as readonly string[]).includes(permission)

/**
 * Whether the person has a permission and owns the organization, without which the server lets
 * nobody invite people, make admin keys, or trust identity providers and their rules.
 */
export const canAsOwner = (me: Me, permission: string) => can(me, permission) && me.user.role === 'owner'
