import { expect, test } from 'bun:test'
import { NotFoundError } from 'openai'
import { onBothEngines } from '../setup.ts'

onBothEngines('project API keys', (server) => {
  test('lists what was issued, page by page', async () => {
    const { client } = server()
    const project = await client.admin.organization.projects.create({ name: 'Paging' })
    const account = await client.admin.organization.projects.serviceAccounts.create(project.id, { name: 'robot' })
    expect(account.api_key?.value).toMatch(/^sk-svcacct-/)
    const made = [account.api_key!.id]
    for (let n = 0; n < 249; n++) {
      const key = await client.admin.organization.projects.serviceAccounts.apiKeys.create(account.id, {
        project_id: project.id,
        name: `key ${n}`,
      })
      made.push(key.id)
    }
    const seen: string[] = []
    for await (const key of client.admin.organization.projects.apiKeys.list(project.id, { limit: 100 }))
      seen.push(key.id)
    expect(seen).toEqual(made.toReversed())
    expect(await server().events()).toEqual({
      'project.created': 1,
      'service_account.created': 1,
      'api_key.created': 250,
    })
    const e = await client.admin.organization.projects.apiKeys.list(project.id, { after: 'nope' }).then(
      () => null,
      (e) => e,
    )
    expect(e).toBeInstanceOf(NotFoundError)
    console.log(
      e.message,
      e.requestID,
      e.param,
      (await client.admin.organization.projects.apiKeys.list(project.id, { limit: 1 })).data[0],
    )
  })
})
