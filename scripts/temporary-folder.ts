/** Where the temporary files of a run of the tests lie. */
import { readFileSync, statfsSync } from 'node:fs'
import { freemem, tmpdir } from 'node:os'

const SHARED_MEMORY = '/dev/shm'
/** The files of a run took less than 700 MB at any time. */
const ROOM_BYTES = 3e9
/** The tests themselves, PostgreSQL and browsers use some, too. */
const FREE_BYTES = 8e9

/**
 * In memory, where there is much of it: each test has a database of its own, and making so many
 * files on a disk takes a sixth of the whole time. `TMPDIR` names another place.
 */
export const temporaryFolder = (): string => (process.env.TMPDIR === undefined && hasRoom() ? SHARED_MEMORY : tmpdir())

function hasRoom(): boolean {
  try {
    const mounted = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
    const [, , type, options] = mounted.findLast(([, place]) => place === SHARED_MEMORY) ?? []
    // The executable that is tested lies there.
    if (type !== 'tmpfs' || options!.split(',').includes('noexec')) return false
    const { bavail, bsize } = statfsSync(SHARED_MEMORY)
    return bavail * bsize > ROOM_BYTES && Math.min(freemem(), process.availableMemory()) > FREE_BYTES
  } catch {
    return false
  }
}
