/**
 * Opens the database for a command on the host and checks its pepper, or fails with one sentence.
 */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { sealUpgraded } from '../admin/seal-upgraded.ts'
import type { Config } from './config.ts'
import { createPepperFile, newPepper, readPepperFile } from './pepper-file.ts'
import { openDatabase } from '../database/open.ts'
import { tooManyConnections } from '../database/postgres-faults.ts'
import { sqlitePath } from '../database/sqlite-address.ts'
import { CannotOpen } from '../database/storage-errors.ts'
import type { Database, DatabaseOptions, Upgrade } from '../database/types.ts'
import { canary, legacyCanary, type Pepper, type Peppers } from '../keys/digest.ts'
import { checkPeppers, WrongPepper } from '../keys/check-peppers.ts'
import { Failed } from '../world/failed.ts'

type Storage = Pick<Config, 'database' | 'pepper' | 'pepper_file'>

export interface OpenStorage {
  database: Database
  /** The current pepper, which makes new digests, seals and MACs. */
  pepper: Pepper
  /** Those that are accepted, the current one first. */
  peppers: Peppers
}

interface HostOptions extends DatabaseOptions {
  /** Allows a new organization although there is a pepper already. */
  newOrganization?: boolean
}

/**
 * Opens the database of the configuration, brings its schema up to date, and checks its pepper, or
 * makes it on the first start. Throws Failed with a sentence.
 */
export async function openHost(config: Storage, options: HostOptions = {}): Promise<OpenStorage> {
  const afterMigrations = async (upgrade: Upgrade) => {
    const [pepper] = config.pepper ?? readPepperFile(config.pepper_file) ?? missingPepper(config.pepper_file)
    const [kept] = (await upgrade.run(`select value from metadata where name = 'pepper_canary'`)) as { value: string }[]
    if (kept?.value !== canary(pepper) && kept?.value !== legacyCanary(pepper)) throw new Failed(wrongPepper(config))
    await sealUpgraded(upgrade, pepper)
  }
  const database = await open(config, { ...options, afterMigrations })
  try {
    if (!options.newOrganization) await requireItsDatabase(database, config)
  } catch (error) {
    await database.close()
    throw error
  }
  return withPepper(database, config, () => firstPepper(database, config.pepper_file))
}

/**
 * Opens a database on which a server of this version has started before, without changing anything.
 * Throws Failed with a sentence.
 */
export async function openStarted({ database: address }: Pick<Config, 'database'>): Promise<Database> {
  const path = sqlitePath(address)
  if (path && !existsSync(path))
    throw new Failed(`There is no database at ${path}; name another with --database, or start the server once.`)
  const database = await open({ database: address }, { asItIs: true })
  if (await hasPepper(database)) return database
  await database.close()
  throw new Failed('The database has no organization yet; start the server on it once.')
}

/** The same, with the pepper checked. */
export async function openStartedWithPepper(config: Storage): Promise<OpenStorage> {
  const database = await openStarted(config)
  return withPepper(database, config, () => missingPepper(config.pepper_file))
}

async function open({ database }: Pick<Config, 'database'>, options: DatabaseOptions = {}) {
  try {
    return await openDatabase(database, options)
  } catch (error) {
    throw asFailed(error)
  }
}

/** The error as a sentence for the operator, where there is one. */
export function asFailed(error: unknown): unknown {
  const sentence = error instanceof CannotOpen ? error.message : tooManyConnections(error)
  return sentence === null ? error : new Failed(sentence)
}

async function withPepper(
  database: Database,
  config: Storage,
  ifMissing: () => Promise<Peppers> | never,
): Promise<OpenStorage> {
  try {
    const given = config.pepper ?? readPepperFile(config.pepper_file) ?? (await ifMissing())
    const peppers = await checkPeppers(database, given)
    return { database, pepper: peppers[0], peppers }
  } catch (error) {
    await database.close()
    if (error instanceof WrongPepper) throw new Failed(wrongPepper(config))
    throw error
  }
}

/**
 * Refuses an empty database for which there is a pepper already: the database was lost, or the
 * address is wrong, and a new organization would hide that.
 */
async function requireItsDatabase(database: Database, { pepper, pepper_file: path }: Storage) {
  if (!pepper && !existsSync(path)) return
  // Another server that starts on the same empty database has just made the pepper, and is about to
  // write its canary.
  const isNew = () => !pepper && Date.now() - statSync(path).mtimeMs < OTHER_START_MILLISECONDS
  while (!(await hasPepper(database))) {
    if (!isNew()) throw new Failed(emptyWithPepper({ pepper, pepper_file: path }))
    await Bun.sleep(50)
  }
}

/** How long a server may take from making the pepper to writing its canary. */
const OTHER_START_MILLISECONDS = 5_000

export const emptyWithPepper = ({ pepper, pepper_file }: Omit<Storage, 'database'>) =>
  `The database is empty, but its pepper is there (${pepper ? 'KEYHALL_PEPPER' : pepper_file}), so the database was lost or is another one. Look at --database, or restore a backup; where a new organization is meant, start once with --new-organization (KEYHALL_NEW_ORGANIZATION=true).`

export const wrongPepper = ({ pepper, pepper_file }: Omit<Storage, 'database'>) =>
  `The pepper (${pepper ? 'KEYHALL_PEPPER' : pepper_file}) is not the one that the keys in this database were made with; put the original back, or no key can be verified. During a rotation both peppers are needed, and a pepper that was retired is refused.`

async function hasPepper(database: Database) {
  const properties = database.read.selectFrom('metadata').select('name').where('name', '=', 'pepper_canary')
  return (await properties.execute()).length > 0
}

export const pepperIsMissing = (path: string) =>
  `The pepper file ${path} is missing, and the keys in this database were made with one; put it back, or set KEYHALL_PEPPER or KEYHALL_PEPPER_FILE.`

const missingPepper = (path: string): never => {
  throw new Failed(pepperIsMissing(path))
}

/**
 * Makes the pepper on the first start. A database that already has keys needs the pepper they were
 * made with.
 */
async function firstPepper(database: Database, path: string): Promise<Peppers> {
  // The order matters: another server that starts at the same moment writes the file first and the
  // database after it.
  if (await hasPepper(database)) return readPepperFile(path) ?? missingPepper(path)
  const peppers: Peppers = [newPepper()]
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    createPepperFile(path, peppers)
  } catch (error) {
    // Another server that starts at the same moment made it first.
    const made = (error as { code?: string }).code === 'EEXIST' ? readPepperFile(path) : null
    if (!made) throw new Failed(`The pepper file ${path} cannot be written: ${(error as Error).message}.`)
    return made
  }
  return peppers
}
