import { expect, test } from 'bun:test'
import { addPerson, giveAdminKey, onBothEngines, testPepper } from '../setup.ts'
import { newAdminKey, newInviteToken } from '../made.ts'
import { inviteDigest } from '../../keys/digest.ts'

let made = 0
const WEEK = 7 * 24 * 60 * 60
const ascending = (one: number, other: number) => one - other

onBothEngines('invites', (server) => {
  const organization = () => server().client.admin.organization
  const invite = (email: string, more: object = {}) =>
    organization().invites.create({ email, role: 'reader', projects: [], ...more })
  const accept = async (token: string, name = 'Ann') => {
    const request = new Request('http://keyhall.test/v1/organization/invites/accept', {
      method: 'POST',
      headers: { 'user-agent': 'browser/1.0' },
      body: JSON.stringify({ token, name }),
    })
    const response = await server().fetch(request)
    return { status: response.status, json: (await response.json()) as any }
  }
  const refused = (call: Promise<unknown>) =>
    call.then(
      () => null,
      ({ status, code, param, message }) => ({ status, code, param, message }),
    )

  test('makes a person of an invitation, with the roles promised and no other', async () => {
    const { project_id } = server()
    const search = await organization().projects.create({ name: 'Search' })
    const gone = await organization().projects.create({ name: 'Gone' })
    const made = await invite('Ann@example.com', {
      projects: [
        { id: search.id, role: 'owner' },
        { id: gone.id, role: 'member' },
      ],
    })
    expect(made).toMatchObject({
      object: 'organization.invite',
      email: 'Ann@example.com',
      role: 'reader',
      status: 'pending',
      expires_at: made.created_at + WEEK,
      accepted_at: null,
    })
    expect(made.id).toMatch(/^invite-[0-9A-Za-z]{24}$/)
    const token = await newInviteToken(server(), made.id)
    await organization().projects.archive(gone.id)
    await server().events()

    const { status, json: person } = await accept(token)
    expect(status).toBe(200)
    expect(person).toEqual({ ...(await organization().users.retrieve(person.id)) })
    expect(person).toMatchObject({ name: 'Ann', email: 'Ann@example.com', role: 'reader' })
    expect(await organization().projects.users.retrieve(person.id, { project_id: search.id })).toMatchObject({
      role: 'owner',
    })
    for (const other of [project_id, gone.id])
      expect((await organization().projects.users.roles.list(person.id, { project_id: other })).data).toEqual([])
    const after = await organization().invites.retrieve(made.id)
    expect(after).toMatchObject({ status: 'accepted', accepted_at: person.added_at, projects: made.projects })
    expect(await server().events()).toEqual({ 'invite.accepted': 1, 'user.added': 1 })

    const rows = await server()
      .database.read.selectFrom('audit_logs')
      .selectAll()
      .orderBy('seq', 'desc')
      .limit(2)
      .execute()
    const [added, accepted] = rows.map(({ entry }) => JSON.parse(entry))
    expect(accepted['invite.accepted']).toEqual({ id: made.id })
    expect(added['user.added']).toEqual({ id: person.id, data: { role: 'reader' } })
    for (const { actor } of [added, accepted])
      expect(actor).toEqual({
        key_id: null,
        user_id: person.id,
        email: 'Ann@example.com',
        ip_address: '192.0.2.1',
        user_agent: 'browser/1.0',
      })
  })

  test('an owner who was invited may do everything an owner may', async () => {
    const made = await invite('second-owner@example.com', { role: 'owner' })
    const { json: person } = await accept(await newInviteToken(server(), made.id))
    expect(await organization().users.retrieve(person.id)).toMatchObject({ role: 'owner' })
  })

  test('offers the Default project when projects are absent, and none for an empty list', async () => {
    const { project_id } = server()
    const silent = await organization().invites.create({ email: 'silent@example.com', role: 'reader' })
    expect(silent.projects).toEqual([{ id: project_id, role: 'member' }])
    expect((await invite('none@example.com')).projects).toEqual([])
    const { json: person } = await accept(await newInviteToken(server(), silent.id))
    expect(await organization().projects.users.retrieve(person.id, { project_id })).toMatchObject({ role: 'member' })
  })

  test('takes "member" for reader', async () => {
    expect(await invite('older-word@example.com', { role: 'member' })).toMatchObject({ role: 'reader' })
  })

  test('refuses projects that are unknown, archived, of another kind or named twice', async () => {
    const archived = await organization().projects.create({ name: 'Closed' })
    const open = await organization().projects.create({ name: 'Open' })
    await organization().projects.archive(archived.id)
    await server().events()
    const to = (...ids: string[]) =>
      refused(invite('nobody@example.com', { projects: ids.map((id) => ({ id, role: 'member' })) }))
    expect(await to(open.id, 'proj_unknown')).toMatchObject({ status: 400, param: 'projects[1].id' })
    expect(await to(archived.id)).toMatchObject({ status: 400, code: 'project_archived' })
    expect(await to(open.id, open.id)).toMatchObject({ status: 400, param: 'projects[1].id' })
    expect(await server().events()).toEqual({})
  })

  test('refuses whoever is a member or was invited already, in whatever case', async () => {
    await addPerson(server(), { id: 'user-here', email: 'Here@example.com' })
    const pending = await invite('Pending@example.com')
    await server().events()
    for (const email of ['here@EXAMPLE.com', 'pENDING@example.com'])
      expect(await refused(invite(email))).toMatchObject({ status: 400, code: 'already_exists', param: 'email' })
    expect(await server().events()).toEqual({})
    await organization().invites.delete(pending.id)
    expect(await invite('pending@example.com')).toMatchObject({ status: 'pending' })
    await organization().users.delete('user-here')
    expect(await invite('here@example.com')).toMatchObject({ status: 'pending' })
  })

  test('refuses what is no address', async () => {
    for (const email of ['ann', '@b.c', 'ann@', 'a b@c.d', 'a@b@c', 'a@b.c\r\nBcc: x@y.z', 'A <a@b.c>', 'a@b.c,d@e.f'])
      expect(await refused(invite(email))).toMatchObject({ status: 400, param: 'email' })
    expect(await refused(invite(`${'a'.repeat(251)}@b.c`))).toMatchObject({ code: 'string_above_max_length' })
  })

  test('gives nobody by invitation, role or assignment what the admin key does not hold', async () => {
    const reader = await addPerson(server(), { id: 'user-climber', email: 'climber@example.com' })
    const body = { name: 'Narrow', scopes: ['api.management.read', 'api.management.write'] }
    const narrow = await server().request('POST', '/organization/admin_api_keys', body)
    const { invites, users, groups } = server().clientWith(((await narrow.json()) as any).value).admin.organization
    const group = await groups.create({ name: 'Climbers' })
    const role_id = 'role-api-organization-owner'
    await server().events()
    for (const climb of [
      () => invites.create({ email: 'up@example.com', role: 'owner' }),
      () => users.update(reader, { role: 'owner' }),
      () => users.update(reader, { role_id }),
      () => users.roles.create(reader, { role_id }),
      () => groups.roles.create(group.id, { role_id }),
    ])
      expect(await refused(climb())).toMatchObject({ status: 403, code: 'missing_scope' })
    expect(await server().events()).toEqual({})
    await organization().users.update(reader, { role: 'owner' })
    expect((await users.update(reader, { role: 'member' })).role).toBe('reader')
  })

  test('an invite expires after seven days; its link is closed and the address free', async () => {
    const made = await invite('late@example.com')
    const token = await newInviteToken(server(), made.id)
    try {
      server().world.ahead += WEEK
      expect(await organization().invites.retrieve(made.id)).toMatchObject({ status: 'expired', accepted_at: null })
      expect(await accept(token)).toMatchObject({ status: 400, json: { error: { code: 'invite_not_open' } } })
      const again = await invite('late@example.com')
      expect(again.status).toBe('pending')
      expect((await organization().invites.delete(made.id)).deleted).toBe(true)
    } finally {
      server().world.ahead -= WEEK
    }
  })

  test('answers every token that opens nothing in the same words, and changes nothing', async () => {
    const [used, deleted, replaced] = [await invite('u@x.com'), await invite('d@x.com'), await invite('r@x.com')]
    const tokens = [used, deleted, replaced].map(({ id }) => newInviteToken(server(), id))
    const [usedToken, deletedToken, replacedToken] = await Promise.all(tokens)
    await accept(usedToken!)
    await organization().invites.delete(deleted.id)
    await newInviteToken(server(), replaced.id)
    await server().events()
    const answers = []
    for (const token of [usedToken!, deletedToken!, replacedToken!, 'x', 'a'.repeat(43)])
      answers.push(await accept(token))
    expect(answers[0]).toMatchObject({ status: 400, json: { error: { code: 'invite_not_open', param: 'token' } } })
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(await server().events()).toEqual({})
  })

  test('an accepted invite cannot be deleted, and no invite of another state stays', async () => {
    const made = await invite('done@example.com')
    await accept(await newInviteToken(server(), made.id))
    await server().events()
    const refusal = (await refused(organization().invites.delete(made.id)))!
    expect(refusal.status).toBe(400)
    expect(refusal.message).toContain('already accepted')
    expect(await server().events()).toEqual({})
    const pending = await invite('pending2@example.com')
    expect(await organization().invites.delete(pending.id)).toEqual({
      object: 'organization.invite.deleted',
      id: pending.id,
      deleted: true,
    })
    expect(await refused(organization().invites.retrieve(pending.id))).toMatchObject({ status: 404 })
  })

  test('says so when somebody joined under the address meanwhile', async () => {
    const made = await invite('meanwhile@example.com')
    const token = await newInviteToken(server(), made.id)
    await addPerson(server(), { id: 'user-meanwhile', email: 'MEANWHILE@example.com' })
    await server().events()
    expect(await accept(token)).toMatchObject({ status: 400, json: { error: { code: 'already_exists' } } })
    expect(await server().events()).toEqual({})
  })

  test('of many who use one link at the same moment, one joins', async () => {
    for (let round = 0; round < 10; round++) {
      const made = await invite(`race${round}@example.com`)
      const token = await newInviteToken(server(), made.id)
      await server().events()
      const answers = await Promise.all(Array.from({ length: 8 }, (_, one) => accept(token, `Racer ${one}`)))
      expect(answers.map(({ status }) => status).toSorted(ascending)).toEqual([200, ...Array(7).fill(400)])
      expect(await server().events()).toEqual({ 'invite.accepted': 1, 'user.added': 1 })
    }
  })

  test('of many who invite one address at the same moment, one does', async () => {
    const answers = await Promise.all(
      ['A@race.com', 'a@race.com', 'a@RACE.com', 'a@race.COM'].map((email) =>
        invite(email).then(
          () => 200,
          ({ status }) => status as number,
        ),
      ),
    )
    expect(answers.toSorted(ascending)).toEqual([200, 400, 400, 400])
  })

  test('accepting and deleting at the same moment leaves either a person or no invite', async () => {
    for (let round = 0; round < 10; round++) {
      const made = await invite(`torn${round}@example.com`)
      const token = await newInviteToken(server(), made.id)
      const [accepted, deleted] = await Promise.all([accept(token), refused(organization().invites.delete(made.id))])
      expect([accepted.status, deleted?.status ?? 200].toSorted(ascending)).toEqual([200, 400])
    }
  })

  test('lists all invites, newest first, whatever their status', async () => {
    const seen = []
    for await (const one of organization().invites.list({ limit: 3 })) seen.push(one)
    expect(seen.length).toBeGreaterThan(10)
    expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length)
    const times = seen.map(({ created_at }) => created_at)
    expect(times).toEqual(times.toSorted((one, other) => other - one))
    expect(new Set(seen.map(({ status }) => status))).toEqual(new Set(['pending', 'accepted']))
  })

  test('an invite ends with the ownership of whoever sent it', async () => {
    for (const lose of [
      (id: string) => organization().users.update(id, { role: 'reader' }),
      (id: string) => organization().users.delete(id),
    ]) {
      const sender = await addPerson(server(), {
        id: `user-sender${made}`,
        email: `sender${made}@example.com`,
        role: 'owner',
      })
      const key = await newAdminKey(server())
      await giveAdminKey(server(), key.id, sender)
      const email = `invited${made++}@example.com`
      const client = server().clientWith(key.value)
      const { id } = await client.admin.organization.invites.create({ email, role: 'owner', projects: [] })
      const token = await newInviteToken(server(), id)
      expect(await organization().invites.retrieve(id)).toMatchObject({ status: 'pending' })
      await lose(sender)
      expect(await organization().invites.retrieve(id)).toMatchObject({ status: 'expired' })
      expect((await accept(token)).status).toBe(400)
      expect(await newInviteToken(server(), id).then(String, String)).toContain('owns the organization no longer')
      // Its address can be invited by somebody else.
      const next = await invite(email)
      expect((await accept(await newInviteToken(server(), next.id))).status).toBe(200)
    }
  })

  test('keeps of a token nothing but its digest', async () => {
    const made = await invite('secret@example.com')
    const token = await newInviteToken(server(), made.id)
    await accept(`${token}x`)
    const { database } = server()
    const rows = await Promise.all(
      (['invites', 'audit_logs'] as const).map((table) => database.read.selectFrom(table).selectAll().execute()),
    )
    const stored = await database.read.selectFrom('invites').select('token_digest').where('id', '=', made.id).execute()
    expect(Buffer.compare(stored[0]!.token_digest!, inviteDigest(testPepper, token))).toBe(0)
    expect(JSON.stringify([rows, server().log])).not.toContain(token)
  })
})
