/**
 * Client certificates over Keyhall's own TLS: while a certificate is active, a model request needs
 * one that chains to it.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { AuthenticationError, OpenAI } from 'openai'
import { makeAuthority, makeCertificate } from '../certificates.ts'
import { folder } from '../cli/command.ts'
import { engines } from '../setup.ts'
import { sendWith, tlsSettings, type Shown } from '../tls.ts'
import type { MadeCertificate } from '../certificates.ts'
import { chainsOf } from './client-chains.ts'
import { startGateway, type GatewayServer } from './setup.ts'
import { startUpstream, type FakeUpstream } from './upstream.ts'

setDefaultTimeout(60_000)

for (const engine of engines)
  describe(`client certificates over TLS (${engine})`, () => {
    const place = folder()
    const authority = makeAuthority({ name: 'Clients' })
    const client = makeCertificate({ name: 'client', by: authority })
    let upstream: FakeUpstream
    let server: GatewayServer
    let certificate_ids: string[]
    beforeAll(async () => {
      upstream = startUpstream()
      const yaml = `upstreams: [{ name: near, base_url: "${upstream.url}" }]`
      const settings = { ...tlsSettings(place.path), KEYHALL_TLS_CLIENT_CERTS: 'true' }
      server = await startGateway(engine, yaml, settings, sendWith())
      certificate_ids = [(await organization().certificates.create({ certificate: authority.pem })).id]
    })
    afterAll(async () => {
      await server.stop()
      await upstream.stop()
      place.remove()
    })
    beforeEach(async () => {
      upstream.sent.length = 0
      await organization().certificates.deactivate({ certificate_ids })
      await inProject().deactivate(server.project_id, { certificate_ids })
    })

    const organization = () => server.admin.admin.organization
    const inProject = () => organization().projects.certificates
    const ask = async (path: string, shown: Shown | null, behind: MadeCertificate[] = [], body?: object) => {
      const response = await sendWith(shown, behind)(server.urls.gateway + path, {
        headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' },
        ...(body && { method: 'POST', body: JSON.stringify(body) }),
      })
      const { error } = (await response.json()) as { error?: { code: string; message: string } }
      return { status: response.status, code: error?.code, message: error?.message }
    }
    const chat = (shown: Shown | null, behind?: MadeCertificate[]) =>
      ask('/v1/chat/completions', shown, behind, { model: 'm', messages: [] })

    test('nobody needs one while none is active', async () => {
      for (const shown of [null, client, makeCertificate({ name: 'anybody' })])
        expect((await chat(shown)).status).toBe(200)
    })

    test('are needed at once when one is active for the project, or for the organization', async () => {
      for (const level of ['project', 'organization'] as const) {
        const toggle = (what: 'activate' | 'deactivate') =>
          level === 'project'
            ? inProject()[what](server.project_id, { certificate_ids })
            : organization().certificates[what]({ certificate_ids })
        expect((await chat(null)).status).toBe(200)
        await toggle('activate')
        for (const path of ['/v1/models', '/verify', '/verify?model=m'])
          expect({ path, ...(await ask(path, null)) }).toMatchObject({ path, status: 401, code: 'mutual_tls_required' })
        expect(await chat(null)).toMatchObject({ status: 401, code: 'mutual_tls_required' })
        for (const path of ['/v1/models', '/verify']) expect((await ask(path, client)).status).toBe(200)
        expect((await chat(client)).status).toBe(200)
        await toggle('deactivate')
        expect((await chat(null)).status).toBe(200)
      }
    })

    test('the official SDK calls with one, and administration needs none', async () => {
      await inProject().activate(server.project_id, { certificate_ids })
      const baseURL = `${server.urls.gateway}/v1`
      const models = (fetch: ReturnType<typeof sendWith>) =>
        new OpenAI({ apiKey: server.key, baseURL, fetch, maxRetries: 0 }).models.list()
      const refused = await models(sendWith()).then(String, (error: Error) => error)
      expect(refused).toBeInstanceOf(AuthenticationError)
      expect((await models(sendWith(client))).object).toBe('list')
      expect((await organization().projects.retrieve(server.project_id)).id).toBe(server.project_id)
    })

    test('another project of the organization needs none', async () => {
      const { id } = await organization().projects.create({ name: 'Without' })
      const { api_key } = await organization().projects.serviceAccounts.create(id, { name: 'robot' })
      await inProject().activate(server.project_id, { certificate_ids })
      const headers = { authorization: `Bearer ${api_key!.value}` }
      expect((await sendWith()(`${server.urls.gateway}/v1/models`, { headers })).status).toBe(200)
    })

    for (const { name, shown, behind, says } of chainsOf(authority).filter((one) => !one.isForHeaders))
      test(`${says === null ? 'takes' : 'refuses'} one ${name}`, async () => {
        await inProject().activate(server.project_id, { certificate_ids })
        const answer = await chat(shown, behind)
        expect(answer).toMatchObject(
          says === null ? { status: 200 } : { status: 401, code: 'invalid_client_certificate' },
        )
        if (says !== null) expect(answer.message).toContain(says)
        expect(upstream.sent).toHaveLength(says === null ? 1 : 0)
        expect((await chat(client)).status).toBe(200)
      })
  })
