import { expect, test } from 'bun:test'
import { BadRequestError, NotFoundError } from 'openai'
import { newProject } from '../made.ts'
import { onBothEngines } from '../setup.ts'
import { refusal } from './refusal.ts'

onBothEngines('projects', (server) => {
  const projects = () => server().client.admin.organization.projects

  test('a project is made active, and the maker is its owner', async () => {
    const made = await projects().create({ name: 'Search', external_key_id: 'ext_1' })
    expect(made).toMatchObject({
      object: 'organization.project',
      name: 'Search',
      status: 'active',
      archived_at: null,
      external_key_id: 'ext_1',
      residency: 'GLOBAL',
    })
    expect(made.id).toMatch(/^proj_[0-9A-Za-z]{24}$/)
    expect(await projects().retrieve(made.id)).toEqual(made)
    const members = await projects().users.list(made.id)
    expect(members.data).toMatchObject([{ id: server().owner_id, role: 'owner' }])
    expect(await server().events()).toEqual({ 'project.created': 1 })
  })

  test('two projects may have one name', async () => {
    const [one, two] = [await newProject(server(), { name: 'Twin' }), await newProject(server(), { name: 'Twin' })]
    expect(one.id).not.toBe(two.id)
    expect(await server().events()).toEqual({ 'project.created': 2 })
  })

  test('residency may be given by its older name, but not by both', async () => {
    const table = {
      US: 'US_STORAGE_PROCESSING',
      EU: 'EU_STORAGE_PROCESSING',
      JP: 'JP_STORAGE',
      AU: 'AU_STORAGE',
    } as const
    for (const [geography, residency] of Object.entries(table)) {
      const made = await projects().create({ name: geography, geography })
      expect(made).toMatchObject({ residency, geography })
    }
    expect(await projects().create({ name: 'Later', residency: 'IN_STORAGE_PROCESSING' })).toMatchObject({
      residency: 'IN_STORAGE_PROCESSING',
      geography: 'IN',
    })
    expect(await projects().create({ name: 'Neither', residency: null, geography: null })).toMatchObject({
      residency: 'GLOBAL',
      geography: null,
    })
    await server().events()
    const both = await refusal(projects().create({ name: 'x', geography: 'EU', residency: 'EU_STORAGE_PROCESSING' }))
    expect(both).toMatchObject({ status: 400, param: 'geography' })
    for (const geography of ['XX', 'GLOBAL', 'eu', 'US_STORAGE'])
      expect(await refusal(projects().create({ name: 'x', geography }))).toMatchObject({
        status: 400,
        param: 'geography',
      })
    expect(await server().events()).toEqual({})
  })

  test('a change keeps what it does not name, and one that changes nothing is no event', async () => {
    const { id } = await projects().create({ name: 'Before', external_key_id: 'ext_2', geography: 'EU' })
    await server().events()
    expect(await projects().update(id, { name: 'After' })).toMatchObject({ name: 'After', external_key_id: 'ext_2' })
    expect(await server().events()).toEqual({ 'project.updated': 1 })
    for (const same of [{}, { name: null }, { name: 'After' }, { geography: 'EU' }])
      expect(await projects().update(id, same)).toMatchObject({ name: 'After', external_key_id: 'ext_2' })
    expect(await server().events()).toEqual({})
  })

  test('a changed geography changes the residency with it, and null makes it global', async () => {
    const { id } = await projects().create({ name: 'Moving', residency: 'AU_STORAGE_PROCESSING' })
    await server().events()
    // The geography that the project has already stands for its residency as it is.
    for (const [geography, residency, events] of [
      ['AU', 'AU_STORAGE_PROCESSING', {}],
      ['US', 'US_STORAGE_PROCESSING', { 'project.updated': 1 }],
      ['EU', 'EU_STORAGE_PROCESSING', { 'project.updated': 1 }],
      ['AU', 'AU_STORAGE', { 'project.updated': 1 }],
      [null, 'GLOBAL', { 'project.updated': 1 }],
      [null, 'GLOBAL', {}],
    ] as const) {
      expect(await projects().update(id, { geography })).toMatchObject({ geography, residency, name: 'Moving' })
      expect(await projects().retrieve(id)).toMatchObject({ geography, residency })
      expect(await server().events()).toEqual(events)
    }
  })

  test('null removes the external key of a project, as Terraform does', async () => {
    const { id } = await projects().create({ name: 'Keyed', external_key_id: 'ext_3' })
    await server().events()
    for (const again of [false, true])
      expect([again, await projects().update(id, { name: 'Keyed', external_key_id: null })]).toMatchObject([
        again,
        { name: 'Keyed', external_key_id: null },
      ])
    expect(await projects().retrieve(id)).toMatchObject({ external_key_id: null })
    expect(await server().events()).toEqual({ 'project.updated': 1 })
  })

  test('the Default project can be neither changed nor archived', async () => {
    const { project_id } = server()
    const attempts = [
      () => projects().update(project_id, { name: 'Mine' }),
      () => projects().update(project_id, {}),
      () => projects().archive(project_id),
    ]
    for (const attempt of attempts) {
      const error = await refusal(attempt())
      expect(error).toBeInstanceOf(BadRequestError)
      expect(error).toMatchObject({ status: 400, code: 'default_project' })
    }
    expect(await projects().retrieve(project_id)).toMatchObject({ name: 'Default project', status: 'active' })
    expect(await server().events()).toEqual({})
  })

  test('archiving is for good, closes what is in the project, and may be repeated', async () => {
    const { id } = await projects().create({ name: 'Short-lived' })
    const account = await projects().serviceAccounts.create(id, { name: 'robot' })
    const { value } = account.api_key!
    await server().events()
    expect(await server().opens(value)).toBe(200)
    const archived = await projects().archive(id)
    expect(archived).toMatchObject({ id, status: 'archived', archived_at: expect.any(Number) })
    expect(await server().opens(value)).toBe(403)
    server().world.ahead += 5
    expect(await projects().archive(id)).toEqual(archived)
    expect(await projects().retrieve(id)).toEqual(archived)
    expect(await server().events()).toEqual({ 'project.archived': 1 })

    const changes = [
      () => projects().update(id, { name: 'x' }),
      () => projects().serviceAccounts.create(id, { name: 'x' }),
      () => projects().serviceAccounts.list(id),
      () => projects().serviceAccounts.update(account.id, { project_id: id, name: 'x' }),
      () => projects().serviceAccounts.delete(account.id, { project_id: id }),
      () => projects().serviceAccounts.apiKeys.create(account.id, { project_id: id }),
      () => projects().apiKeys.update(account.api_key!.id, { project_id: id, scopes: [] }),
      () => projects().users.list(id),
      () => projects().users.create(id, { user_id: server().owner_id, role: 'member' }),
    ]
    for (const change of changes)
      expect(await refusal(change())).toMatchObject({
        status: 400,
        code: 'project_archived',
        error: { message: 'Project Short-lived is archived' },
      })
    const keys = await projects().apiKeys.list(id, { owner_project_access: 'any' })
    expect(keys.data).toMatchObject([{ id: account.api_key!.id, owner_project_access: 'inactive' }])
    expect(await server().events()).toEqual({})
  })

  test('archived projects are listed when asked for, newest first among the others', async () => {
    const made: string[] = []
    for (const name of ['one', 'two', 'three']) made.push((await projects().create({ name: `Listed ${name}` })).id)
    await projects().archive(made[1]!)
    const ids = async (include_archived?: boolean) => {
      const seen: string[] = []
      for await (const { id } of projects().list({ limit: 2, include_archived })) if (made.includes(id)) seen.push(id)
      return seen
    }
    expect(await ids()).toEqual([made[2]!, made[0]!])
    expect(await ids(false)).toEqual([made[2]!, made[0]!])
    expect(await ids(true)).toEqual(made.toReversed())
    // Also after the cursor itself was archived.
    const page = await projects().list({ limit: 1 })
    await projects().archive(page.data[0]!.id)
    expect((await page.getNextPage()).data.length).toBe(1)
    await server().events()
  })

  test('projects are found by a part of their name and by their ids, page by page', async () => {
    const made: string[] = []
    for (const name of ['50%_of Hay', 'hay 50', 'Straw']) made.push((await newProject(server(), { name })).id)
    await projects().archive(made[1]!)
    const found = async (query: object) => {
      const seen: string[] = []
      for await (const { id } of projects().list({ limit: 1, ...query } as {})) seen.push(id)
      return seen
    }
    expect(await found({ name: 'HAY' })).toEqual([made[0]!])
    expect(await found({ name: 'HAY', include_archived: true })).toEqual([made[1]!, made[0]!])
    expect(await found({ name: '0%_o' })).toEqual([made[0]!])
    expect(await found({ name: '%hay', include_archived: true })).toEqual([])
    expect(await found({ ids: made })).toEqual([made[2]!, made[0]!])
    expect(await found({ ids: made, name: 'straw' })).toEqual([made[2]!])
    expect(await found({ ids: ['proj_nobody'] })).toEqual([])
    const many = Array.from({ length: 101 }, (_, n) => `proj_${n}`)
    expect(await refusal(projects().list({ ids: many } as {}))).toMatchObject({ status: 400, param: 'ids' })
    await server().events()
  })

  test('an unknown project is a NotFoundError with its own code', async () => {
    const error = await refusal(projects().retrieve('proj_nobody'))
    expect(error).toBeInstanceOf(NotFoundError)
    expect(error).toMatchObject({ code: 'project_not_found', requestID: expect.stringMatching(/^req_/) })
    expect(error.message).toContain('The project proj_nobody was not found')
  })
})
