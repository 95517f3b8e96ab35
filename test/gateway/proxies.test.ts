/**
 * The real nginx, Caddy and HAProxy with the configuration of the guide: what a living key opens,
 * and that nothing else opens it.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import OpenAI from 'openai'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { folder } from '../cli/command.ts'
import { nginxCommand } from '../nginx.ts'
import { freePort } from '../postgres.ts'
import { raw, startGateway, type GatewayServer } from './setup.ts'
import { startUpstream, type FakeUpstream } from './upstream.ts'

setDefaultTimeout(60_000)

const guide = readFileSync(join(import.meta.dir, '../../docs/guides/proxies.md'), 'utf8')
const block = (language: string) => guide.split(`\`\`\`${language}\n`)[1]!.split('```')[0]!

/** How each is started on a folder that its files may go to; the command runs in the foreground. */
const proxies: Record<string, (place: string, fill: (language: string) => string) => string[]> = {
  nginx: (place, fill) => nginxCommand(place, fill('nginx')),
  caddy: (place, fill) => {
    writeFileSync(`${place}/Caddyfile`, `{\n  admin off\n}\n${fill('caddy')}`)
    return ['caddy', 'run', '--config', `${place}/Caddyfile`, '--adapter', 'caddyfile']
  },
  haproxy: (place, fill) => {
    writeFileSync(`${place}/keyhall.lua`, fill('lua'))
    writeFileSync(`${place}/haproxy.cfg`, fill('haproxy').replace('keyhall.lua', `${place}/keyhall.lua`))
    return ['haproxy', '-db', '-f', `${place}/haproxy.cfg`]
  },
}

const told = ['organization-id', 'project-id', 'key-id', 'owner-type', 'owner-id', 'scopes'].map(
  (name) => `x-keyhall-${name}`,
)

for (const [name, command] of Object.entries(proxies)) {
  const isThere = Bun.which(name) !== null
  if (!isThere) console.log(`SKIPPED: ${name} is not installed, so the guide's configuration for it is not tested`)

  describe.skipIf(!isThere)(`${name} with the configuration of the guide`, () => {
    const place = folder()
    let keyhall: GatewayServer
    let upstream: FakeUpstream
    let proxy: ReturnType<typeof Bun.spawn>
    let url = ''

    beforeAll(async () => {
      upstream = startUpstream()
      keyhall = await startGateway('sqlite', null)
      const port = await freePort()
      url = `http://127.0.0.1:${port}`
      const fill = (language: string) =>
        block(language)
          .replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`)
          .replaceAll('127.0.0.1:4100', `127.0.0.1:${keyhall.port}`)
          .replaceAll('127.0.0.1:8000', new URL(upstream.url).host)
      proxy = Bun.spawn(command(place.path, fill), {
        env: { ...process.env, HOME: place.path, XDG_DATA_HOME: place.path, XDG_CONFIG_HOME: place.path },
        stdout: 'ignore',
        stderr: 'ignore',
      })
      for (let tries = 0; !(await fetch(url).then(Boolean, () => false)); tries++) {
        if (tries > 200 || proxy.exitCode !== null) throw new Error(`${name} does not listen`)
        await Bun.sleep(50)
      }
    })
    afterAll(async () => {
      proxy.kill()
      await proxy.exited
      await upstream.stop()
      place.remove()
    })

    const chat = (headers: Record<string, string>) =>
      fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hello' }] }),
      })
    const withKey = (key: string, headers: Record<string, string> = {}) =>
      chat({ authorization: `Bearer ${key}`, ...headers })
    const refusal = async (answer: Response) => ({
      status: answer.status,
      type: ((await answer.json()) as any).error.type,
    })

    test('lets a living key pass, keeps the key to itself, and says whose it is', async () => {
      const forged = Object.fromEntries(told.map((name) => [name, 'forged']))
      const answer = await withKey(keyhall.key, forged)
      expect(answer.status).toBe(200)
      expect(await answer.text()).toContain('Hello')
      const { headers, body } = upstream.sent.at(-1)!
      expect(headers.authorization).toBe('Bearer key-of-the-model-server')
      expect(headers['x-keyhall-project-id']).toBe(keyhall.project_id)
      expect(headers['x-keyhall-key-id']).toBe(keyhall.key_id)
      expect(headers['x-keyhall-organization-id']).toBe(keyhall.organization_id)
      expect(headers['x-keyhall-owner-type']).toBe('service_account')
      expect(headers['x-keyhall-owner-id']).toMatch(/^user-/)
      expect(headers['x-keyhall-scopes']!.split(' ')).toContain('api.model.request')
      expect(JSON.stringify(headers)).not.toContain('forged')
      expect(JSON.stringify(headers)).not.toContain(keyhall.key)
      expect(JSON.parse(body).model).toBe('m')
    })

    test('takes a key in the headers of other clients, and passes none of them on', async () => {
      for (const header of ['api-key', 'x-api-key']) {
        expect((await chat({ [header]: keyhall.key })).status).toBe(200)
        const { headers } = upstream.sent.at(-1)!
        expect(headers[header]).toBeUndefined()
        expect(headers.authorization).toBe('Bearer key-of-the-model-server')
        expect((await chat({ [header]: 'sk-proj-garbage' })).status).toBe(401)
      }
      const before = upstream.sent.length
      expect((await withKey(keyhall.key, { 'x-api-key': 'sk-proj-other' })).status).toBeGreaterThanOrEqual(400)
      expect(upstream.sent.length).toBe(before)
    })

    test('passes the preflight of a browser on, without any key', async () => {
      const answer = await fetch(`${url}/v1/chat/completions`, {
        method: 'OPTIONS',
        headers: { origin: 'https://app.test', 'access-control-request-method': 'POST', authorization: 'Bearer x' },
      })
      expect(answer.status).toBe(200)
      const { method, headers } = upstream.sent.at(-1)!
      expect(method).toBe('OPTIONS')
      expect(headers['access-control-request-method']).toBe('POST')
      expect(headers.authorization).toBeUndefined()
    })

    test('refuses a request without a good key, and forwards nothing', async () => {
      const { projects } = keyhall.admin.admin.organization
      const before = upstream.sent.length
      const invalid = { status: 401, type: 'invalid_request_error' }
      expect(await refusal(await chat({}))).toEqual(invalid)
      expect(await refusal(await withKey('sk-proj-garbage'))).toEqual(invalid)
      const account = await projects.serviceAccounts.create(keyhall.project_id, { name: 'reader' })
      const narrow = await projects.serviceAccounts.apiKeys.create(account.id, {
        project_id: keyhall.project_id,
        scopes: ['api.files.read'],
      })
      expect(await refusal(await withKey(narrow.value))).toEqual({ status: 403, type: 'invalid_request_error' })
      expect(upstream.sent.length).toBe(before)
    })

    test('refuses a key from the moment that it is deleted', async () => {
      const { projects } = keyhall.admin.admin.organization
      const account = await projects.serviceAccounts.create(keyhall.project_id, { name: 'short-lived' })
      const { id, value } = account.api_key!
      expect((await withKey(value)).status).toBe(200)
      await projects.apiKeys.delete(id, { project_id: keyhall.project_id })
      expect((await withKey(value)).status).toBe(401)
    })

    test('refuses two keys at once, whichever comes first', async () => {
      const before = upstream.sent.length
      for (const keys of [
        [keyhall.key, 'sk-proj-garbage'],
        ['sk-proj-garbage', keyhall.key],
      ]) {
        const headers = keys.map((key) => `Authorization: Bearer ${key}\r\n`).join('')
        const answer = await raw(
          Number(new URL(url).port),
          `GET /v1/models HTTP/1.1\r\nHost: ${new URL(url).host}\r\n${headers}Connection: close\r\n\r\n`,
        )
        expect(answer).toMatch(/^HTTP\/1.1 40[01] /)
      }
      expect(upstream.sent.length).toBe(before)
    })

    test('passes a stream on as it comes, and ends it when the caller leaves', async () => {
      const client = new OpenAI({ apiKey: keyhall.key, baseURL: `${url}/v1`, maxRetries: 0 })
      const stream = await client.chat.completions.create({
        model: 'stalls',
        messages: [{ role: 'user', content: 'Hello' }],
        stream: true,
      })
      for await (const { choices } of stream) {
        // The model server never sends more: what arrives was passed on before the end.
        expect(choices[0]!.delta.content).toBe('Hel')
        break
      }
      await upstream.sent.at(-1)!.aborted
    })

    // The last one: Keyhall is gone afterwards.
    test('lets nothing through when Keyhall does not answer', async () => {
      const before = upstream.sent.length
      await keyhall.stop()
      expect((await withKey(keyhall.key)).status).toBeGreaterThanOrEqual(500)
      expect(upstream.sent.length).toBe(before)
    })
  })
}
