/**
 * `keyhall serve` with an issuer at which people sign in: from the environment and from the file.
 */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { folder, run, sentence, serve } from './command.ts'

setDefaultTimeout(60_000)

let place: ReturnType<typeof folder>
beforeEach(() => (place = folder()))
afterEach(() => place.remove())
const database = () => `sqlite:${place.path}/test.db`

const methodsOf = async (url: string) => (await fetch(`${url}/console/sign-in-methods.json`)).json()

test('starts although the issuer does not answer, with its secret in a file, and says so at the sign-in', async () => {
  writeFileSync(`${place.path}/secret`, 'a secret of the client\n')
  const env = {
    KEYHALL_OIDC_ISSUER: 'http://127.0.0.1:1',
    KEYHALL_OIDC_CLIENT_ID: 'keyhall',
    KEYHALL_OIDC_CLIENT_SECRET_FILE: `${place.path}/secret`,
    KEYHALL_OIDC_NAME: 'Example',
    KEYHALL_ISSUER_HOSTS: '127.0.0.1:1',
  }
  const server = await serve(database(), [], { env })
  try {
    expect(await methodsOf(server.url)).toEqual({ admin_key: true, link: false, oidc: true, oidc_name: 'Example' })
    const start = await fetch(`${server.url}/console/oidc/start?return_to=/console/keys`, { redirect: 'manual' })
    expect(start.status).toBe(503)
    expect(await start.text()).toContain('The identity provider cannot be reached at the moment.')
    await server.prints('http://127.0.0.1:1/.well-known/openid-configuration could not be reached')
    expect(server.printed()).not.toContain('a secret of the client')
  } finally {
    server.signal('SIGKILL')
    await server.ended
  }
})

test('takes the issuer from the file, and another one when the file is read again', async () => {
  const file = `${place.path}/keyhall.yaml`
  const write = (name: string) =>
    writeFileSync(file, `sign_in:\n  oidc: {issuer: "https://id.example.com", client_id: keyhall, name: ${name}}\n`)
  write('Before')
  const server = await serve(database(), ['--config', file])
  try {
    expect(await methodsOf(server.url)).toMatchObject({ oidc_name: 'Before' })
    write('After')
    server.signal('SIGHUP')
    await server.prints('read again')
    expect(await methodsOf(server.url)).toMatchObject({ oidc_name: 'After' })
  } finally {
    server.signal('SIGKILL')
    await server.ended
  }
})

test('refuses settings with which nobody could sign in', async () => {
  const file = `${place.path}/keyhall.yaml`
  writeFileSync(file, 'sign_in:\n  oidc: {issuer: "https://id.example.com"}\n')
  const checked = await run(['config', 'check', file])
  expect({ code: checked.code, err: checked.err }).toEqual({
    code: 2,
    err: expect.stringContaining(':2:9: sign_in.oidc must have "client_id".'),
  })
  const env = { KEYHALL_OIDC_ISSUER: 'https://id.example.com' }
  const ended = await run(['serve', '--port', '0', '--database', database()], { env })
  expect({ code: ended.code, said: sentence(ended) }).toMatchObject({
    code: 2,
    said: expect.stringContaining('KEYHALL_OIDC_ISSUER needs KEYHALL_OIDC_CLIENT_ID'),
  })
})
