import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { emptyDatabase, engines } from '../setup.ts'
import { folder, run, serve, type Options, type Serving } from './command.ts'

const home = folder()
const alone = join(home.path, 'alone')
const program = [join(alone, 'keyhall')]

/** `npm test` has built the executable already, and copies of it are what people use. */
beforeAll(() => {
  mkdirSync(alone)
  copyFileSync(process.env.TEST_PROGRAM ?? build(), program[0]!)
}, 180_000)
afterAll(() => home.remove())

for (const engine of engines)
  describe(`the executable (${engine})`, () => {
    test('serves and calls, alone in a folder, without Node.js, npm or the sources', async () => {
      const { address, drop } = await emptyDatabase(engine)
      const options = { program, cwd: alone, env: { PATH: '' } }
      const server = await serve(address, ['--upstream', `${silent.url}v1`], options)
      expect(server.printed()).toContain(`${program[0]} admin-keys create`)
      expect(server.printed()).toContain(`${server.url}/console/`)
      const page = await (await fetch(`${server.url}/console/`)).text()
      const script = /src="(\.\/assets\/index-\w+\.js)"/.exec(page)![1]!
      expect((await fetch(new URL(script, `${server.url}/console/`))).status).toBe(200)
      const env = { PATH: '', OPENAI_ADMIN_KEY: server.key!, OPENAI_BASE_URL: `${server.url}/v1` }
      const list = await run(['projects', 'list'], { ...options, env })
      expect(list).toMatchObject({ code: 0, err: '' })
      expect(JSON.parse(list.out).data).toMatchObject([{ name: 'Default project' }])
      await usesWorkers(server, env, options)
      expect(await run(['audit', 'verify', '--database', address], options)).toMatchObject({ code: 0, err: '' })
      server.signal('SIGTERM')
      expect(await server.ended).toMatchObject({ code: 0, err: '' })
      await drop()
    })
  })

function build() {
  const args = [join(import.meta.dir, '../../scripts/build.ts'), '--outdir', `${home.path}/dist`]
  const built = Bun.spawnSync([process.execPath, ...args])
  if (built.exitCode !== 0) throw new Error(built.stderr.toString())
  return `${home.path}/dist/keyhall`
}

/** Says nothing of what it used. */
const silent = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  development: false,
  fetch: ({ url }) =>
    Response.json(
      url.endsWith('/models')
        ? { data: [{ id: 'gpt-4o' }] }
        : { choices: [{ message: { role: 'assistant', content: 'Hello, world!' } }] },
    ),
})
afterAll(() => silent.stop(true))

/** The tokenizer and the reports run in Workers, which are parts of the executable too. */
async function usesWorkers(server: Serving, env: Record<string, string>, options: Options) {
  const call = async <Answer>(...args: string[]) => JSON.parse((await run(args, { ...options, env })).out) as Answer
  const { data } = await call<{ data: [{ id: string }] }>('projects', 'list')
  const robot = await call<{ api_key: { value: string } }>(
    'projects',
    'service-accounts',
    'create',
    data[0].id,
    '--name',
    'robot',
  )
  const answer = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${robot.api_key.value}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello there' }] }),
  })
  await answer.text()
  const today = String(Math.floor(Date.now() / 86_400_000) * 86_400)
  for (;;) {
    const page = await call<{ data: { results: unknown[] }[] }>('usage', 'completions', '--start-time', today)
    const results = page.data.at(-1)!.results
    if (results.length > 0) {
      expect(results).toMatchObject([{ input_tokens: 9, output_tokens: 4 }])
      break
    }
  }
  expect(server.printed()).not.toContain('Worker')
}

// Each test starts several processes.
setDefaultTimeout(60_000)

test('an install needs no script of any package: nothing that runs has one', () => {
  const lock = JSON.parse(readFileSync(join(import.meta.dir, '../../package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; hasInstallScript?: boolean }>
  }
  const scripted = Object.entries(lock.packages).filter(([, { dev, hasInstallScript }]) => hasInstallScript && !dev)
  expect(scripted).toEqual([])
})
