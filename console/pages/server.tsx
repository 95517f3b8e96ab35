/** The server: its version and storage, whether its upstreams answer, who shares its database. */
import { DataTable, listOf, Waiting, type Column } from '../parts/data-table.tsx'
import { Empty } from '../parts/empty.tsx'
import { Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { organization, useAnswer } from '../use-calls.ts'

type Server = Awaited<ReturnType<typeof organization.server.retrieve>>
type Upstream = Server['upstreams'][number]
type Check = Server['checks'][number]
type Sharing = Server['servers'][number]

export default function ServerPage() {
  const found = useAnswer((options) => organization.server.retrieve(options), [])
  return (
    <Page
      title="Server"
      about="The server that answered, as it is now."
      actions={
        <button type="button" onClick={found.reload} disabled={found.isLoading}>
          Look again
        </button>
      }
    >
      <Problem problem={found.problem} retry={found.reload} />
      {found.answer ? <Shown of={found.answer} /> : found.problem === undefined && <Waiting />}
    </Page>
  )
}

const engines = { sqlite: 'SQLite', postgres: 'PostgreSQL' }

const Shown = ({ of: { version, storage, checks, upstreams, servers } }: { of: Server }) => (
  <>
    <dl class="facts">
      <dt>Version</dt>
      <dd>{version}</dd>
      <dt>Storage</dt>
      <dd>{engines[storage.engine]}</dd>
    </dl>
    <h2>Is it ready?</h2>
    <DataTable caption="Checks" list={listOf(checks)} columns={ofChecks} keyOf={({ name }) => name} empty={null} />
    <h2>Upstreams</h2>
    <DataTable
      caption="Upstreams"
      list={listOf(upstreams)}
      columns={ofUpstreams}
      keyOf={({ name }) => name}
      empty={
        <Empty title="There is no upstream">
          Name one in <code>keyhall.yaml</code> or with <code>KEYHALL_UPSTREAM</code>, so that model requests go
          somewhere.
        </Empty>
      }
    />
    <h2>Servers on this database</h2>
    <p class="about">One that was killed is listed until the next change that revokes something.</p>
    <DataTable
      caption="Servers on this database"
      list={listOf(servers)}
      columns={ofServers}
      keyOf={({ id }) => id}
      empty={null}
    />
  </>
)

const ofChecks: Column<Check>[] = [
  { title: 'Check', cell: ({ name }) => name },
  { title: 'Finding', cell: ({ ok, reason }) => (ok ? 'All is well' : reason) },
]

const ofUpstreams: Column<Upstream>[] = [
  {
    title: 'Name',
    cell: ({ name, default: isDefault }) => (
      <>
        {name}
        {isDefault && <span class="badge">Default</span>}
      </>
    ),
  },
  { title: 'Address', cell: ({ base_url }) => base_url },
  { title: 'Does it answer?', cell: (upstream) => stateOf(upstream) },
  { title: 'Models', isNumber: true, cell: ({ models }) => models },
  { title: 'Weight', isNumber: true, cell: ({ weight }) => weight },
]

function stateOf({ answers, resting_seconds }: Upstream) {
  if (resting_seconds > 0) return `No: others are asked first for ${resting_seconds} s`
  if (answers === null) return 'It was not asked yet'
  return answers ? 'Yes' : 'No'
}

const ofServers: Column<Sharing>[] = [
  {
    title: 'Server',
    cell: ({ id, current }) => (
      <>
        <code>{id}</code>
        {current && <span class="badge">This one</span>}
      </>
    ),
  },
  {
    title: 'Revocations',
    cell: ({ up_to_date }) => (up_to_date ? 'All applied' : 'Some are not applied yet'),
  },
  { title: 'Lease', isNumber: true, cell: ({ lease_milliseconds }) => `${lease_milliseconds / 1000} s` },
]
