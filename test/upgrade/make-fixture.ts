/**
 * Writes the database of an older version into `databases/`, for the upgrade tests. At a release,
 * run it with the new version and its tag, and commit the file:
 *
 * `node bin/bun.js test/upgrade/make-fixture.ts 0.3.0 v0.3.0`
 *
 * It takes the sources of that commit out of git, starts their server on an empty SQLite database,
 * tells the story through the API, and keeps the rows. Both engines get the same rows.
 */
import { Database } from 'bun:sqlite'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Keyhall } from '../../client/index.ts'
import { migrations as newMigrations } from '../../database/migrations/index.ts'
import { dialects, type Migration } from '../../database/migrations/migration.ts'
import { run, serve, type Options, type Serving } from '../cli/command.ts'
import { pepperHex } from './derived.ts'
import { configOf, plainItems, secretOf, type Fixture, type Value } from './fixture.ts'
import { tellMore, tellStory, type Made, type Teller } from './story.ts'
import { startModelServer } from './model-server.ts'
import { treeOf } from './old-tree.ts'

/** 23 November 2026, 12:00: the day of the first release. */
const CLOCK_BEGINS = 1_795_435_200
const HOUR = 3600

/** The first admin key, whoever prints it or writes it to a file. */
const firstKey = secretOf({ kind: 'admin', n: 0 })

/** Those that are not within a project, a group or a person. */
const LISTS = [
  'projects?include_archived=true&limit=100',
  'users?limit=100',
  'invites?limit=100',
  'groups?limit=100',
  'roles?limit=100',
  'admin_api_keys?limit=100',
  'api_keys?limit=100&order=asc',
  'audit_logs?limit=100',
  'spend_limit',
  'spend_alerts?limit=100',
  'workload_identity_providers?limit=100',
]

/** An older version that is told the story. */
class OldVersion implements Teller {
  readonly client: Keyhall
  readonly secrets: Made[] = []
  #hours = 0
  #drawn = { key: 0, invite: 0 }
  #began = Date.now()

  readonly server: Serving
  readonly database: string
  readonly options: (clock: number, drawn: number) => Options

  constructor(server: Serving, database: string, options: OldVersion['options']) {
    this.server = server
    this.database = database
    this.options = options
    this.client = new Keyhall({ adminAPIKey: firstKey, baseURL: `${server.url}/v1`, maxRetries: 0 })
  }

  get clock() {
    return CLOCK_BEGINS + this.#hours * HOUR + Math.floor((Date.now() - this.#began) / 1000)
  }

  note = (kind: Made['kind'], { id, value }: { id: string; value: string }): Made => {
    const made = { id, kind, n: kind === 'invite' ? this.#drawn.invite++ : this.#drawn.key++ }
    if (secretOf(made) !== value) throw new Error(`The ${kind} ${id} has not the value that was derived for it.`)
    this.secrets.push(made)
    return made
  }

  link = async (id: string) => {
    const args = ['invites', 'link', id, '--database', this.database]
    const { out, err } = await run(args, this.options(this.clock, this.#drawn.invite))
    if (!out.includes('#')) throw new Error(err)
    return this.note('invite', { id, value: out.trim().split('#')[1]! })
  }

  accept = async (made: Made, name: string) =>
    this.client.admin.organization.invites.accept({ token: secretOf(made), name }) as Promise<{ id: string }>

  use = async (made: Made) => void (await this.status(made))

  complete = async (made: Made) => {
    const body = JSON.stringify({ model: 'large', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 100 })
    const headers = { authorization: `Bearer ${secretOf(made)}`, 'content-type': 'application/json' }
    const { status } = await fetch(`${this.server.url}/v1/chat/completions`, { method: 'POST', headers, body })
    if (status !== 200) throw new Error(`A model request was answered ${status}.`)
  }

  anHourLater = async () => {
    this.server.signal('SIGUSR2')
    this.#hours += 1
    await Bun.sleep(500)
  }

  /** What opens; of the token of an invite, whether the invite can still be accepted. */
  async status(made: Made) {
    const path = made.kind === 'admin' ? '/v1/organization/users' : '/verify'
    const headers = { authorization: `Bearer ${secretOf(made)}` }
    return (await fetch(`${this.server.url}${path}`, { headers })).status
  }

  async get(path: string) {
    const headers = { authorization: `Bearer ${firstKey}` }
    const answer = await fetch(`${this.server.url}/v1${path}`, { headers })
    return { status: answer.status, body: (await answer.json()) as { data: { id: string }[] } }
  }

  /** Everything that it lists, or shows, by path. */
  async lists(): Promise<Fixture['lists']> {
    const ids = async (path: string) => (await this.get(path)).body.data.map(({ id }) => id)
    const [projects, users, groups] = [
      await ids('/organization/projects?include_archived=true&limit=100'),
      await ids('/organization/users?limit=100'),
      await ids('/organization/groups?limit=100'),
    ]
    const paths = [
      ...LISTS,
      `usage/completions?start_time=${CLOCK_BEGINS - (CLOCK_BEGINS % 86_400)}&bucket_width=1d&limit=1`,
      ...users.map((id) => `users/${id}/roles?limit=100`),
      ...groups.map((id) => `groups/${id}/users?limit=100`),
      ...projects.flatMap((id) =>
        ['users', 'groups', 'api_keys', 'service_accounts', 'spend_limit', 'model_permissions'].map(
          (list) =>
            `projects/${id}/${list}${list.includes('_limit') || list.includes('permissions') ? '' : '?limit=100'}`,
        ),
      ),
    ].map((path) => `/organization/${path}`)
    const inProjects = projects.flatMap((id) => [
      `/projects/${id}/roles?limit=100`,
      ...users.map((user) => `/projects/${id}/users/${user}/roles?limit=100`),
    ])
    const lists: Fixture['lists'] = {}
    for (const path of [...paths, ...inProjects]) {
      const { status, body } = await this.get(path)
      if (status !== 200) continue
      const items = plainItems(body as never)
      // The asking itself uses an admin key.
      if (path.includes('admin_api_keys')) for (const item of items) delete item.last_used_at
      // An empty list says no more than that there is one.
      if (items.length > 0) lists[path] = items
    }
    return lists
  }
}

/** The rows of every table, but of those that are about running processes. */
function rowsOf(file: string): Fixture['rows'] {
  const db = new Database(file)
  const about = new Set(['migrations', 'nodes', 'commits', 'ledger_servers', 'sqlite_sequence'])
  const tables = db.query(`select name from sqlite_master where type = 'table' order by rowid`).all() as {
    name: string
  }[]
  const rows: Fixture['rows'] = {}
  for (const { name } of tables.filter((table) => !about.has(table.name))) {
    // Hidden columns are generated.
    const info = db.query(`select name from pragma_table_xinfo('${name}') where hidden = 0`).all()
    const columns = (info as { name: string }[]).map((column) => column.name)
    const all = db.query(`select ${columns.map((column) => `"${column}"`).join(', ')} from ${name}`).values()
    if (all.length > 0) rows[name] = { columns, rows: all.map((row) => row.map(asValue)) }
  }
  db.close()
  return rows
}

const asValue = (value: unknown): Value =>
  value instanceof Uint8Array ? { hex: Buffer.from(value).toString('hex') } : (value as Value)

/**
 * The names of the migrations of that version. Migrations never change, so that its tables can be
 * made from those of today; throws where one did change.
 */
async function migrationsOf(tree: string): Promise<string[]> {
  const { migrations } = (await import(join(tree, 'database/migrations/index.ts'))) as { migrations: Migration[] }
  for (const { name, statements } of migrations)
    for (const dialect of Object.values(dialects)) {
      const today = newMigrations.find((migration) => migration.name === name)!.statements(dialect)
      if (oneLine(statements(dialect)) !== oneLine(today)) throw new Error(`The migration ${name} was changed since.`)
    }
  return migrations.map(({ name }) => name)
}

const oneLine = (statements: string[]) => statements.join('; ').replaceAll(/\s+/g, ' ')

async function make(version: string, revision: string): Promise<Fixture> {
  const home = mkdtempSync(join(tmpdir(), 'keyhall-fixture-'))
  const { tree, commit } = treeOf(revision, join(home, 'tree'))
  const installed = Bun.spawnSync(['npm', 'ci', '--no-audit', '--no-fund'], { cwd: tree })
  if (installed.exitCode !== 0) throw new Error(installed.stderr.toString())
  const models = startModelServer()
  mkdirSync(join(home, 'data'))
  writeFileSync(join(home, 'keyhall.yaml'), configOf(models.url))
  const file = join(home, 'data/old.db')
  const options = (clock: number, drawn: number): Options => ({
    program: [process.execPath, '--preload', join(import.meta.dir, 'old-world.ts'), join(tree, 'main.ts')],
    cwd: home,
    env: {
      KEYHALL_PEPPER: pepperHex,
      KEYHALL_NEW_ORGANIZATION: 'true',
      OLD_TREE: tree,
      CLOCK_BEGINS: `${clock}`,
      DRAWN_BEFORE: `${drawn}`,
    },
  })
  // 0.1.0 knows no models and no limits.
  const isFirst = version === '0.1.0'
  const flags = isFirst ? [] : ['--config', 'keyhall.yaml']
  const server = await serve(`sqlite:${file}`, flags, options(CLOCK_BEGINS, 0))
  try {
    const old = new OldVersion(server, `sqlite:${file}`, options)
    old.note('admin', { id: 'first', value: firstKey })
    await tellStory(old)
    if (!isFirst) await tellMore(old)
    const secrets = []
    for (const made of old.secrets) secrets.push({ ...made, status: await old.status(made) })
    // Times of last use are written every few seconds, and usage twice in one.
    await Bun.sleep(12_000)
    const lists = await old.lists()
    const ended_at = old.clock
    server.signal('SIGTERM')
    await server.ended
    return { version, commit, ended_at, migrations: await migrationsOf(tree), rows: rowsOf(file), secrets, lists }
  } finally {
    server.signal('SIGKILL')
    await models.stop()
    rmSync(home, { recursive: true })
  }
}

/** JSON with a line for each row and each item, so that two fixtures can be compared. */
function textOf(value: unknown, depth = 0): string {
  const whole = JSON.stringify(value)
  if (depth > 3 || whole.length < 100 || typeof value !== 'object' || value === null) return whole
  const inner = Array.isArray(value)
    ? value.map((item) => textOf(item, depth + 1))
    : Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${textOf(one, depth + 1)}`)
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return `${open}\n${inner.join(',\n')}\n${close}`
}

const [version, revision] = process.argv.slice(2)
if (!version || !revision) throw new Error('Usage: make-fixture.ts VERSION COMMIT')
const fixture = await make(version, revision)
mkdirSync(join(import.meta.dir, 'databases'), { recursive: true })
writeFileSync(join(import.meta.dir, 'databases', `${version}.json`), `${textOf(fixture)}\n`)
console.log(`${fixture.secrets.length} secrets, ${Object.keys(fixture.lists).length} lists`)
