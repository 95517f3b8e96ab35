/** Settings of the server that stand in `keyhall.yaml` beside the upstreams. */
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { folder, sentence, serve } from '../cli/command.ts'
import { inProcess } from '../cli/terminal.ts'

setDefaultTimeout(60_000)

const home = folder()
afterAll(home.remove)
const file = `${home.path}/keyhall.yaml`

const write = (server: string, rest = '') => writeFileSync(file, `server:\n${server}${rest}`)

test('a server and the commands on its host take them, and flags and the environment win', async () => {
  const database = `sqlite:${home.path}/in-the-file.db`
  write(`  database: ${database}\n  pepper_file: ${home.path}/own-pepper\n  host: 127.0.0.2\n  port: 1\n`)
  const environment = { KEYHALL_CONFIG: file, KEYHALL_PORT: '0', KEYHALL_FIRST_KEY_FILE: `${home.path}/key` }
  const { code, out } = await inProcess(['serve'], { environment, onStop: (stop) => stop() })
  expect(code).toBe(0)
  expect(out).toContain('Listening on http://127.0.0.2:')
  expect(out).toContain(database)
  expect(await Bun.file(`${home.path}/own-pepper`).text()).toMatch(/^[0-9a-f]{64}\n$/)
  const made = await inProcess(['admin-keys', 'create', '--config', file])
  expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^sk-admin-/) })
  const other = await inProcess(['admin-keys', 'create', '--database', `sqlite:${home.path}/none.db`], { environment })
  expect(sentence(other)).toStartWith(`There is no database at ${home.path}/none.db`)
})

test('"config check" says where each setting comes from, without secrets', async () => {
  write(
    '  database: "postgres://keyhall:${PASSWORD}@db.example.com/keyhall"\n  host: 0.0.0.0\n  port: 4200\n',
    'upstreams: [{ name: near, base_url: "http://127.0.0.1:1/v1" }]\n',
  )
  const environment = {
    PASSWORD: 'very-secret',
    KEYHALL_HOST: '127.0.0.1',
    KEYHALL_ADMIN_KEY: `sk-admin-${'x'.repeat(30)}`,
  }
  const { code, out, err } = await inProcess(['config', 'check', file], { environment })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out.split('\n')).toEqual([
    `${file} is right: 1 upstream.`,
    `database: postgres://keyhall@db.example.com/keyhall (server.database in ${file}, line 2)`,
    'host: 127.0.0.1 (KEYHALL_HOST; it wins over server.host)',
    `port: 4200 (server.port in ${file}, line 4)`,
    'admin_key: *** (KEYHALL_ADMIN_KEY)',
    '',
  ])
})

test('"config check" refuses what "serve" would refuse, and prints no password of it', async () => {
  writeFileSync(file, 'upstreams: [{ name: near, base_url: "http://127.0.0.1:1/v1" }]\n')
  for (const [environment, says] of [
    [{ KEYHALL_UPSTREAM: 'http://127.0.0.1:2/v1' }, 'KEYHALL_UPSTREAM and KEYHALL_CONFIG say the same thing twice'],
    [{ KEYHALL_UPSTREAM: 'http://u:secret@host/v1' }, 'KEYHALL_UPSTREAM must hold no user and password'],
    [{ KEYHALL_OIDC_CLIENT_ID: 'keyhall' }, 'KEYHALL_OIDC_CLIENT_ID needs KEYHALL_OIDC_ISSUER.'],
    [{ KEYHALL_SMTP_URL: 'smtp://u:secret@host' }, 'KEYHALL_SMTP_URL needs KEYHALL_SMTP_FROM'],
    [{ KEYHALL_TLS_CERT: 'cert.pem' }, 'KEYHALL_TLS_CERT and KEYHALL_TLS_KEY go together'],
    [{ KEYHALL_CLIENT_CERT_HEADER: 'client-cert' }, 'KEYHALL_CLIENT_CERT_HEADER is for a proxy'],
  ] as const) {
    const checked = await inProcess(['config', 'check', file], { environment })
    expect({ code: checked.code, out: checked.out }).toEqual({ code: 2, out: '' })
    expect(sentence(checked)).toStartWith(says)
    expect(checked.err).not.toContain('secret')
    const served = await inProcess(['serve', '--port', '0', '--config', file], { environment })
    expect({ code: served.code, says: sentence(served) }).toEqual({ code: 2, says: sentence(checked) })
  }
})

test('a wrong one is refused with its line, and a password in the file is warned about', async () => {
  write('  port: 70000\n  databse: x\n')
  const wrong = await inProcess(['serve', '--config', file])
  expect({ code: wrong.code, err: wrong.err.split('\n') }).toEqual({
    code: 2,
    err: [
      `keyhall: ${file}:2:9: server.port must be a whole number from 0 to 65535.`,
      `${file}:3:3: There is no "databse" here; did you mean "database"?`,
      '',
    ],
  })
  write('  public_url: nowhere\n')
  const url = await inProcess(['serve', '--config', file])
  expect(sentence(url)).toStartWith(`server.public_url in ${file} must be an address such as https://`)
  write('  database: postgres://keyhall:very-secret@db.example.com/keyhall\n')
  const password = await inProcess(['config', 'check', file])
  expect(password.code).toBe(0)
  expect(password.err).toBe(
    `${file}:2:13: warning: server.database has a password in the file; "\${NAME}" takes it from the environment.\n`,
  )
  write('  database: "postgres://keyhall@db.example.com/keyhall?password=very-secret"\n')
  expect((await inProcess(['config', 'check', file])).err).toContain(':2:13: warning: server.database has a password')
  write('  database: sqlite:x\n  database_file: y\n')
  const twice = await inProcess(['serve', '--config', file])
  expect(sentence(twice)).toContain(`server.database in ${file} and server.database_file in ${file} say the same`)
})

test('on SIGHUP the upstreams are read again, and what waits for the next start is said', async () => {
  const upstreams = (name: string) =>
    `upstreams: [{ name: ${name}, base_url: "http://127.0.0.1:1/v1", models: [${name}] }]\n`
  write(`  database: sqlite:${home.path}/reloaded.db\n`, upstreams('before'))
  const server = await serve(`sqlite:${home.path}/reloaded.db`, ['--config', file])
  write(`  database: sqlite:${home.path}/other.db\n  trusted_proxies: 1\n`, upstreams('after'))
  server.signal('SIGHUP')
  await server.prints(
    'What changed in server.database, server.trusted_proxies waits for the next start; all else in the file is in use now.',
  )
  expect(server.printed()).toContain('The upstreams were read again.')
  server.signal('SIGTERM')
  expect(await server.ended).toMatchObject({ code: 0, err: '' })
})
