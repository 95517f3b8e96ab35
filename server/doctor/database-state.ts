/** Whether the database answers, keeps what it was told, and is whole. */
import { statfsSync, statSync } from 'node:fs'
import { CannotOpen } from '../../database/storage-errors.ts'
import { firstDamage, openForReading, type ReadOnlyDatabase } from '../../database/read-only.ts'
import { sqlitePath } from '../../database/sqlite-address.ts'
import { check, ok, problem, warning, type Finding } from './finding.ts'
import { isMissing } from './read-database.ts'

export const databaseState = check({
  name: 'database',
  settings: ['database', 'database_connections'],
  late: 'Look whether the database is overloaded or stopped, and whether a firewall drops what is sent to it.',
  async look({ database: address, database_connections }) {
    const path = sqlitePath(address)
    if (path !== null && isMissing(address))
      return [
        warning(
          `There is no database at ${path} yet; the first start makes it. If there should be one, look at KEYHALL_DATABASE.`,
        ),
      ]
    let database: ReadOnlyDatabase
    try {
      database = await openForReading(address)
    } catch (error) {
      if (error instanceof CannotOpen) return [problem(`${error.message} ${whatToDo(address)}`)]
      throw error
    }
    try {
      return path === null ? await ofPostgres(database, database_connections) : await ofSqlite(database, path)
    } finally {
      await database.close()
    }
  },
})

const whatToDo = (address: string) =>
  address.startsWith('sqlite:')
    ? 'Look at KEYHALL_DATABASE and at the owner of the file, or restore a backup with "keyhall restore".'
    : 'Look whether it runs, and at host, port, user and password in KEYHALL_DATABASE.'

/** Reading a larger file through could take longer than this check may. */
const LARGEST_READ_THROUGH = 256 * 2 ** 20

async function ofSqlite(database: ReadOnlyDatabase, path: string): Promise<Finding[]> {
  const network = networkFileSystem(path)
  if (network !== null)
    return [
      problem(
        `The SQLite database ${path} is on a network file system (${network}), where its locks may fail and damage it; move it to a local disk, or use PostgreSQL.`,
      ),
    ]
  const { size } = statSync(path)
  if (size > LARGEST_READ_THROUGH)
    return [
      ok(`SQLite, ${mebibytes(size)}, which is too much to read through here; "keyhall backup FILE" checks a copy.`),
    ]
  const damage = await firstDamage(database)
  if (damage !== null)
    return [
      problem(
        `The SQLite database ${path} is damaged: ${damage}. Stop the server, keep a copy of the file, and restore a backup with "keyhall restore".`,
      ),
    ]
  return [ok(`SQLite, ${mebibytes(size)}, undamaged.`)]
}

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`

/** By the numbers that Linux gives to types of file systems. */
const networkTypes: Record<number, string> = {
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB',
  0x00c36400: 'Ceph',
  0x0bd00bd0: 'Lustre',
  0x5346414f: 'AFS',
}

const networkFileSystem = (path: string) =>
  process.platform === 'linux' ? (networkTypes[statfsSync(path).type >>> 0] ?? null) : null

const OLDEST_VERSION = 150_000

async function ofPostgres({ ask }: ReadOnlyDatabase, connections: number): Promise<Finding[]> {
  const [row = {}] = await ask(`
    select current_setting('server_version') as version, current_setting('server_version_num') as number,
      current_setting('fsync') as fsync, current_setting('full_page_writes') as full_page_writes,
      current_setting('synchronous_commit') as synchronous_commit,
      current_setting('transaction_read_only') as read_only, pg_is_in_recovery() as is_standby,
      current_setting('max_connections') as max_connections`)
  const findings: Finding[] = []
  const [version = ''] = String(row.version).split(' ')
  if (Number(row.number) < OLDEST_VERSION)
    findings.push(problem(`PostgreSQL ${version} is too old; upgrade it to version 15 or later.`))
  for (const name of ['fsync', 'full_page_writes'])
    if (row[name] !== 'on')
      findings.push(
        problem(
          `${name} of PostgreSQL is ${String(row[name])}, so that a power cut damages the database; set it to on.`,
        ),
      )
  if (row.synchronous_commit === 'off')
    findings.push(
      problem(
        'synchronous_commit of PostgreSQL is off, so that a crash can undo changes, also revocations; set it to on.',
      ),
    )
  if (row.is_standby)
    findings.push(
      problem('The PostgreSQL server is a standby, which takes no changes; name the primary in KEYHALL_DATABASE.'),
    )
  else if (row.read_only === 'on')
    findings.push(
      problem(
        'Transactions are read-only (default_transaction_read_only); set it to off for the role and the database.',
      ),
    )
  if (connections > Number(row.max_connections))
    findings.push(
      problem(
        `KEYHALL_DATABASE_CONNECTIONS is ${connections}, and PostgreSQL takes ${String(row.max_connections)} connections of all servers together; lower it, or raise max_connections.`,
      ),
    )
  return findings.length > 0 ? findings : [ok(`PostgreSQL ${version} keeps what it was told, and takes changes.`)]
}
