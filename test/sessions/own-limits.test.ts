/** The limits of a project, for members who do not manage it: rates and models, and no money. */
import { expect, test } from 'bun:test'
import { newProject, uniqueEmail } from '../made.ts'
import { addPerson, onBothEngines } from '../setup.ts'
import { fromBrowser, signInAs } from './pages.ts'

onBothEngines('limits', (server) => {
  const person = async (project_id?: string, project_role = 'member') => {
    const id = `user-${uniqueEmail().split('@')[0]}`
    await addPerson(server(), { id, email: uniqueEmail(), ...(project_id && { project_id, project_role }) })
    await server().client.admin.organization.users.update(id, { role: 'member' })
    return signInAs(server(), id)
  }
  const get = (cookie: string, path: string) => fromBrowser(server(), cookie, 'GET', path)
  const pathOf = (project_id: string) => `/organization/me/projects/${project_id}/limits`

  test('of a project are shown to who holds any role for it, as they are to its owners', async () => {
    const { id: project_id } = await newProject(server())
    const { projects } = server().client.admin.organization
    const { data } = await projects.rateLimits.listRateLimits(project_id)
    await projects.rateLimits.updateRateLimit(data[0]!.id, { project_id, max_requests_per_1_minute: 7 })
    await projects.modelPermissions.update(project_id, { mode: 'allow_list', model_ids: ['qwen'] })
    const owner = await person(project_id, 'owner')
    const { rate_limits, model_permissions } = (await get(owner, `/organization/projects/${project_id}/limits`)).json
    expect(rate_limits[0].limits).toMatchObject([{ name: 'max_requests_per_1_minute', limit: 7, remaining: 7 }])
    const shown = { object: 'organization.me.limits', project_id, rate_limits, model_permissions }
    for (const role of ['owner', 'member', 'viewer']) {
      const { status, json } = await get(await person(project_id, role), pathOf(project_id))
      expect([role, status, json]).toEqual([role, 200, shown])
    }
  })

  test('of a project of others are not there, as if it did not exist', async () => {
    const { id: project_id } = await newProject(server())
    const cookie = await person((await newProject(server())).id)
    const one = await get(cookie, pathOf(project_id))
    const none = await get(cookie, pathOf('proj_unknown'))
    expect([one.status, none.status]).toEqual([404, 404])
    expect(one.json.error.message.replace(project_id, 'proj_unknown')).toBe(none.json.error.message)
    expect({ ...one.json.error, message: '' }).toEqual({ ...none.json.error, message: '' })
  })
})
