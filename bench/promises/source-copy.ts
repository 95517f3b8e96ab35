/** A copy of the source in a temporary folder, in which a mend can be taken out. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Edit } from './promise.ts'

const root = join(import.meta.dir, '../..')

export class SourceCopy {
  readonly folder = mkdtempSync(join(tmpdir(), 'keyhall-promises-'))

  constructor() {
    const listed = Bun.spawnSync(['git', 'ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: root })
    for (const file of listed.stdout.toString().split('\0').filter(Boolean)) {
      mkdirSync(dirname(join(this.folder, file)), { recursive: true })
      cpSync(join(root, file), join(this.folder, file))
    }
    symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'))
  }

  /**
   * Runs with these edits made, and undoes them. Throws where one does not find its text: then the
   * control proves nothing.
   */
  async without<Result>(edits: readonly Edit[], run: () => Promise<Result>): Promise<Result> {
    const before = new Map<string, string>()
    try {
      for (const { file, find, replace } of edits) {
        const path = join(this.folder, file)
        const text = readFileSync(path, 'utf8')
        if (text.split(find).length !== 2) throw new Error(`${file} does not have once: ${find}`)
        if (!before.has(path)) before.set(path, text)
        writeFileSync(
          path,
          text.replace(find, () => replace),
        )
      }
      return await run()
    } finally {
      for (const [path, text] of before) writeFileSync(path, text)
    }
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
