/** Invitations by mail, through a real mail server. */
import { describe, expect, test } from 'bun:test'
import { createAdminKeyOnHost } from '../../admin/bootstrap.ts'
import { newInviteToken } from '../made.ts'
import { sendingServers, type Sending } from '../sending-servers.ts'
import { engines, testPepper, type EngineName } from '../setup.ts'
import type { startSmtp } from '../smtp.ts'

const start = sendingServers()
const sending = (engine: EngineName, smtp: Parameters<typeof startSmtp>[0] = {}, query = '') =>
  start(engine, { smtp, query, public_url: 'https://keys.example.com/team' })

const invitesOf = ({ server }: Sending) => server.client.admin.organization.invites

async function accept({ server }: Sending, token: string, name = 'Ann') {
  const body = JSON.stringify({ token, name })
  const url = 'http://keyhall.test/v1/organization/invites/accept'
  const response = await server.fetch(new Request(url, { method: 'POST', body }))
  return { status: response.status, json: (await response.json()) as any }
}

const tokenIn = (text: string) => /\/invites\/accept#(\S+)/.exec(text)![1]!

for (const engine of engines)
  describe(`mail of invites (${engine})`, () => {
    test('says who invites to what until when, with a link that opens once', async () => {
      const all = await sending(engine)
      const { organization } = all.server.client.admin
      const search = await organization.projects.create({ name: 'Search & <Rescue>' })
      const made = await organization.invites.create({
        email: 'Ann@example.net',
        role: 'reader',
        projects: [{ id: search.id, role: 'member' }],
      })
      const { from, to, headers, text, html } = await all.smtp.next()
      expect({ from, to }).toEqual({ from: 'keys@example.com', to: ['Ann@example.net'] })
      expect(headers).toContain('From: Keyhall <keys@example.com>')
      expect(headers).toContain('To: Ann@example.net')
      expect(headers).toContain('Subject: Owner invites you to join My organization')
      const until = new Date(made.expires_at! * 1000).toISOString().slice(0, 16).replace('T', ' ')
      for (const said of ['Owner (owner@example.com)', 'My organization', 'as a reader', `until ${until} UTC`]) {
        expect(text).toContain(said)
        expect(html).toContain(said)
      }
      expect(text).toContain('- Search & <Rescue> (member)')
      expect(html).toContain('<li>Search &amp; &lt;Rescue&gt; (member)</li>')
      const token = tokenIn(text)
      expect(text).toContain(`https://keys.example.com/team/invites/accept#${token}`)
      expect(html).toContain(`href="https://keys.example.com/team/invites/accept#${token}"`)
      expect(await accept(all, token)).toMatchObject({ status: 200, json: { email: 'Ann@example.net' } })
      expect((await accept(all, token)).status).toBe(400)
    })

    test('names with line breaks and markup stay names', async () => {
      const all = await sending(engine)
      await invitesOf(all).create({ email: 'eve@example.net', role: 'owner', projects: [] })
      await accept(all, tokenIn((await all.smtp.next()).text), 'Eve\r\nBcc: all@example.org\r\n\r\n<b>Bold\u202e')
      const { database, world } = all.server
      const key = await createAdminKeyOnHost(database, [testPepper], world, { name: 'Eve', email: 'eve@example.net' })
      const { organization } = all.server.clientWith(key.value).admin
      await organization.invites.create({ email: 'bob@example.net', role: 'reader', projects: [] })
      const { to, headers, text, html } = await all.smtp.next()
      expect(to).toEqual(['bob@example.net'])
      expect(headers).toContain('Subject: Eve Bcc: all@example.org <b>Bold invites you to join My organization')
      expect(headers.filter((line) => /^bcc/i.test(line))).toEqual([])
      expect(text).toStartWith('Eve Bcc: all@example.org <b>Bold (eve@example.net) invites you')
      expect(html).toContain('&lt;b&gt;Bold')
      expect(html).not.toContain('<b>')
    })

    test('when the mail server refuses, the invite stays and a new link can be made', async () => {
      const all = await sending(engine, { refuses: true })
      const made = await invitesOf(all).create({ email: 'ann@example.net', role: 'reader' })
      expect(made.status).toBe('pending')
      await all.mailer.settled()
      expect(all.failed.map(({ about }) => about)).toEqual([made.id])
      expect(await invitesOf(all).retrieve(made.id)).toEqual(made)
      expect((await accept(all, await newInviteToken(all.server, made.id))).status).toBe(200)
    })

    test('nobody waits for a slow mail server', async () => {
      const { promise: until, resolve: release } = Promise.withResolvers<void>()
      const all = await sending(engine, { until })
      try {
        const made = await invitesOf(all).create({ email: 'ann@example.net', role: 'reader' })
        await all.server.client.admin.organization.projects.create({ name: 'Meanwhile' })
        await invitesOf(all).delete(made.id)
        expect(all.smtp.received).toEqual([])
      } finally {
        release()
      }
      expect((await all.smtp.next()).to).toEqual(['ann@example.net'])
    })

    test('an invitation that was refused is not sent', async () => {
      const all = await sending(engine)
      await invitesOf(all).create({ email: 'ann@example.net', role: 'reader' })
      await invitesOf(all)
        .create({ email: 'ANN@example.net', role: 'reader' })
        .catch(() => {})
      await all.mailer.settled()
      expect(all.smtp.received.map(({ to }) => to)).toEqual([['ann@example.net']])
    })

    test('a link that the operator makes takes the place of the one in the mail', async () => {
      const all = await sending(engine)
      const made = await invitesOf(all).create({ email: 'ann@example.net', role: 'reader' })
      const token = await newInviteToken(all.server, made.id)
      expect((await accept(all, tokenIn((await all.smtp.next()).text))).status).toBe(400)
      expect((await accept(all, token)).status).toBe(200)
    })
  })

describe('the password of the mail server', () => {
  const auth = { user: 'keys@example.com', password: 'p@ss/word' }
  const outcome = async (options: Parameters<typeof startSmtp>[0], query: string) => {
    const all = await sending('sqlite', options, query)
    await invitesOf(all).create({ email: 'ann@example.net', role: 'reader' })
    await all.mailer.settled()
    const said = all.failed.map(({ error }) => Bun.inspect(error)).join()
    expect(said).not.toContain(auth.password)
    expect(said).not.toContain(encodeURIComponent(auth.password))
    return { sent: all.smtp.received.length, failed: all.failed.length }
  }

  test('is not sent in the open, unless that is asked for', async () => {
    expect(await outcome({ auth }, '')).toEqual({ sent: 0, failed: 1 })
    expect(await outcome({ auth }, '?requireTLS=false')).toEqual({ sent: 1, failed: 0 })
  })

  test('goes over TLS to a server whose certificate holds', async () => {
    expect(await outcome({ auth, tls: true }, '')).toEqual({ sent: 0, failed: 1 })
    expect(await outcome({ auth, tls: true }, '?tls.rejectUnauthorized=false')).toEqual({ sent: 1, failed: 0 })
  })
})
