/** What `npm pack` makes in a fresh clone is installed in an empty folder, and used from there. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { folder, run, serve } from './cli/command.ts'
import { guideBlock } from './guide-block.ts'
import { nodes } from './nodes.ts'
import { startRegistry } from './package-registry.ts'
import { copySources } from './release/throwaway-repository.ts'

// npm and tsc take seconds each.
setDefaultTimeout(120_000)

const root = join(import.meta.dir, '..')
const home = folder()
const clone = join(home.path, 'clone')
const place = join(home.path, 'empty')
let packed: string[]
let installed: string

beforeAll(async () => {
  copySources(clone)
  packed = await pack()
  installed = await install()
}, 120_000)
afterAll(() => home.remove())

/** Packs, and answers which files the package has. */
async function pack() {
  const { code, out, err } = await run(['pack', '--json', '--silent', '--pack-destination', home.path], {
    program: ['npm'],
    cwd: clone,
    env: { HOME: home.path },
  })
  if (code !== 0) throw new Error(`npm pack failed: ${err}${out}`)
  const [{ files }] = JSON.parse(out) as [{ files: { path: string }[] }]
  return files.map(({ path }) => path)
}

/** Does what the guide says, and answers what that prints. */
async function install() {
  const registry = startRegistry(root)
  mkdirSync(place)
  const [tarball] = readdirSync(home.path).filter((name) => name.endsWith('.tgz'))
  renameSync(join(home.path, tarball!), join(place, tarball!))
  const settings = { registry: registry.url, cache: join(home.path, 'cache'), audit: 'false', fund: 'false' }
  const env = Object.fromEntries(Object.entries(settings).map(([name, value]) => [`npm_config_${name}`, value]))
  const script = guideBlock('install.md', 'sh package')
  const installed = await run([`${script}\ncomplete -p keyhall`], {
    program: ['bash', '-euc'],
    cwd: place,
    env: { ...env, HOME: home.path, npm_config_update_notifier: 'false' },
  })
  await registry.stop()
  if (installed.code !== 0) throw new Error(`what the guide says failed: ${installed.err}`)
  return installed.out
}

test('the package holds what runs, the client with its types, and nothing else', () => {
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] }
  const parts = new Set(packed.map((path) => path.split('/')[0]!))
  const always = ['LICENSE', 'README.md', 'package.json']
  expect(parts).toEqual(new Set([...files.map((file) => file.split('/')[0]!), ...always]))
  expect(packed).toContain('dist/client.js')
  expect(packed).toContain('dist/types/client/index.d.ts')
  expect(packed).toContain('dist/console/index.html')
  const notices = readFileSync(join(place, 'node_modules/keyhall/dist/THIRD-PARTY-NOTICES'), 'utf8')
  for (const name of ['preact', '@preact/signals', '@preact/signals-core', 'uplot'])
    expect(notices).toMatch(new RegExp(`^${name} [\\d.]+ \\(MIT\\)\n\n.*MIT License`, 'm'))
  expect(packed.filter((path) => /test|bench|\.map$|tsbuildinfo|keyhall$/.test(path))).toEqual([])
})

test.each(nodes())(
  'with Node.js %s the server runs, and is called by the command line and a module',
  async (version, node) => {
    mkdirSync(join(home.path, version))
    const options = { cwd: place, env: { PATH: `${dirname(node)}${delimiter}${process.env.PATH}` } }
    const program = [node, realpathSync(join(place, 'node_modules/.bin/keyhall'))]
    const server = await serve(`sqlite:${home.path}/${version}/test.db`, [], { ...options, program })
    const env = { ...options.env, OPENAI_ADMIN_KEY: server.key!, OPENAI_BASE_URL: `${server.url}/v1` }
    const said = { code: 0, out: 'Default project\n', err: '' }
    expect(await run(['projects', 'list', '--field', 'name'], { ...options, env, program })).toEqual(said)
    writeFileSync(join(place, 'client.mjs'), guideBlock('install.md', 'js package'))
    expect(await run(['client.mjs'], { ...options, env, program: [node] })).toEqual(said)
    const page = await (await fetch(`${server.url}/console/`)).text()
    const script = /src="(\.\/assets\/index-\w+\.js)"/.exec(page)![1]!
    expect((await fetch(new URL(script, `${server.url}/console/`))).status).toBe(200)
    server.signal('SIGTERM')
    expect(await server.ended).toMatchObject({ code: 0, err: '' })
  },
)

test('the client is one module without dependencies, which runs in Node.js alone', async () => {
  const alone = join(home.path, 'alone')
  mkdirSync(alone)
  copyFileSync(join(place, 'node_modules/keyhall/dist/client.js'), join(alone, 'client.js'))
  const script = `import { Keyhall, AuthenticationError } from './client.js'
    const fetch = async () => Response.json({ error: { message: 'no' } }, { status: 401 })
    const client = new Keyhall({ adminAPIKey: 'sk-admin-x', fetch })
    await client.admin.organization.projects.list().catch((error) => console.log(error instanceof AuthenticationError))`
  const ran = await run(['--input-type=module', '-e', script], { cwd: alone, program: ['node'] })
  expect(ran).toMatchObject({ code: 0, out: 'true\n' })
})

test('the guide installs it with npm, and completion is one that bash takes', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  expect(installed).toContain(`keyhall ${version}\ncomplete -F _keyhall keyhall\n`)
})

test.each(['nodenext', 'bundler'])('tsc takes the types of keyhall/client (%s)', async (resolution) => {
  const program = `
    import { Keyhall } from 'keyhall/client'
    const page = await new Keyhall().admin.organization.projects.list()
    export const name: string = page.data[0]!.name
    // @ts-expect-error a name is a string
    export const wrong: number = page.data[0]!.name
  `
  const file = `${resolution}.mts`
  writeFileSync(join(place, file), program)
  const options = ['--strict', '--noEmit', '--target', 'es2024', '--moduleResolution', resolution]
  const libraries = ['--module', resolution === 'bundler' ? 'preserve' : resolution, '--types', '']
  const tsc = [process.execPath, join(root, 'node_modules/typescript/bin/tsc')]
  const checked = await run([...options, ...libraries, file], { cwd: place, program: tsc })
  expect(checked).toEqual({ code: 0, out: '', err: '' })
})
