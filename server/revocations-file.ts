/**
 * The revocations file of a running server: compared with the database at the start, written after
 * each revocation and every hour.
 */
import { resourceIdOf } from '../contract/audit-events.ts'
import { RevocationKeeper, type Finding, type StartFindings } from '../admin/kept-revocations/keep-revocations.ts'
import { RevocationsFile } from '../admin/kept-revocations/append-only-file.ts'
import type { Database } from '../database/types.ts'
import type { Peppers } from '../keys/digest.ts'
import type { Invalidation } from '../revocation/invalidation.ts'
import type { World } from '../world/world.ts'
import type { Log } from './log.ts'

/** How long after a revocation of another server the file has it too. */
const SOON_MILLISECONDS = 200
/** How often to look for those of other servers that revoke no key, such as accepted invites. */
const OTHERS_EVERY_MILLISECONDS = 10_000
const LINKS_EVERY_MILLISECONDS = 3_600_000

export class KeptRevocations {
  readonly #path: string
  readonly #database: Database
  readonly #keeper: RevocationKeeper
  readonly #log: Pick<Log, 'say'>
  readonly #now: World['now']
  #timers: ReturnType<typeof setInterval>[] = []
  #soon: ReturnType<typeof setTimeout> | undefined

  constructor(path: string, database: Database, peppers: Peppers, world: World, log: Pick<Log, 'say'>) {
    this.#path = path
    this.#database = database
    this.#log = log
    this.#now = world.now
    this.#keeper = new RevocationKeeper(database, peppers, world, new RevocationsFile(path, peppers))
  }

  /**
   * Applies the file to a database that is older than it, and logs what it found. `isFirst` is true
   * for a start that made the organization, `forget` drops a cached key. Returns the organizations
   * in which something was taken away.
   */
  async start({ isFirst, forget }: { isFirst: boolean; forget: (key: Invalidation) => void }): Promise<string[]> {
    let changed: string[] = []
    try {
      const findings = await this.#keeper.start({ forget })
      if (!isFirst) await this.#say(findings)
      changed = findings.organizations.filter(({ applied }) => applied.length > 0).map((one) => one.organization_id)
    } catch (error) {
      this.#failed(error)
    }
    this.#timers = [
      setInterval(() => void this.keep(), OTHERS_EVERY_MILLISECONDS),
      setInterval(() => void this.#keeper.writeLinks().catch(this.#failed), LINKS_EVERY_MILLISECONDS),
    ]
    for (const timer of this.#timers) timer.unref()
    return changed
  }

  isRevoked = (key_id: string, version?: number): boolean => this.#keeper.isRevoked(key_id, version)

  /**
   * Writes the revocations since the last time. When that fails, it logs an error, and writes them
   * the next time.
   */
  keep = (): Promise<void> => this.#keeper.catchUp().catch(this.#failed)

  /** Writes what other servers have revoked, after a moment in which there may be more. */
  keepSoon = () => {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined
      void this.keep()
    }, SOON_MILLISECONDS)
    this.#soon.unref()
  }

  /** Writes what is still missing. */
  async stop() {
    clearTimeout(this.#soon)
    for (const timer of this.#timers) clearInterval(timer)
    await this.keep()
  }

  readonly #failed = (error: unknown) =>
    this.#log.say('error', `The revocations file ${this.#path} could not be written; that is tried again.`, {
      cause: String(error),
    })

  async #say({ hadFile, rejected, organizations }: StartFindings) {
    if (rejected > 0)
      this.#log.say('warn', `The revocations file ${this.#path} has lines that were not made with this pepper.`, {
        lines: rejected,
      })
    for (const finding of organizations) {
      if (finding.isOlder) this.#sayOlder(finding)
      else if (!finding.file) await this.#sayUnknown(finding, hadFile)
    }
  }

  #sayOlder({ organization_id, database, file, applied }: Finding) {
    const ids = (type: string) =>
      applied.filter((event) => event.type === type).map(({ payload }) => resourceIdOf(payload))
    this.#log.say(
      'warn',
      `The database is older than the revocations file: its newest change is of ${timeOf(database.at)}, the file's of ${timeOf(file!.at)}. What was taken away in between was taken away again.`,
      {
        organization_id,
        database_seq: database.seq,
        file_seq: file!.seq,
        changes: applied.length,
        keys_deleted: ids('api_key.deleted'),
      },
    )
  }

  async #sayUnknown({ organization_id, database }: Finding, hadFile: boolean) {
    const now = Math.floor(this.#now() / 1000)
    const [project_keys, admin_keys] = await Promise.all([
      countLiving(this.#database, organization_id, 'api_keys', now),
      countLiving(this.#database, organization_id, 'admin_api_keys', now),
    ])
    this.#log.say(
      'warn',
      `${hadFile ? `The revocations file ${this.#path} knows nothing of this database` : `There is no revocations file at ${this.#path}, and one begins now`}. If the database was restored, keys that were revoked after its newest change, of ${timeOf(database.at)}, open again: nobody can vouch for the keys that were alive then; "keyhall api-keys list" and "keyhall admin-api-keys list" show them.`,
      { organization_id, database_seq: database.seq, project_keys, admin_keys },
    )
  }
}

async function countLiving(
  { read }: Database,
  organization_id: string,
  table: 'api_keys' | 'admin_api_keys',
  now: number,
): Promise<number> {
  const { count } = await read
    .selectFrom(table)
    .select(({ fn }) => fn.countAll().as('count'))
    .where('organization_id', '=', organization_id)
    .where('deleted_at', 'is', null)
    .where((is) => is.or([is('expires_at', 'is', null), is('expires_at', '>', now)]))
    .executeTakeFirstOrThrow()
  return Number(count)
}

const timeOf = (at: number | null) => (at === null ? 'never' : new Date(at * 1000).toISOString())
