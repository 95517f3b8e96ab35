import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onBothEngines } from '../setup.ts'
import { useEverything } from './drop-in.ts'

const root = join(import.meta.dir, '../..')
/** Inside the repository, so that packages are found from there. */
const folder = join(root, 'node_modules/.cache/drop-in')

beforeAll(() => {
  const ours = readFileSync(join(import.meta.dir, 'drop-in.ts'), 'utf8').replace(
    "import OpenAI, { APIConnectionError, APIError, NotFoundError, RateLimitError } from 'openai'",
    "import OpenAI, { APIConnectionError, APIError, NotFoundError, RateLimitError } from 'keyhall/client'",
  )
  expect(ours).toContain('keyhall/client')
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      paths: { 'keyhall/client': [join(root, 'client/index.ts')] },
      typeRoots: [join(root, 'node_modules/@types')],
    },
    include: ['*.ts'],
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'drop-in.ts'), ours)
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test("calls written for the official SDK compile with Keyhall's client", () => {
  const compiled = Bun.spawnSync([process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '-p', folder])
  expect(compiled.stdout.toString()).toBe('')
  expect(compiled.exitCode).toBe(0)
})

onBothEngines('a file of calls written against the official SDK', (server) => {
  test("comes to the same with Keyhall's client in its place", async () => {
    const ours: { useEverything: typeof useEverything } = await import(join(folder, 'drop-in.ts'))
    const run = ({ useEverything }: typeof ours) =>
      useEverything(server().admin_key, 'http://keyhall.test/v1', (url, init) => server().fetch(new Request(url, init)))
    const theirs = await run({ useEverything })
    expect(theirs).toHaveLength(4)
    expect(await run(ours)).toEqual([...theirs.slice(0, 3), expect.stringMatching(/^archived \d+ 404,/)])
  })
})
