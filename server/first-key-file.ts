/**
 * The first admin key of a server that was not started on a terminal: in a file that only its user
 * can read, because what a service prints is kept in a log.
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { Failed } from '../world/failed.ts'

interface FirstKeyFile {
  /** Writes the key; one that is left from an earlier database is replaced. */
  keep: (key: string) => void
  /** Removes what was not needed. */
  discard: () => void
}

/**
 * Makes sure that the key can be written, before there is one that nobody would see. Throws Failed
 * with a sentence.
 */
export function openFirstKeyFile(path: string): FirstKeyFile {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  const file = openDraft(path, draft)
  return {
    keep(key) {
      writeSync(file, `${key}\n`)
      fsyncSync(file)
      renameSync(draft, path)
    },
    discard() {
      closeSync(file)
      rmSync(draft, { force: true })
    },
  }
}

function openDraft(path: string, draft: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    requireReplaceable(path, `${draft}.old`)
    return openSync(draft, 'wx', 0o600)
  } catch (error) {
    throw new Failed(
      `The first admin key cannot be written to ${path}: ${(error as Error).message}. Name another file with KEYHALL_FIRST_KEY_FILE, or choose the key with KEYHALL_ADMIN_KEY or KEYHALL_ADMIN_KEY_FILE.`,
    )
  }
}

/**
 * Renames what is there and puts it back, because a file that is mounted by itself cannot be
 * replaced. Throws what the file system says.
 */
function requireReplaceable(path: string, aside: string) {
  const there = lstatSync(path, { throwIfNoEntry: false })
  if (!there) return
  if (there.isDirectory()) throw new Error('it is a folder')
  renameSync(path, aside)
  try {
    // A link replaces nothing: another server that started at the same moment may have written its
    // key.
    linkSync(aside, path)
    rmSync(aside)
  } catch {
    if (existsSync(path)) rmSync(aside)
    else renameSync(aside, path)
  }
}
