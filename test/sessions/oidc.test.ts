/** Signing in at a real OpenID issuer: who gets in, as whom, and in which groups. */
import { afterEach, describe, expect, test } from 'bun:test'
import type { OidcSettings } from '../../admin/oidc/oidc-settings.ts'
import { addPerson, addTenant, engines, pageOrigin, startServer, type EngineName, type TestServer } from '../setup.ts'
import { Agent, sentenceOf, startOpenIdIssuer, type OpenIdIssuer } from './openid-issuer.ts'
import { fromBrowser } from './pages.ts'

const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end()
})

interface Place {
  issuer: OpenIdIssuer
  server: TestServer
  warned: Record<string, unknown>[]
}

async function place(
  engine: EngineName,
  more: Partial<OidcSettings> = {},
  options: Parameters<typeof startOpenIdIssuer>[0] = {},
): Promise<Place> {
  const issuer = await startOpenIdIssuer(options)
  ending.push(issuer.stop)
  const warned: Record<string, unknown>[] = []
  const server = await startServer(engine, {
    oidc: issuer.settings(more),
    issuerHosts: [issuer.host],
    warn: (_, about) => warned.push(about),
  })
  ending.push(server.stop)
  issuer.people.ann = { email: 'ann@example.com', email_verified: true, name: 'Ann' }
  issuer.people.bob = { email: 'bob@example.com', email_verified: true, name: 'Bob' }
  return { issuer, server, warned }
}

const signIn = async ({ server }: Pick<Place, 'server'>, person: string) => {
  const agent = new Agent(server)
  const seen = await agent.signIn(person)
  const me = agent.session && (await fromBrowser(server, agent.session, 'GET', '/organization/me')).json
  return { agent, status: seen.status, seen, said: sentenceOf(seen), me }
}

const newest = async ({ client }: TestServer, type: string): Promise<any> => {
  const { data } = await client.admin.organization.auditLogs.list({ limit: 1, event_types: [type as never] })
  return data[0]
}

for (const engine of engines)
  describe(`signing in at an issuer (${engine})`, () => {
    test('somebody of the organization is signed in, and sent to where they wanted to go', async () => {
      const all = await place(engine)
      await addPerson(all.server, { id: 'user-ann', email: 'Ann@example.com' })
      const { agent, seen, me } = await signIn(all, 'ann')
      expect(seen.status).toBe(200)
      expect(seen.text).toContain('<meta http-equiv="refresh" content="0; url=../keys">')
      expect(seen.headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; style-src 'sha256-[^;]+; base-uri/,
      )
      expect(seen.headers.get('referrer-policy')).toBe('no-referrer')
      expect(seen.headers.getSetCookie()).toEqual([
        '__Host-keyhall-oidc=; Max-Age=0; HttpOnly; Secure; SameSite=Lax; Path=/',
        expect.stringMatching(/^__Host-keyhall=\w{43}; Max-Age=43200; HttpOnly; Secure; SameSite=Strict; Path=\/$/),
      ])
      expect(me).toMatchObject({ user: { id: 'user-ann', role: 'reader' } })
      const sessions = await fromBrowser(all.server, agent.session, 'GET', '/organization/sessions')
      expect(sessions.json.data).toMatchObject([{ method: 'oidc', user_agent: 'test/1.0', current: true }])
      expect(await all.server.events()).toEqual({ 'login.succeeded': 1 })
      expect(await newest(all.server, 'login.succeeded')).toMatchObject({
        actor: { session: { user: { id: 'user-ann' } } },
        'login.succeeded': { method: 'oidc' },
      })
      expect(JSON.stringify(all.server.log)).not.toMatch(/code=|state=/)
    })

    test('an issuer that says everything in the ID token needs no userinfo', async () => {
      const all = await place(engine, {}, { inToken: true })
      await addPerson(all.server, { id: 'user-ann', email: 'ann@example.com' })
      expect((await signIn(all, 'ann')).me).toMatchObject({ user: { id: 'user-ann' } })
    })

    test('who is not invited is refused, which the audit log says', async () => {
      const all = await place(engine)
      const { status, said, me } = await signIn(all, 'ann')
      expect({ status, me }).toEqual({ status: 403, me: null })
      expect(said).toBe('Nobody has invited ann@example.com yet. Ask an owner of the organization for an invitation.')
      expect(await all.server.events()).toEqual({ 'login.failed': 1 })
      expect(await newest(all.server, 'login.failed')).toMatchObject({ 'login.failed': { error_code: 'not_invited' } })
    })

    test('a pending invite is accepted, with what it promises', async () => {
      const all = await place(engine)
      const { server } = all
      const projects = [{ id: server.project_id, role: 'member' as const }]
      await server.client.admin.organization.invites.create({ email: 'ANN@example.com', role: 'owner', projects })
      await server.events()
      const { me } = await signIn(all, 'ann')
      expect(me.user).toMatchObject({ name: 'Ann', email: 'ANN@example.com', role: 'owner' })
      expect(await server.events()).toEqual({ 'invite.accepted': 1, 'user.added': 1, 'login.succeeded': 1 })
      expect((await signIn(all, 'ann')).me.user.id).toBe(me.user.id)
      expect(await server.events()).toEqual({ 'login.succeeded': 1 })
    })

    test('newcomers join as readers, or as members who see nothing, where the operator says so', async () => {
      for (const role of ['reader', 'member'] as const) {
        const all = await place(engine, { newcomers: role })
        const { me } = await signIn(all, 'ann')
        expect(me.user).toMatchObject({ name: 'Ann', email: 'ann@example.com', role })
        expect(await all.server.events()).toEqual({ 'user.added': 1, 'login.succeeded': 1 })
      }
    })

    test('an address that is not verified is nobody, unless the issuer never says and is trusted', async () => {
      const all = await place(engine, { newcomers: 'reader' })
      for (const email_verified of [false, undefined, 'yes']) {
        all.issuer.people.eve = { email: 'owner@example.com', email_verified }
        expect((await signIn(all, 'eve')).said).toContain('does not say that the address owner@example.com is verified')
      }
      const trusting = await place(engine, { trust_email: true })
      trusting.issuer.people.eve = { email: 'owner@example.com', email_verified: false }
      expect((await signIn(trusting, 'eve')).status).toBe(403)
      trusting.issuer.people.own = { email: 'owner@example.com' }
      expect((await signIn(trusting, 'own')).me.user.id).toBe(trusting.server.owner_id)
    })

    test('only addresses in the allowed domains sign in', async () => {
      const all = await place(engine, { newcomers: 'reader', allowed_domains: ['example.com'] })
      for (const email of [
        'ann@example.org',
        'ann@sub.example.com',
        'ann@example.com@evil.org',
        'ann@notexample.com',
      ]) {
        all.issuer.people.ann = { email, email_verified: true }
        expect((await signIn(all, 'ann')).status).toBe(403)
      }
      all.issuer.people.ann = { email: 'ann@EXAMPLE.com', email_verified: true }
      expect((await signIn(all, 'ann')).status).toBe(200)
    })

    test('the account at the issuer stays the person, whatever addresses it gets', async () => {
      const all = await place(engine)
      await addPerson(all.server, { id: 'user-ann', email: 'ann@example.com' })
      await addPerson(all.server, { id: 'user-bob', email: 'bob@example.com' })
      expect((await signIn(all, 'ann')).me.user.id).toBe('user-ann')
      all.issuer.people.ann = { email: 'bob@example.com', email_verified: false }
      expect((await signIn(all, 'ann')).me.user.id).toBe('user-ann')
      // Her old address now belongs to somebody else.
      all.issuer.people.bob = { email: 'ann@example.com', email_verified: true }
      expect((await signIn(all, 'bob')).said).toContain('Somebody else signs in here as ann@example.com')
    })

    test('who has left is refused, also where newcomers join, until they are invited again', async () => {
      const all = await place(engine, { newcomers: 'reader' })
      const first = await signIn(all, 'ann')
      const { users, invites } = all.server.client.admin.organization
      await users.delete(first.me.user.id)
      expect((await fromBrowser(all.server, first.agent.session, 'GET', '/organization/me')).status).toBe(401)
      expect((await signIn(all, 'ann')).said).toContain('ann@example.com has left the organization')
      all.issuer.people.twin = all.issuer.people.ann!
      expect((await signIn(all, 'twin')).said).toContain('ann@example.com has left the organization')
      await invites.create({ email: 'ann@example.com', role: 'reader' })
      const again = await signIn(all, 'ann')
      expect(again.status).toBe(200)
      expect(again.me.user.id).not.toBe(first.me.user.id)
      expect((await signIn(all, 'ann')).me.user.id).toBe(again.me.user.id)
    })

    test('joins and leaves the groups that the settings name, and no others', async () => {
      const groups = [
        { value: 'ml', group: 'ML team' },
        { value: 'ops', group: 'Platform' },
        { value: 'x', group: 'No such group' },
      ]
      const all = await place(engine, { groups })
      const { server, issuer } = all
      await addPerson(server, { id: 'user-ann', email: 'ann@example.com' })
      const made = server.client.admin.organization.groups
      const [ml, platform, other] = [
        await made.create({ name: 'ML team' }),
        await made.create({ name: 'Platform' }),
        await made.create({ name: 'Others' }),
      ]
      for (const { id } of [platform, other]) await made.users.create(id, { user_id: 'user-ann' })
      const isIn = async () => {
        const lists = [ml, platform, other].map(async ({ id }) => (await made.users.list(id)).data.length === 1)
        return Promise.all(lists)
      }
      await server.events()
      issuer.people.ann!.groups = ['ml', 'Others', 'x']
      expect((await signIn(all, 'ann')).status).toBe(200)
      expect(await isIn()).toEqual([true, false, true])
      const events = { 'tenant.group.member.added': 1, 'tenant.group.member.removed': 1, 'login.succeeded': 1 } as const
      expect(await server.events()).toEqual(events)
      expect(all.warned).toContainEqual({ group: 'No such group' })
      expect((await signIn(all, 'ann')).status).toBe(200)
      expect(await server.events()).toEqual({ 'login.succeeded': 1 })
      delete issuer.people.ann!.groups
      expect((await signIn(all, 'ann')).status).toBe(200)
      expect(await isIn()).toEqual([false, false, true])
    })

    test('takes nobody for an identity that was written without the pepper', async () => {
      const all = await place(engine)
      const { server } = all
      await server.database.write((sql) =>
        sql
          .insertInto('sign_in_identities')
          .values({
            organization_id: server.organization_id,
            id: 'identity_1',
            issuer: all.issuer.url,
            subject: 'ann',
            user_id: server.owner_id,
            email: null,
            created_at: 0,
            mac: new Uint8Array(32),
          })
          .execute(),
      )
      expect((await signIn(all, 'ann')).said).toContain('Nobody has invited')
    })

    test('an address that fails ten times in a minute has to wait', async () => {
      const { server } = await place(engine)
      const fail = async () => {
        const agent = new Agent(server)
        const { headers } = await agent.ask(`${pageOrigin}/console/oidc/start`)
        const state = new URL(headers.get('location')!).searchParams.get('state')
        return (await agent.ask(`${pageOrigin}/console/oidc/callback?error=access_denied&state=${state}`)).status
      }
      const statuses: number[] = []
      for (let n = 0; n < 11; n++) statuses.push(await fail())
      expect(statuses).toEqual([...Array<number>(10).fill(403), 429])
    })

    test('what a page of somebody else makes a browser ask is no failure', async () => {
      const all = await place(engine)
      await addPerson(all.server, { id: 'user-ann', email: 'ann@example.com' })
      await all.server.events()
      for (let n = 0; n < 11; n++)
        expect((await new Agent(all.server).ask(`${pageOrigin}/console/oidc/callback?code=x&state=y`)).status).toBe(400)
      expect(await all.server.events()).toEqual({})
      expect((await signIn(all, 'ann')).status).toBe(200)
    })

    test('needs one organization', async () => {
      const all = await place(engine, { newcomers: 'reader' })
      await addTenant(all.server)
      expect((await signIn(all, 'ann')).said).toContain('several organizations')
    })
  })
