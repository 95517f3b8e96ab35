/** Links to sign in: asked for by mail, used once, and the same for people who are not known. */
import { describe, expect, test } from 'bun:test'
import { lockOrganization } from '../../admin/audit-chain.ts'
import type { Database } from '../../database/types.ts'
import { sendingServers, type Sending } from '../sending-servers.ts'
import { addPerson, engines } from '../setup.ts'
import { withMembers } from '../storage/watched-reads.ts'
import { fromBrowser } from './pages.ts'

const sending = sendingServers()

class Repeated extends Error {}

/** Runs each change once for nothing and then again, as PostgreSQL asks for now and then. */
const repeating = (database: Database): Database =>
  withMembers(database, {
    async write(work) {
      const once = database.write(async (sql) => {
        await work(sql)
        throw new Repeated()
      })
      await once.catch((error: unknown) => {
        if (!(error instanceof Repeated)) throw error
      })
      return database.write(work)
    },
  })

const ask = ({ server }: Pick<Sending, 'server'>, email: string) =>
  fromBrowser(server, null, 'POST', '/organization/sessions/links', { email })

const redeem = ({ server }: Pick<Sending, 'server'>, token: string) =>
  fromBrowser(server, null, 'POST', '/organization/sessions', { token })

const tokenIn = (text: string) => /https:\/\/keyhall\.test\/console\/sign-in#token=([0-9A-Za-z]{43})\n/.exec(text)![1]!

async function linkFor(all: Sending, email = 'owner@example.com') {
  await ask(all, email)
  return tokenIn((await all.smtp.next()).text)
}

for (const engine of engines)
  describe(`links to sign in (${engine})`, () => {
    test('a link comes by mail and signs its person in, once', async () => {
      const all = await sending(engine)
      await addPerson(all.server, { id: 'user-ann', email: 'ann@example.com' })
      const asked = await ask(all, 'ANN@example.com')
      expect(asked).toMatchObject({ status: 200, json: { object: 'organization.session.link', expires_in: 900 } })
      expect(asked.cookie).toBeNull()
      const { to, headers, text } = await all.smtp.next()
      expect(to).toEqual(['ann@example.com'])
      expect(headers).toContain('Subject: Sign in to My organization')
      expect(await all.server.events()).toEqual({})
      const { status, json, cookie } = await redeem(all, tokenIn(text))
      expect({ status, method: json.method, user: json.user?.id }).toEqual({
        status: 200,
        method: 'link',
        user: 'user-ann',
      })
      const me = await fromBrowser(all.server, cookie!.split(';')[0]!, 'GET', '/organization/me')
      expect(me.json).toMatchObject({ user: { id: 'user-ann', role: 'reader' } })
      expect(await redeem(all, tokenIn(text))).toMatchObject({
        status: 401,
        cookie: null,
        json: { error: { code: 'sign_in_failed' } },
      })
      expect(await all.server.events()).toEqual({ 'login.succeeded': 1, 'login.failed': 1 })
      expect(JSON.stringify(all.server.log)).not.toContain(tokenIn(text))
    })

    test('of two that use it at the same time one is signed in', async () => {
      const all = await sending(engine)
      const token = await linkFor(all)
      const answers = await Promise.all([redeem(all, token), redeem(all, token), redeem(all, token)])
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(2)
    })

    test('opens nothing after 15 minutes, or when the person has left', async () => {
      const all = await sending(engine)
      await addPerson(all.server, { id: 'user-bob', email: 'bob@example.com' })
      const [late, left] = [await linkFor(all), await linkFor(all, 'bob@example.com')]
      await all.server.client.admin.organization.users.delete('user-bob')
      expect((await redeem(all, left)).status).toBe(401)
      all.server.world.ahead += 15 * 60
      expect((await redeem(all, late)).status).toBe(401)
    })

    test('a row that somebody put into the database without the pepper opens nothing', async () => {
      const all = await sending(engine)
      await addPerson(all.server, { id: 'user-eve', email: 'eve@example.com' })
      const token = await linkFor(all, 'eve@example.com')
      await all.server.database.write((sql) =>
        sql.updateTable('sign_in_links').set({ user_id: all.server.owner_id }).execute(),
      )
      expect((await redeem(all, token)).status).toBe(401)
    })

    test('answers the same about an address that it does not know, and sends nothing', async () => {
      const all = await sending(engine)
      const [known, unknown] = [await ask(all, 'owner@example.com'), await ask(all, 'nobody@example.com')]
      expect({ ...unknown }).toEqual({ ...known })
      await all.server.context.signInLinks.settled()
      await all.mailer.settled()
      expect(all.smtp.received.map(({ to }) => to)).toEqual([['owner@example.com']])
    })

    test('answers before the mail server has', async () => {
      const { promise: until, resolve: release } = Promise.withResolvers<void>()
      const all = await sending(engine, { smtp: { until } })
      expect((await ask(all, 'owner@example.com')).status).toBe(200)
      release()
      expect(tokenIn((await all.smtp.next()).text)).toHaveLength(43)
    })

    test('says to the operator that a mail failed, without the address', async () => {
      const all = await sending(engine, { smtp: { refuses: true } })
      await ask(all, 'owner@example.com')
      await all.server.context.signInLinks.settled()
      await all.mailer.settled()
      expect(all.failed.map(({ about }) => about)).toEqual(['sign-in'])
    })

    test('sends three to one address in a quarter of an hour, known or not', async () => {
      const all = await sending(engine)
      for (const email of ['owner@example.com', 'nobody@example.com']) {
        const answers = [await ask(all, email), await ask(all, email), await ask(all, email.toUpperCase())]
        expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
        expect(await ask(all, email)).toMatchObject({ status: 429, json: { error: { code: 'rate_limit_exceeded' } } })
      }
    })

    test('counts an asking once, also where the engine runs its change again', async () => {
      const all = await sending(engine, { wrap: repeating })
      const statuses: number[] = []
      for (let n = 0; n < 4; n++) statuses.push((await ask(all, 'nobody@example.com')).status)
      expect(statuses).toEqual([200, 200, 200, 429])
    })

    test('refuses too many without waiting for a change of the organization', async () => {
      const all = await sending(engine)
      for (let n = 0; n < 3; n++) await ask(all, 'nobody@example.com')
      const { database, organization_id } = all.server
      const refused = await database.write(async (sql) => {
        await lockOrganization(sql, { organization_id })
        return ask(all, 'nobody@example.com')
      })
      expect(refused.status).toBe(429)
    })

    test('are deleted when they have expired', async () => {
      const all = await sending(engine)
      await linkFor(all)
      const links = async () => all.server.database.read.selectFrom('sign_in_links').select('id').execute()
      await all.server.now.deleteExpiredRows()
      expect(await links()).toHaveLength(1)
      all.server.world.ahead += 15 * 60
      await all.server.now.deleteExpiredRows()
      expect(await links()).toEqual([])
    })

    test('sends thirty to one place in a quarter of an hour', async () => {
      const all = await sending(engine)
      const statuses: number[] = []
      for (let n = 0; n < 31; n++) statuses.push((await ask(all, `nobody${n}@example.com`)).status)
      expect(statuses).toEqual([...Array<number>(30).fill(200), 429])
    })

    test('takes an admin key or a token, asked for from a page of its own', async () => {
      const all = await sending(engine)
      const both = { token: 'x', admin_key: all.server.admin_key }
      expect((await fromBrowser(all.server, null, 'POST', '/organization/sessions', both)).status).toBe(400)
      expect((await fromBrowser(all.server, null, 'POST', '/organization/sessions', {})).status).toBe(400)
      for (const path of ['/organization/sessions/links', '/organization/sessions'])
        expect(
          await fromBrowser(
            all.server,
            null,
            'POST',
            path,
            { email: 'a@b.c', token: 'x' },
            { origin: 'https://evil.test' },
          ),
        ).toMatchObject({ status: 403, json: { error: { code: 'not_from_own_page' } } })
    })
  })
