/**
 * Peppers as text, and in their file: the current one on the first line, and during a rotation the
 * previous one on the second. A setting has a comma between them.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Pepper, Peppers } from '../keys/digest.ts'
import { Secret } from '../world/secret.ts'
import { WrongSetting } from './setting.ts'

export const newPepper = (): Pepper => new Secret(new Uint8Array(randomBytes(32)))

/** Null for anything but one or two times 64 hexadecimal digits. */
export function parsePeppers(text: string): Peppers | null {
  const [current, previous, ...more] = text.trim().split(/\s*[,\n]\s*/)
  if (more.length > 0 || previous === current) return null
  const peppers = [current, previous].filter((one) => one !== undefined).map(parsePepper)
  return peppers.every((pepper) => pepper !== null) ? (peppers as unknown as Peppers) : null
}

const parsePepper = (text: string): Pepper | null =>
  /^[0-9a-f]{64}$/i.test(text) ? new Secret(new Uint8Array(Buffer.from(text, 'hex'))) : null

export const printPeppers = (peppers: Peppers, separator: string) =>
  peppers.map((pepper) => Buffer.from(pepper.reveal()).toString('hex')).join(separator)

/**
 * The peppers in a file, null if there is no such file. Throws WrongSetting for one that cannot be
 * read or holds something else.
 */
export function readPepperFile(path: string): Peppers | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return null
    throw new WrongSetting(`The pepper file ${path} cannot be read: ${(error as Error).message}.`)
  }
  const peppers = parsePeppers(text)
  if (!peppers)
    throw new WrongSetting(
      `The pepper file ${path} must hold 64 hexadecimal digits (32 bytes), during a rotation two such lines, and nothing else.`,
    )
  return peppers
}

/** Writes a new pepper file, completely or not at all, and syncs it. */
export const createPepperFile = (path: string, peppers: Peppers) => writeDraft(path, peppers, linkSync)

/** Replaces the peppers in a file, in the same way. */
export const replacePepperFile = (path: string, peppers: Peppers) => writeDraft(path, peppers, renameSync)

function writeDraft(path: string, peppers: Peppers, put: (draft: string, path: string) => void) {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(draft, `${printPeppers(peppers, '\n')}\n`, { mode: 0o600, flag: 'wx', flush: true })
    put(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
  // Windows cannot open a folder, and keeps names without this.
  if (process.platform === 'win32') return
  const folder = openSync(dirname(path), 'r')
  fsyncSync(folder)
  closeSync(folder)
}
