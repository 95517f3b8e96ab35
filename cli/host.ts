/** What every command on the host needs: the database open, its pepper checked, and one sentence when that does not work. */
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { readPepperFile, type Config } from '../config.ts'
import { CannotOpen, openDatabase, type Database, type DatabaseOptions } from '../database/open.ts'
import type { Pepper } from '../keys/digest.ts'
import { checkPepper, WrongPepper } from '../keys/ring.ts'
import { Secret } from '../keys/secret.ts'
import { Failed } from './failed.ts'

type Storage = Pick<Config, 'database' | 'pepper' | 'pepper_file'>

/** Opens what the configuration names, and checks its pepper, which the first start makes. Throws Failed with a sentence. */
export async function openHost(
  config: Storage,
  options: DatabaseOptions = {},
): Promise<{ database: Database; pepper: Pepper }> {
  const database = await open(config, options)
  return withPepper(database, config, () => newPepper(database, config.pepper_file))
}

/** Opens a database that a server of this version has started on before; nothing is made. Throws Failed with a sentence. */
export async function openStarted({ database: address }: Pick<Config, 'database'>): Promise<Database> {
  const path = /^sqlite:(.+)$/.exec(address)?.[1]
  if (path && !existsSync(path))
    throw new Failed(`There is no database at ${path}; name another with --database, or start the server once.`)
  const database = await open({ database: address }, { asItIs: true })
  if (await hasPepper(database)) return database
  await database.close()
  throw new Failed('The database has no organization yet; start the server on it once.')
}

/** Such a database, and its pepper. */
export async function openStartedWithPepper(config: Storage): Promise<{ database: Database; pepper: Pepper }> {
  const database = await openStarted(config)
  return withPepper(database, config, () => missingPepper(config.pepper_file))
}

async function open({ database }: Pick<Config, 'database'>, options: DatabaseOptions = {}) {
  try {
    return await openDatabase(database, options)
  } catch (error) {
    if (error instanceof CannotOpen) throw new Failed(error.message)
    throw error
  }
}

async function withPepper(database: Database, config: Storage, ifMissing: () => Promise<Pepper> | never) {
  try {
    const pepper = config.pepper ?? readPepperFile(config.pepper_file) ?? (await ifMissing())
    await checkPepper(database, pepper)
    return { database, pepper }
  } catch (error) {
    await database.close()
    if (error instanceof WrongPepper)
      throw new Failed(
        `The pepper (${config.pepper ? 'KEYHALL_PEPPER' : config.pepper_file}) is not the one that the keys in this database were made with; put the original back, or no key can be verified.`,
      )
    throw error
  }
}

async function hasPepper(database: Database) {
  const properties = database.read.selectFrom('properties').select('name').where('name', '=', 'pepper_canary')
  return (await properties.execute()).length > 0
}

const missingPepper = (path: string): never => {
  throw new Failed(
    `The pepper file ${path} is missing, and the keys in this database were made with one; put it back, or set KEYHALL_PEPPER or KEYHALL_PEPPER_FILE.`,
  )
}

/** Makes the pepper on the first start. A database that already has keys needs the pepper they were made with. */
async function newPepper(database: Database, path: string): Promise<Pepper> {
  // Asked in this order, because another server that starts at the same moment writes first the file and then the database.
  if (await hasPepper(database)) return readPepperFile(path) ?? missingPepper(path)
  const bytes = randomBytes(32)
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    keepFile(path, `${bytes.toString('hex')}\n`)
  } catch (error) {
    // Another server that starts at the same moment made it first.
    const made = (error as { code?: string }).code === 'EEXIST' ? readPepperFile(path) : null
    if (!made) throw new Failed(`The pepper file ${path} cannot be written: ${(error as Error).message}.`)
    return made
  }
  return new Secret(new Uint8Array(bytes))
}

/** Writes a file that must not be there yet: as a whole or not at all, and such that it outlives a power cut. */
function keepFile(path: string, text: string) {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: 'wx', flush: true })
    linkSync(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
  // Windows keeps the name by itself, and opens no folder.
  if (process.platform === 'win32') return
  const folder = openSync(dirname(path), 'r')
  fsyncSync(folder)
  closeSync(folder)
}
