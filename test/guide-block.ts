/** Blocks of guides that need more than a server, so that a test of their own runs them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The text of the one block that is marked so, such as `sh package`. */
export function guideBlock(guide: string, mark: string): string {
  const text = readFileSync(join(import.meta.dir, '../docs/guides', guide), 'utf8')
  const found = text.split(`\n\`\`\`${mark}\n`)
  if (found.length !== 2) throw new Error(`${guide} has ${found.length - 1} blocks marked "${mark}", not one`)
  return found[1]!.split('```')[0]!
}
