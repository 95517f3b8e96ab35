/** Whether the folders that the server writes to have room left. */
import { existsSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, resolve } from 'node:path'
import { sqlitePath } from '../../database/sqlite-address.ts'
import { check, ok, problem, warning, type Finding } from './finding.ts'

const FEW_BYTES = 2 ** 30
const TOO_FEW_BYTES = 100 * 2 ** 20

export const diskSpace = check({
  name: 'space',
  settings: ['database', 'revocations_file'],
  late: 'Look whether the disk with the data answers.',
  look({ database, revocations_file }) {
    const paths = [sqlitePath(database), revocations_file].flatMap((path) => (path === null ? [] : [dirname(path)]))
    const folders = [...new Set([...paths, tmpdir()].map(nearest))]
    const all = folders.map((folder) => ({ folder, ...room(folder) }))
    const findings = all.flatMap(judge)
    if (findings.length > 0) return findings
    const least = Math.min(...all.map(({ bytes }) => bytes))
    return [ok(`At least ${gibibytes(least)} are free in ${folders.join(' and ')}.`)]
  },
})

/** The folder, or the one in which it will be made. */
function nearest(folder: string): string {
  let path = resolve(folder)
  while (!existsSync(path) && path !== dirname(path)) path = dirname(path)
  return path
}

interface Room {
  bytes: number
  /** How many more files; null where the file system has no such number. */
  files: number | null
}

function room(folder: string): Room {
  const { bavail, bsize, files, ffree } = statfsSync(folder)
  return { bytes: bavail * bsize, files: files > 0 ? ffree : null }
}

export function judge({ folder, bytes, files }: Room & { folder: string }): Finding[] {
  const found: Finding[] = []
  if (bytes < FEW_BYTES)
    found.push(
      (bytes < TOO_FEW_BYTES ? problem : warning)(
        `${gibibytes(bytes)} are free in ${folder}; make room there, or put the data on a larger disk.`,
      ),
    )
  if (files === 0) found.push(problem(`No more files fit in ${folder} (no free inodes); remove some there.`))
  return found
}

const gibibytes = (bytes: number) =>
  bytes < 2 ** 30 ? `${Math.floor(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`
