/**
 * SQLite databases with very many keys, kept in the system's temporary folder from run to run; a
 * change of the schema or of this file makes them anew.
 */
import { Database as Sqlite, type SQLQueryBindings } from 'bun:sqlite'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { firstStart } from '../admin/bootstrap.ts'
import { migrations } from '../database/migrations/index.ts'
import { dialects } from '../database/migrations/migration.ts'
import { openDatabase } from '../database/open.ts'
import { checkPeppers } from '../keys/check-peppers.ts'
import { Secret } from '../world/secret.ts'
import { realWorld } from '../world/world.ts'

export interface Filled {
  folder: string
  database: string
  pepper: string
  admin_key: string
  organization_id: string
  projects: string[]
}

const KEYS_PER_PROJECT = 100
const MEMBERS = 12
const ROBOTS = 4

/** The database with this many projects of a hundred keys each. */
export async function filled(projects: number): Promise<Filled> {
  const folder = join(tmpdir(), 'keyhall-bench', `${projects}-projects`)
  const description = join(folder, `filled-${version()}.json`)
  if (!existsSync(description)) {
    const began = performance.now()
    console.log(`filling a database with ${(projects * KEYS_PER_PROJECT).toLocaleString('en')} keys, kept in ${folder}`)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const made = await fill(folder, projects)
    writeFileSync(`${description}.part`, JSON.stringify(made), { mode: 0o600 })
    renameSync(`${description}.part`, description)
    console.log(`filled in ${((performance.now() - began) / 1000).toFixed(1)} s`)
  }
  return JSON.parse(readFileSync(description, 'utf8')) as Filled
}

function version() {
  const schema = migrations.flatMap(({ statements }) => statements(dialects.sqlite))
  const hash = createHash('sha256')
    .update(schema.join('\n'))
    .update(readFileSync(import.meta.path))
  return hash.digest('hex').slice(0, 12)
}

async function fill(folder: string, count: number): Promise<Filled> {
  const path = join(folder, 'keyhall.db')
  const pepper = randomBytes(32)
  const database = await openDatabase(`sqlite:${path}`)
  await checkPeppers(database, [new Secret(new Uint8Array(pepper))])
  const secret = new Secret(new Uint8Array(pepper))
  const first = await firstStart(database, secret, realWorld, { owner_email: 'owner@example.com', admin_key: null })
  await database.close()
  const { organization_id, admin_key } = first!
  const projects = Array.from({ length: count }, (_, n) => `proj_${named(n)}`)
  addRows(path, organization_id, projects)
  return {
    folder,
    database: `sqlite:${path}`,
    pepper: pepper.toString('hex'),
    admin_key: admin_key!,
    organization_id,
    projects,
  }
}

/**
 * Twelve members and four service accounts to a project; of its keys seven in ten belong to people,
 * one in twenty to somebody who left, one in twenty is deleted, one in ten expires.
 */
function addRows(path: string, organization: string, projects: string[]) {
  const sqlite = new Sqlite(path)
  sqlite.run('pragma synchronous = off')
  sqlite.run('pragma cache_size = -400000')
  const people = Math.max(50, projects.length / 5)
  const person = (n: number) => `user-${named(n % people)}`
  const rows: Rows = {
    projects,
    people,
    person,
    into: (table, columns) => {
      const places = ', ?'.repeat(columns.split(',').length)
      const insert = sqlite.prepare(`insert into ${table} (organization_id, ${columns}) values (?${places})`)
      return (...values) => insert.run(organization, ...values)
    },
  }
  sqlite.run('begin')
  addPeople(rows, organization)
  addProjects(rows)
  // Key by key through all projects, as time would have it: the keys of one project lie far apart
  // in the file.
  const addKey = keyAdder(rows)
  for (let n = 0; n < KEYS_PER_PROJECT; n++) {
    for (const [p, project_id] of projects.entries()) addKey(n, p, project_id)
    if (n % 10 === 9) sqlite.run('commit; begin')
  }
  sqlite.run('commit')
  // What `pragma optimize` would do in a long-lived installation is left out on purpose: the plans
  // must be right without statistics.
  sqlite.run('pragma wal_checkpoint(truncate)')
  sqlite.close()
}

interface Rows {
  projects: string[]
  people: number
  person: (n: number) => string
  /** Prepares an insert of these columns. */
  into: (table: string, columns: string) => (...values: SQLQueryBindings[]) => void
}

const START = 1_700_000_000
const robot = (p: number, n: number) => `user-robot${named(p * ROBOTS + (n % ROBOTS))}`

function addPeople({ people, person, into }: Rows, organization: string) {
  const user = into('users', 'id, email, name, created_at')
  const held = into('role_assignments', 'principal_id, resource_id, role, created_at')
  for (let n = 0; n < people; n++) {
    user(person(n), `person${n}@example.com`, `Person Number ${n}`, START + n)
    held(person(n), organization, n % 50 === 0 ? 'owner' : 'reader', START + n)
  }
}

function addProjects({ projects, person, into }: Rows) {
  const project = into('projects', 'id, name, is_default, residency, created_at')
  const held = into('role_assignments', 'principal_id, resource_id, role, created_at')
  const account = into('service_accounts', 'project_id, id, name, role, created_at')
  for (const [p, project_id] of projects.entries()) {
    const born = START + p * 60
    project(project_id, `Project ${p}`, 0, 'GLOBAL', born)
    for (let n = 0; n < MEMBERS; n++)
      held(person(p * 7 + n), project_id, n === 0 ? 'owner' : n % 4 === 3 ? 'viewer' : 'member', born + n)
    for (let n = 0; n < ROBOTS; n++) account(project_id, robot(p, n), `robot ${n}`, 'member', born + n)
  }
}

function keyAdder({ person, into }: Rows) {
  const key = into(
    'api_keys',
    'project_id, id, name, digest, redacted_value, scopes, owner_type, owner_id, created_at, last_used_at, expires_at, deleted_at',
  )
  return (n: number, p: number, project_id: string) => {
    const id = `key_${named(p * KEYS_PER_PROJECT + n)}`
    const robotic = n % 10 >= 7
    const owner = robotic ? robot(p, n) : person(p * 7 + (n % 20 === 5 ? MEMBERS + 5 : n % MEMBERS))
    const at = START + n * 604_800 + p
    key(
      project_id,
      id,
      `Key ${n} of project ${p}`,
      createHash('sha256').update(id).digest(),
      `${robotic ? 'sk-svcacct-' : 'sk-proj-'}...${id.slice(-4)}`,
      '[]',
      robotic ? 'service_account' : 'user',
      owner,
      at,
      n % 3 === 0 ? null : at + 86_400,
      n % 10 === 1 ? at + 31_536_000 : null,
      n % 20 === 10 ? at + 90_000 : null,
    )
  }
}

/** 24 characters that look random and sort by no order that a list could profit from. */
const named = (n: number) => createHash('md5').update(String(n)).digest('hex').slice(0, 24)
