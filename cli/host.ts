/** What every command on the host needs: the database open, its pepper checked, and one sentence when that does not work. */
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { readPepperFile, WrongSetting, type Config } from '../config.ts'
import { CannotOpen, openDatabase, type Database, type DatabaseOptions } from '../database/open.ts'
import type { Pepper } from '../keys/digest.ts'
import { checkPepper, WrongPepper } from '../keys/ring.ts'
import { Secret } from '../keys/secret.ts'

/** A command that cannot go on: the sentence is printed, without a stack, and the exit code is this. */
export class Failed extends Error {
  readonly exitCode: number
  constructor(message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Opens what the configuration names. Throws Failed with a sentence. */
export async function openHost(
  config: Config,
  options: DatabaseOptions = {},
): Promise<{ database: Database; pepper: Pepper }> {
  let database: Database | undefined
  try {
    database = await openDatabase(config.database, options)
    const pepper =
      config.pepper ?? readPepperFile(config.pepper_file) ?? (await newPepper(database, config.pepper_file))
    await checkPepper(database, pepper)
    return { database, pepper }
  } catch (error) {
    await database?.close()
    if (error instanceof CannotOpen || error instanceof WrongSetting) throw new Failed(error.message)
    if (error instanceof WrongPepper)
      throw new Failed(
        `The pepper (${config.pepper ? 'KEYHALL_PEPPER' : config.pepper_file}) is not the one that the keys in this database were made with; put the original back, or no key can be verified.`,
      )
    throw error
  }
}

/** Makes the pepper on the first start. A database that already has keys needs the pepper they were made with. */
async function newPepper(database: Database, path: string): Promise<Pepper> {
  const known = await database.read
    .selectFrom('properties')
    .select('name')
    .where('name', '=', 'pepper_canary')
    .execute()
  if (known.length > 0)
    throw new WrongSetting(
      `The pepper file ${path} is missing, and the keys in this database were made with one; put it back, or set KEYHALL_PEPPER or KEYHALL_PEPPER_FILE.`,
    )
  const bytes = randomBytes(32)
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(path, `${bytes.toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
    chmodSync(path, 0o600)
  } catch (error) {
    // Another server that starts at the same moment made it first.
    const made = (error as { code?: string }).code === 'EEXIST' ? readPepperFile(path) : null
    if (!made) throw new WrongSetting(`The pepper file ${path} cannot be written: ${(error as Error).message}.`)
    return made
  }
  return new Secret(new Uint8Array(bytes))
}
