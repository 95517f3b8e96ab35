/** What a key may do can be read where it was set. */
import { expect, test } from 'bun:test'
import { clientOf } from '../client/setup.ts'
import { onBothEngines } from '../setup.ts'

onBothEngines('the scopes of a project key', (server) => {
  test('are in the answers about one key that is restricted, as they are after each change', async () => {
    const { projects } = clientOf(server()).admin.organization
    const { id: project_id } = await projects.create({ name: 'Scopes' })
    const scopes = ['api.model.request']
    const wish = { user_id: server().owner_id, name: 'narrow' }
    const narrow = await projects.apiKeys.create(project_id, { ...wish, scopes })
    const wide = await projects.apiKeys.create(project_id, wish)
    expect(['scopes' in wide, narrow.scopes]).toEqual([false, scopes])
    const read = async ({ id }: { id: string }) => (await projects.apiKeys.retrieve(id, { project_id })).scopes
    expect([await read(wide), await read(narrow)]).toEqual([undefined, scopes])
    const rotated = await projects.apiKeys.rotate(narrow.id, { project_id })
    expect([rotated.scopes, await read(rotated)]).toEqual([scopes, scopes])
    const changed = await projects.apiKeys.update(wide.id, { project_id, scopes })
    expect([changed.scopes, await read(wide)]).toEqual([scopes, scopes])
    const freed = await projects.apiKeys.update(wide.id, { project_id, scopes: [] })
    expect('scopes' in freed).toBe(false)
    // The list has OpenAI's shape.
    const { data } = await projects.apiKeys.list(project_id, { owner_project_access: 'any' })
    expect(data.map((key) => 'scopes' in key)).toEqual([false, false, false])
  })
})
