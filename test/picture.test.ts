import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { picture, PICTURE } from '../scripts/picture.ts'

test('the picture in the README is what the command prints about the demo; "npm run docs -- --pictures" draws it anew', async () => {
  expect(readFileSync(PICTURE, 'utf8')).toBe(await picture())
})
