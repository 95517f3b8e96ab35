import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { callOf } from '../../client/client-call.ts'
import { calls } from '../../client/calls.ts'
import { operations } from '../../contract/index.ts'
import { newServiceAccount } from '../made.ts'
import { onBothEngines } from '../setup.ts'

const root = join(import.meta.dir, '../..')
const folder = mkdtempSync(join(tmpdir(), 'keyhall-client-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const bundle = async () => {
  const built = await Bun.build({
    entrypoints: [join(root, 'client/index.ts')],
    outdir: folder,
    naming: 'client.mjs',
    target: 'browser',
    sourcemap: 'external',
  })
  expect(built.success).toBe(true)
  return join(folder, 'client.mjs')
}

/**
 * Minified, as an application ships it. An operation takes about 120 of them; there are 143 of the
 * official API and 21 of ours.
 */
const MOST_BYTES = 31_500

test('the client bundles for a browser, out of its own files alone', async () => {
  const text = readFileSync(await bundle(), 'utf8')
  expect(text).not.toMatch(/\b(from|import|require)\s*\(?\s*["']/)
  const { sources } = JSON.parse(readFileSync(join(folder, 'client.mjs.map'), 'utf8')) as { sources: string[] }
  const rooms = sources.map((source) => relative(root, join(folder, source)).split(sep)[0])
  expect(new Set(rooms)).toEqual(new Set(['client']))
})

test(`the bundle has at most ${MOST_BYTES} bytes and none of the contract's sentences`, async () => {
  const built = await Bun.build({ entrypoints: [join(root, 'client/index.ts')], target: 'browser', minify: true })
  const text = await built.outputs[0]!.text()
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MOST_BYTES)
  for (const { operation } of operations) expect(text).not.toContain(operation.about)
})

test('the client can call every operation of the contract as it stands there', () => {
  const ofClient = (name: string) => name.split('.').reduce<any>((tree, member) => tree[member], calls.organization)
  for (const { name, operation } of operations) expect([name, ofClient(name)]).toEqual([name, callOf(operation)])
})

const script = (clientFile: string) => `
import { Keyhall, NotFoundError } from ${JSON.stringify(clientFile)}
const { projects } = new Keyhall().admin.organization
const names = []
for await (const key of projects.apiKeys.list(process.env.PROJECT, { limit: 1 })) names.push(key.name)
const error = await projects.retrieve('proj_none').catch((error) => error)
console.log(JSON.stringify([names, error instanceof NotFoundError, error.name]))
`

onBothEngines('the bundled client under Node', (server) => {
  test('lists keys over a socket, and lets the process end', async () => {
    const { project_id, id } = await newServiceAccount(server())
    await server().client.admin.organization.projects.serviceAccounts.apiKeys.create(id, { project_id, name: 'second' })
    const listening = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: server().fetch })
    writeFileSync(join(folder, 'list.mjs'), script(await bundle()))
    const env = {
      ...process.env,
      OPENAI_ADMIN_KEY: server().admin_key,
      OPENAI_BASE_URL: `http://127.0.0.1:${listening.port}/v1`,
      PROJECT: project_id,
    }
    const node = Bun.spawn(['node', join(folder, 'list.mjs')], { env, stdout: 'pipe', stderr: 'pipe' })
    const [out, problems] = await Promise.all([
      new Response(node.stdout).text(),
      new Response(node.stderr).text(),
      node.exited,
    ])
    await listening.stop(true)
    expect(problems).toBe('')
    expect(JSON.parse(out)).toEqual([['second', 'Secret Key'], true, 'NotFoundError'])
  })
})
