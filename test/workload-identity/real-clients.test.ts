/**
 * The official SDK in Node, with tokens as Kubernetes and GitHub Actions make them; a real OIDC
 * server.
 */
import { expect, test } from 'bun:test'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
// @ts-expect-error The package has no types.
import OidcServer from 'oidc-provider'
import { singleUpstream } from '../../gateway/upstream-config.ts'
import { engines, startServer } from '../setup.ts'
import { AUDIENCE, exchange, newSigner, sign, startIssuer, trust, uploaded } from './issuer.ts'

/** What a pod runs: its `fetch` sends the exchange to Keyhall instead of to OpenAI. */
const pod = `
import OpenAI from 'openai'
import { k8sServiceAccountTokenProvider } from 'openai/auth'
const { KEYHALL, PROVIDER, ACCOUNT, TOKEN_FILE } = process.env
const client = new OpenAI({
  baseURL: KEYHALL + '/v1',
  workloadIdentity: {
    identityProviderId: PROVIDER,
    serviceAccountId: ACCOUNT,
    provider: k8sServiceAccountTokenProvider(TOKEN_FILE),
  },
  fetch: (url, init) => fetch(String(url).replace('https://auth.openai.com', KEYHALL), init),
})
const models = []
for await (const { id } of client.models.list()) models.push(id)
const { choices } = await client.chat.completions.create({ model: 'small', messages: [{ role: 'user', content: 'hi' }] })
console.log(JSON.stringify({ models, said: choices[0].message.content }))
`

for (const engine of engines) {
  test(`a pod without a key calls a model with its projected token, by the official SDK in Node (${engine})`, async () => {
    const cluster = await newSigner('cluster', 'RS256')
    const issuer = 'https://kubernetes.default.svc.cluster.local'
    const seen: (string | null)[] = []
    const model = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch(request) {
        seen.push(request.headers.get('authorization'))
        if (request.method === 'GET') return Response.json({ object: 'list', data: [{ id: 'small', object: 'model' }] })
        const usage = { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 }
        const message = { role: 'assistant', content: 'hello' }
        return Response.json({ id: 'c', object: 'chat.completion', choices: [{ index: 0, message }], usage })
      },
    })
    const url = `http://127.0.0.1:${model.port}/v1`
    const server = await startServer(engine, { upstreams: singleUpstream(url, null).upstreams })
    const listening = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: server.fetch })
    const folder = await mkdtemp(join(tmpdir(), 'keyhall-pod-'))
    try {
      const made = await trust(
        server,
        {
          issuer,
          verification: uploaded(cluster),
          attribute_transformations: [{ attribute: 'namespace', expression: 'assertion["kubernetes.io"].namespace' }],
        },
        { attribute_matchers: { sub: 'system:serviceaccount:ml:trainer', namespace: 'ml' } },
      )
      const token = await sign(cluster, {
        iss: issuer,
        aud: [AUDIENCE],
        sub: 'system:serviceaccount:ml:trainer',
        'kubernetes.io': {
          namespace: 'ml',
          node: { name: 'node-1', uid: '2f0d0a4c' },
          pod: { name: 'trainer-7d4b', uid: '9a1f33aa' },
          serviceaccount: { name: 'trainer', uid: '14f3cf3c' },
        },
      })
      await writeFile(join(folder, 'token'), token)
      await chmod(join(folder, 'token'), 0o400)
      const ran = Bun.spawn(['node', '--input-type=module', '-e', pod], {
        cwd: join(import.meta.dir, '../..'),
        env: {
          PATH: process.env.PATH!,
          KEYHALL: `http://127.0.0.1:${listening.port}`,
          PROVIDER: made.provider_id,
          ACCOUNT: made.service_account_id,
          TOKEN_FILE: join(folder, 'token'),
        },
        stderr: 'pipe',
      })
      const [out, error] = await Promise.all([new Response(ran.stdout).text(), new Response(ran.stderr).text()])
      expect({ out: out.trim(), error }).toEqual({ out: '{"models":["small"],"said":"hello"}', error: '' })
      // Neither the pod's token nor the access token reaches the model server.
      expect(seen.every((authorization) => authorization === null)).toBe(true)
      await server.now.writeUsage()
      const usage = await server.client.admin.organization.usage.completions({
        start_time: Math.floor(Date.now() / 86_400_000) * 86_400,
        group_by: ['user_id', 'api_key_id'],
      })
      const results = usage.data.flatMap(({ results }) => results as { user_id?: string; api_key_id?: string }[])
      expect(results.map(({ user_id, api_key_id }) => [user_id, api_key_id])).toEqual([
        [made.service_account_id, made.rule_id],
      ])
    } finally {
      await rm(folder, { recursive: true })
      await Promise.all([listening.stop(true), model.stop(true)])
      await server.stop()
    }
  })

  test(`a job of GitHub Actions is known by its repository and branch (${engine})`, async () => {
    const github = await newSigner('github', 'RS256')
    const issuer = startIssuer([github])
    const server = await startServer(engine, { issuerHosts: [issuer.host] })
    try {
      const made = await trust(
        server,
        { issuer: issuer.url },
        { attribute_matchers: { repository: 'acme/site', ref: 'refs/heads/main' } },
      )
      const claims = {
        iss: issuer.url,
        sub: 'repo:acme/site:ref:refs/heads/main',
        jti: 'c6b3e7d2',
        repository: 'acme/site',
        repository_owner: 'acme',
        repository_visibility: 'private',
        ref: 'refs/heads/main',
        ref_type: 'branch',
        event_name: 'push',
        actor: 'octocat',
        run_id: '1234',
        workflow: 'deploy',
        job_workflow_ref: 'acme/site/.github/workflows/deploy.yml@refs/heads/main',
      }
      const { status, body } = await exchange(server, made, await sign(github, claims))
      expect([status, await server.opens(body.access_token)]).toEqual([200, 200])
      for (const other of [{ repository: 'acme/fork' }, { ref: 'refs/pull/7/merge' }])
        expect((await exchange(server, made, await sign(github, { ...claims, ...other }))).status).toBe(400)
    } finally {
      issuer.stop()
      await server.stop()
    }
  })

  test(`a token of a real OIDC server is verified with the keys that it publishes (${engine})`, async () => {
    const { jwk, privateKey } = await newSigner('oidc', 'RS256')
    const listening = createServer((request, response) => void callback(request, response))
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
    const host = `127.0.0.1:${(listening.address() as AddressInfo).port}`
    const { exportJWK } = await import('jose')
    const client = { client_id: 'batch-job', client_secret: 'secret', grant_types: ['client_credentials'] }
    const issuing = new OidcServer(`http://${host}`, {
      jwks: { keys: [{ ...jwk, ...(await exportJWK(privateKey)) }] },
      clients: [{ ...client, redirect_uris: [], response_types: [] }],
      features: {
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: () => ({ scope: '', accessTokenFormat: 'jwt', accessTokenTTL: 300 }),
        },
      },
    } as never)
    const callback = issuing.callback()
    const server = await startServer(engine, { issuerHosts: [host] })
    try {
      const answer = await fetch(`http://${host}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa('batch-job:secret')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource: AUDIENCE }),
      })
      const { access_token: token } = (await answer.json()) as { access_token: string }
      const made = await trust(server, { issuer: `http://${host}` }, { attribute_matchers: { sub: 'batch-job' } })
      const { status, body } = await exchange(server, made, token)
      expect({ status, error: body.error_description }).toEqual({ status: 200, error: undefined })
      expect(await server.opens(body.access_token)).toBe(200)
      expect(body.expires_in).toBeLessThanOrEqual(300)
    } finally {
      listening.closeAllConnections()
      listening.close()
      await server.stop()
    }
  })
}
