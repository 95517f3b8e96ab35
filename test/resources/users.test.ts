import { expect, test } from 'bun:test'
import { NotFoundError } from 'openai'
import { addPerson, addTenant, onBothEngines } from '../setup.ts'
import { refusal } from './refusal.ts'

onBothEngines('users', (server) => {
  const users = () => server().client.admin.organization.users

  test('the owner of a new organization is its only person', async () => {
    const { data } = await users().list()
    expect(data).toMatchObject([
      { object: 'organization.user', id: server().owner_id, email: 'owner@example.com', role: 'owner' },
    ])
    expect(await users().retrieve(server().owner_id)).toEqual(data[0]!)
  })

  test('people are listed newest first, page by page', async () => {
    const made = []
    for (const name of ['ada', 'bea', 'cyd', 'dot', 'eve'])
      made.push(await addPerson(server(), { id: `user-${name}`, email: `${name}@example.com`, name }))
    const seen: string[] = []
    for await (const { id } of users().list({ limit: 2 })) seen.push(id)
    expect(seen).toEqual(
      [...made.toReversed(), server().owner_id].toSorted((a, b) => seen.indexOf(a) - seen.indexOf(b)),
    )
    expect(new Set(seen)).toEqual(new Set([...made, server().owner_id]))
  })

  test('addresses are looked for whole, in whatever case, several at once', async () => {
    await addPerson(server(), { id: 'user-case', email: 'Mixed.Case+tag@Example.com' })
    await addPerson(server(), { id: 'user-accent', email: 'JOSÉ@example.com' })
    const found = async (...emails: string[]) => (await users().list({ emails })).data.map(({ id }) => id).toSorted()
    expect(await found('mixed.case+tag@example.com')).toEqual(['user-case'])
    expect(await found('MIXED.CASE+TAG@EXAMPLE.COM')).toEqual(['user-case'])
    expect(await found('JOSÉ@example.com')).toEqual(['user-accent'])
    expect(await found('mixed.case+tag@example.com', 'owner@example.com', 'nobody@example.com')).toEqual(
      ['user-case', server().owner_id].toSorted(),
    )
    for (const pattern of [
      'mixed',
      '%@example.com',
      'mixed_case+tag@example.com',
      "' or '1'='1",
      'owner@example.com,x',
    ])
      expect(await found(pattern)).toEqual([])
    expect(await found()).toContain('user-case')
  })

  test('as many addresses as a page holds may be asked for, and no more', async () => {
    const many = Array.from({ length: 100 }, (_, n) => `person${n}@example.com`)
    expect((await users().list({ emails: many })).data).toEqual([])
    expect(await refusal(users().list({ emails: [...many, 'one@example.com'] }))).toMatchObject({
      status: 400,
      param: 'emails',
    })
  })

  test('a filter holds on every page', async () => {
    const emails = ['ada@example.com', 'cyd@example.com', 'eve@example.com']
    const seen: string[] = []
    for await (const { email } of users().list({ limit: 1, emails })) seen.push(email!)
    expect(seen.toSorted()).toEqual(emails)
  })

  test('people of another organization are unknown, also under the same address', async () => {
    const other = await addTenant(server())
    expect(await refusal(users().retrieve(other.owner_id))).toBeInstanceOf(NotFoundError)
    expect((await users().list({ emails: ['owner@example.org'] })).data).toEqual([])
  })

  test('reading is no event', async () => {
    expect(await server().events()).toEqual({})
  })
})
