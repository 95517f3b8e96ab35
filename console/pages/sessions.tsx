/**
 * Who is signed in here, and sessions: one's own, and everybody's for who may read them. Each can
 * be ended.
 */
import { useSignal } from '@preact/signals'
import { organization, useList } from '../use-calls.ts'
import type { PageProps } from '../pages.ts'
import { DataTable, type Column } from '../parts/data-table.tsx'
import { DateTime } from '../parts/date-time.tsx'
import { Confirm } from '../parts/dialog.tsx'
import { Page } from '../parts/page.tsx'
import { signOut } from '../session.ts'

type Session = Awaited<ReturnType<typeof organization.sessions.list>>['data'][number]

export default function OwnSessions({ me: { user, organization: own } }: PageProps) {
  const list = useList<Session>((options) => organization.sessions.list({ limit: 50 }, options), [])
  const ending = useSignal<Session | null>(null)
  return (
    <Page
      title="Sessions"
      about={
        <>
          You are <strong>{user.name}</strong> ({user.email}), {user.role} of {own.name}.
        </>
      }
    >
      <DataTable
        caption="Sessions"
        list={list}
        columns={columns}
        keyOf={({ id }) => id}
        empty={<p>No session.</p>}
        actions={(session) => (
          <button type="button" onClick={() => (ending.value = session)}>
            End <span class="visually-hidden">the session from {session.ip_address}</span>
          </button>
        )}
      />
      {ending.value && (
        <Confirm
          title={ending.value.current ? 'Sign out?' : 'End this session?'}
          action={ending.value.current ? 'Sign out' : 'End it'}
          onClose={() => (ending.value = null)}
          onConfirm={async () => {
            if (ending.value!.current) return signOut()
            await organization.sessions.delete(ending.value!.id)
            list.reload()
          }}
        >
          <p>Whoever uses it must sign in again.</p>
        </Confirm>
      )}
    </Page>
  )
}

const ways = { admin_key: 'Admin key', link: 'Link by e-mail', oidc: 'Identity provider' }

const columns: Column<Session>[] = [
  {
    title: 'Person',
    cell: ({ user, current }) => (
      <>
        {user.name || user.email}
        {current && <span class="badge">This one</span>}
      </>
    ),
  },
  { title: 'Browser', cell: ({ user_agent }) => <span title={user_agent ?? ''}>{browserOf(user_agent)}</span> },
  { title: 'Address', cell: ({ ip_address }) => ip_address ?? '–' },
  { title: 'Signed in by', cell: ({ method }) => ways[method] },
  { title: 'Began', cell: ({ created_at }) => <DateTime at={created_at} /> },
  { title: 'Last used', cell: ({ last_used_at }) => <DateTime at={last_used_at} none="Not yet" /> },
  { title: 'Ends', cell: ({ expires_at }) => <DateTime at={expires_at} /> },
]

/** The first that a user agent names wins: most name those that they resemble too. */
function browserOf(user_agent: string | null): string {
  const browser = ['Firefox', 'Edg', 'OPR', 'Chrome', 'Safari'].find((name) => user_agent?.includes(`${name}/`))
  const system = ['Android', 'iPhone', 'iPad', 'Windows', 'Mac OS', 'Linux'].find((name) => user_agent?.includes(name))
  if (!browser) return user_agent?.slice(0, 40) || '–'
  const name = { Edg: 'Edge', OPR: 'Opera' }[browser] ?? browser
  return system ? `${name} on ${system}` : name
}
