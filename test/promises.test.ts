/** The controls of `npm run bench promises` stay those of the code as it is. */
import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promises } from '../bench/promises/entries.ts'

const root = join(import.meta.dir, '..')

test('the mend that each control takes out stands in the code exactly once', () => {
  const edits = promises.flatMap(({ item, control }) => control.map((edit) => ({ item, ...edit })))
  const missing = edits.filter(({ file, find }) => readFileSync(join(root, file), 'utf8').split(find).length !== 2)
  expect(missing.map(({ item, file, find }) => `${item}: ${file}: ${find}`)).toEqual([])
})
