/**
 * The controls of `npm run bench promises` stay those of the code as it is, and the tests that the
 * list of promises names are there.
 */
import { expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promises } from '../bench/promises/entries.ts'

const root = join(import.meta.dir, '..')

test('the mend that each control takes out stands in the code exactly once', () => {
  const edits = promises.flatMap(({ item, control }) => control.map((edit) => ({ item, ...edit })))
  const missing = edits.filter(({ file, find }) => readFileSync(join(root, file), 'utf8').split(find).length !== 2)
  expect(missing.map(({ item, file, find }) => `${item}: ${file}: ${find}`)).toEqual([])
})

test('each test that the list of promises names is there', () => {
  const text = readFileSync(join(root, 'docs/reliability.md'), 'utf8')
  const named = [...text.matchAll(/`(?:test\/)?([\w/-]+\.test\.ts)`/g)].map(([, file]) => file!)
  expect(named.length).toBeGreaterThan(60)
  expect(named.filter((file) => !existsSync(join(root, 'test', file)))).toEqual([])
})
