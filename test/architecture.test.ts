/**
 * The pages that name files of the source name files that are there. (The map itself is written
 * from the files.)
 */
import { expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dir, '..')
const pages = ['docs/architecture.md', 'docs/glossary.md', 'CONTRIBUTING.md', 'SECURITY.md']
const decisions = readdirSync(join(root, 'docs/decisions')).map((name) => `docs/decisions/${name}`)

/** What the recipes of docs/architecture.md tell to make. */
const toBeMade = /NNN-/

for (const page of [...pages, ...decisions])
  test(`${page} names no file that is not there`, () => {
    const text = readFileSync(join(root, page), 'utf8')
    const named = [...text.matchAll(/`((?:[\w-]+\/)+[\w.-]+\.(?:ts|md|js))`/g)].map(([, path]) => path!)
    const missing = named.filter((path) => !toBeMade.test(path) && !existsSync(join(root, path)))
    expect(missing).toEqual([])
  })
