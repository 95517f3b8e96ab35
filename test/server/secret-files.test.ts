/** Secrets that come from files, and the first admin key, which goes into one. */
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { folder, run, sentence, serve } from '../cli/command.ts'
import { inProcess } from '../cli/terminal.ts'
import { program } from '../program.ts'
import { emptyDatabase, engines } from '../setup.ts'

setDefaultTimeout(60_000)

const home = folder()
afterAll(home.remove)

function secret(name: string, text: string, mode = 0o600) {
  const path = `${home.path}/${name}`
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

const CHOSEN = 'sk-admin-chosen-by-the-operator-0123456789'

for (const engine of engines)
  test(`the database and the first key come from files, without the line break at their end (${engine})`, async () => {
    const { address, drop } = await emptyDatabase(engine)
    const env = {
      KEYHALL_DATABASE_FILE: secret(`${engine}-address`, `${address}\n`),
      KEYHALL_ADMIN_KEY_FILE: secret(`${engine}-key`, `${CHOSEN}\r\n`, 0o644),
      KEYHALL_PEPPER_FILE: `${home.path}/${engine}-pepper`,
    }
    const { code, out } = await inProcess(['serve', '--port', '0'], { environment: env, onStop: (stop) => stop() })
    expect(code).toBe(0)
    expect(out).toContain('The file of KEYHALL_ADMIN_KEY_FILE')
    expect(out).not.toContain('KEYHALL_DATABASE_FILE')
    expect(out).not.toContain(CHOSEN)
    const made = await inProcess(['admin-keys', 'create'], { environment: env })
    expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^sk-admin-\S+\n$/) })
    await drop()
  })

test('a secret that is given twice, or that its file does not have, is refused in one sentence', async () => {
  const empty = secret('empty', '\n')
  const wrong = secret('wrong', 'sk-wrong')
  const none = `${home.path}/none`
  const cases: [env: Record<string, string>, flags: string[], says: string][] = [
    [
      { KEYHALL_DATABASE: 'sqlite:x', KEYHALL_DATABASE_FILE: none },
      [],
      'KEYHALL_DATABASE and KEYHALL_DATABASE_FILE say the same thing twice; give one of them.',
    ],
    [
      { KEYHALL_PEPPER: 'a'.repeat(64), KEYHALL_PEPPER_FILE: none },
      [],
      'KEYHALL_PEPPER and KEYHALL_PEPPER_FILE say the same thing twice; give one of them.',
    ],
    [{ KEYHALL_SMTP_URL_FILE: none }, [], `KEYHALL_SMTP_URL_FILE names ${none}, which cannot be read: ENOENT`],
    [{ KEYHALL_UPSTREAM_API_KEY_FILE: empty }, [], `KEYHALL_UPSTREAM_API_KEY_FILE names ${empty}, which is empty.`],
    [{}, ['--admin-key-file', empty], `--admin-key-file names ${empty}, which is empty.`],
    [
      { KEYHALL_ADMIN_KEY_FILE: wrong },
      [],
      `What stands in ${wrong}, which KEYHALL_ADMIN_KEY_FILE names, must begin with "sk-admin-"`,
    ],
  ]
  for (const [environment, flags, says] of cases) {
    const ended = await inProcess(['serve', '--port', '0', ...flags], { environment })
    expect({ code: ended.code, out: ended.out }).toEqual({ code: 2, out: '' })
    expect(sentence(ended)).toStartWith(says)
    expect(ended.err).not.toContain('sk-wrong')
  }
})

test('a variable that keyhall.yaml names can stand in a file too', async () => {
  const yaml = secret('upstreams.yaml', 'upstreams: [{ name: a, base_url: "http://a/v1", api_key: "${FAR_KEY}" }]\n')
  const check = (environment: Record<string, string>) => inProcess(['config', 'check', yaml], { environment })
  expect(await check({ FAR_KEY_FILE: secret('far', 'sk-far\n') })).toMatchObject({ code: 0, err: '' })
  // It is read, not only looked for.
  expect((await check({ FAR_KEY_FILE: secret('far', 'two words\n') })).err).toContain('printable characters')
  expect((await check({ FAR_KEY: 'a', FAR_KEY_FILE: 'b' })).err).toContain('FAR_KEY and FAR_KEY_FILE say the same')
  expect((await check({ FAR_KEY_FILE: `${home.path}/none` })).err).toContain('FAR_KEY_FILE names')
})

for (const engine of engines)
  test(`away from a terminal the first key goes into a file, and not into the log (${engine})`, async () => {
    const { address, drop } = await emptyDatabase(engine)
    const place = folder()
    const database = engine === 'sqlite' ? `sqlite:${place.path}/data/k.db` : address
    const first = await serve(database, [], { cwd: place.path, env: { KEYHALL_FIRST_KEY_FILE: '' } })
    first.signal('SIGTERM')
    const { out } = await first.ended
    const file = `${place.path}/data/first-admin-key`
    const key = readFileSync(file, 'utf8').trim()
    expect(key).toStartWith('sk-admin-')
    expect((statSync(file).mode & 0o777).toString(8)).toBe('600')
    expect(out).toContain('/first-admin-key, which no other user can read')
    expect(out).not.toContain('sk-admin-')
    expect(readdirSync(`${place.path}/data`).filter((name) => name.startsWith('first'))).toEqual(['first-admin-key'])
    const again = await serve(database, [], { cwd: place.path })
    expect(again.key).toBe(null)
    const headers = { authorization: `Bearer ${key}` }
    expect((await fetch(`${again.url}/v1/organization/projects`, { headers })).status).toBe(200)
    again.signal('SIGTERM')
    await again.ended
    place.remove()
    await drop()
  })

test('where that file cannot be written no key is made, and the next start makes one', async () => {
  const place = folder()
  const database = `sqlite:${place.path}/k.db`
  const inTheWay = secret('in-the-way', 'x')
  const refused = await run(['serve', '--port', '0', '--database', database], {
    env: { KEYHALL_FIRST_KEY_FILE: `${inTheWay}/key` },
  })
  expect(refused.code).toBe(1)
  expect(sentence(refused)).toStartWith(`The first admin key cannot be written to ${inTheWay}/key: `)
  const server = await serve(database, ['--new-organization'])
  expect(server.key).toStartWith('sk-admin-')
  server.signal('SIGTERM')
  await server.ended
  place.remove()
})

test('where that file is a folder no key is made, and an earlier file is replaced', async () => {
  const place = folder()
  const database = `sqlite:${place.path}/k.db`
  const start = (path: string, ...more: string[]) =>
    inProcess(['serve', '--port', '0', '--database', database, ...more], {
      environment: { KEYHALL_FIRST_KEY_FILE: path },
      onStop: (stop) => stop(),
    })
  mkdirSync(`${place.path}/keys`)
  const refused = await start(`${place.path}/keys`)
  expect(refused.code).toBe(1)
  expect(sentence(refused)).toStartWith(`The first admin key cannot be written to ${place.path}/keys: it is a folder. `)
  const earlier = `${place.path}/keys/first`
  writeFileSync(earlier, 'of an earlier database')
  expect((await start(earlier, '--new-organization')).code).toBe(0)
  expect(readFileSync(earlier, 'utf8')).toStartWith('sk-admin-')
  expect(readdirSync(place.path).filter((name) => name.startsWith('keys'))).toEqual(['keys'])
  expect(readdirSync(`${place.path}/keys`)).toEqual(['first'])
  place.remove()
})

const inNamespace = ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-euc']
const mayMount = Bun.which('unshare') && Bun.spawnSync([...inNamespace, 'mount -t tmpfs x /tmp']).exitCode === 0
if (!mayMount)
  console.log('NOT TESTED: a file that is mounted by itself, because "unshare" is not there or not allowed')

test.skipIf(!mayMount)('where that file is mounted by itself no key is made', async () => {
  const place = folder()
  const file = secret('mounted', '')
  const mounted = `mount --bind '${file}' '${file}'; exec "$@"`
  const database = `sqlite:${place.path}/k.db`
  const refused = await run(['serve', '--port', '0', '--database', database], {
    program: [...inNamespace, mounted, 'sh', ...program],
    env: { KEYHALL_FIRST_KEY_FILE: file },
  })
  expect(refused.code).toBe(1)
  expect(sentence(refused)).toStartWith(`The first admin key cannot be written to ${file}: EBUSY`)
  expect(readdirSync(home.path).filter((name) => name.startsWith('mounted'))).toEqual(['mounted'])
  const server = await serve(database, ['--new-organization'])
  expect(server.key).toStartWith('sk-admin-')
  server.signal('SIGTERM')
  await server.ended
  place.remove()
})

test('on a terminal the first key is printed, and no file is made', async () => {
  const place = folder()
  const { code, out } = await inProcess(['serve', '--port', '0', '--database', `sqlite:${place.path}/k.db`], {
    isTerminal: true,
    onStop: (stop) => stop(),
  })
  expect(code).toBe(0)
  expect(out).toMatch(/export OPENAI_BASE_URL=http\S+ OPENAI_ADMIN_KEY=sk-admin-\S+\n/)
  expect(existsSync(`${place.path}/first-admin-key`)).toBe(false)
  place.remove()
})
