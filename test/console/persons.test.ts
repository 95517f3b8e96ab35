/** Owners invite people, see what somebody can reach and why, and remove them. */
import { expect, test } from 'bun:test'
import { make, newGroup } from '../made.ts'
import { expectGoodLooks, inConsole } from './browser.ts'
import { newManager, newPerson, newProject } from './people.ts'

const script = '<img src=x onerror=alert(1)>'

inConsole('people', (console) => {
  test('somebody is invited, and the invite can be taken back', async () => {
    const { server, open } = console()
    const page = await open('/people?tab=invites', { as: server.owner_id })
    await page.getByRole('heading', { name: 'There is no invite' }).waitFor()
    await page.getByRole('button', { name: 'Invite somebody' }).click()
    await page.getByLabel('E-mail').fill('new@example.com')
    await page.getByRole('button', { name: 'Invite', exact: true }).click()
    await page.getByLabel('The command').waitFor()
    await expectGoodLooks(page)
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('button', { name: 'Take back the invite of new@example.com' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click()
    await page.getByRole('heading', { name: 'There is no invite' }).waitFor()
  })

  test('an invite names several projects, each with a role in it', async () => {
    const { server, open } = console()
    const first = await newProject(server, `First ${script}`)
    const second = await newProject(server, 'Second of the invite')
    const page = await open('/people?tab=invites', { as: server.owner_id })
    await page.getByRole('button', { name: 'Invite somebody' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('E-mail').fill('several@example.com')
    async function choose(place: number, name: string) {
      await dialog.getByRole('combobox', { name: 'Project' }).nth(place).fill(name)
      await dialog.getByRole('option', { name }).click()
    }
    await choose(0, `First ${script}`)
    await dialog.getByRole('button', { name: 'One more project' }).click()
    await choose(1, `First ${script}`)
    await dialog.getByLabel('Role in it').nth(1).selectOption('owner')
    // A place in which nothing is chosen counts for nothing.
    await dialog.getByRole('button', { name: 'One more project' }).click()
    await dialog.getByRole('button', { name: 'Invite', exact: true }).click()
    await dialog.getByText('A project is chosen twice.').waitFor()
    await expectGoodLooks(page)
    await choose(1, 'Second of the invite')
    await dialog.getByRole('button', { name: 'Invite', exact: true }).click()
    await page.getByRole('heading', { name: 'Invited' }).waitFor()
    const { data } = await server.client.admin.organization.invites.list({ limit: 1 })
    expect(data[0]).toMatchObject({
      email: 'several@example.com',
      projects: [
        { id: first, role: 'member' },
        { id: second, role: 'owner' },
      ],
    })
  })

  test('who may change people and does not own the organization takes invites back and sends none', async () => {
    const { server, open } = console()
    await make(server, '/organization/invites', { email: 'sent@example.com', role: 'reader' })
    const page = await open('/people?tab=invites', { as: await newManager(server) })
    await page.getByRole('button', { name: 'Take back the invite of sent@example.com' }).click()
    expect(await page.getByRole('button', { name: 'Invite somebody' }).count()).toBe(0)
    await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click()
    await page.getByRole('button', { name: 'Take back the invite of sent@example.com' }).waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'Groups' }).click()
    await page.getByRole('button', { name: 'Create a group' }).waitFor()
  })

  test('roles of the organization and of a project are given to a person and taken again', async () => {
    const { server, open } = console()
    const project_id = await newProject(server, `Roles ${script}`)
    const user_id = await newPerson(server, { name: `Dan ${script}` })
    const group = await newGroup(server)
    await make(server, `/organization/groups/${group.id}/users`, { user_id })
    await make(server, `/organization/projects/${project_id}/groups`, { group_id: group.id, role: 'member' })
    const wish = { role_name: `Auditor ${script}`, description: 'Looks on', permissions: ['api.usage.read'] }
    await make(server, '/organization/roles', wish)
    const { users, projects } = server.client.admin.organization
    const held = async () => [
      (await users.roles.list(user_id)).data.map(({ name }) => name),
      (await projects.users.roles.list(user_id, { project_id })).data.map(({ name }) => name).toSorted(),
    ]
    const page = await open(`/people/${user_id}`, { as: server.owner_id })
    const dialog = page.getByRole('dialog')
    await page.getByRole('button', { name: 'Give a role' }).click()
    await dialog.getByLabel('Role', { exact: true }).selectOption({ label: `Auditor ${script}: Looks on` })
    await expectGoodLooks(page)
    await dialog.getByRole('button', { name: 'Give the role' }).click()
    await page.getByText(`Auditor ${script}, held directly`).waitFor()
    await page.getByRole('button', { name: 'Give a role' }).click()
    await dialog.getByLabel('Where').selectOption({ label: 'A project' })
    expect(await dialog.getByRole('button', { name: 'Give the role' }).isDisabled()).toBe(true)
    await dialog.getByRole('combobox', { name: 'Project' }).fill('Roles')
    await dialog.getByRole('option', { name: `Roles ${script}` }).click()
    await dialog.getByLabel('Role', { exact: true }).selectOption({ label: 'owner' })
    await expectGoodLooks(page)
    await dialog.getByRole('button', { name: 'Give the role' }).click()
    await page.getByText(`Roles ${script}: owner`).click()
    await page.getByText('owner, held directly').waitFor()
    await page.getByText(/member, through the group/).waitFor()
    await expectGoodLooks(page)
    expect(await held()).toEqual([[`Auditor ${script}`], ['member', 'owner']])
    // What comes through a group is taken from the group.
    const takes = page.getByRole('button', { name: /^Take it/ })
    expect(await takes.count()).toBe(2)
    for (const name of [`Take it away: Auditor ${script} in the organization`, 'Take it away: owner in Roles']) {
      await page.getByRole('button', { name }).click()
      await dialog.getByText('unless they hold it through a group, too').waitFor()
      await dialog.getByRole('button', { name: 'Take it' }).click()
      await page.getByRole('button', { name }).waitFor({ state: 'detached' })
    }
    expect(await held()).toEqual([[], ['member']])
    await page.getByText('No role in the organization.').waitFor()
    await page.getByText(`Roles ${script}: member`).waitFor()
    const reader = await open(`/people/${user_id}`, { as: await newPerson(server, { role: 'reader' }) })
    await reader.getByText(`Roles ${script}: member`).waitFor()
    expect(await reader.getByRole('button', { name: /Give|Take/ }).count()).toBe(0)
  })

  test('a person shows what they reach and why, and which keys stop when they are removed', async () => {
    const { server, open } = console()
    const project_id = await newProject(server, `Search ${script}`)
    const user_id = await newPerson(server, { name: `Ann ${script}` })
    const group = await newGroup(server)
    await make(server, `/organization/groups/${group.id}/users`, { user_id })
    const role = { group_id: group.id, role: 'member' }
    await make(server, `/organization/projects/${project_id}/groups`, role)
    const path = `/organization/projects/${project_id}/api_keys`
    const key = (await make(server, path, { user_id, name: `laptop ${script}` })) as unknown as { value: string }
    const page = await open(`/people/${user_id}`, { as: server.owner_id })
    await page.getByText(`Search ${script}`).first().waitFor()
    await page.getByText(`Search ${script}: member`).click()
    await page.getByText(/through the group/).waitFor()
    // A member is no reader, and is not made one by looking.
    expect(await page.getByLabel('Role in the organization').inputValue()).toBe('member')
    expect(await page.getByRole('button', { name: 'Change the role' }).isDisabled()).toBe(true)
    await page.getByLabel('Role in the organization').selectOption('reader')
    await page.getByRole('button', { name: 'Change the role' }).click()
    await page.getByText('reader, held directly').waitFor()
    await page.getByRole('table', { name: 'Keys' }).waitFor()
    await expectGoodLooks(page)
    await page.getByRole('button', { name: 'Remove', exact: true }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(`laptop ${script}`).waitFor()
    expect(await server.opens(key.value)).toBe(200)
    await dialog.getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('table', { name: 'Members' }).waitFor()
    expect(await server.opens(key.value)).toBe(403)
    expect(await page.getByText(`Ann ${script}`).count()).toBe(0)
  })

  test('somebody is added to a group by e-mail, and an unknown address is a sentence', async () => {
    const { server, open } = console()
    await newPerson(server, { name: 'Cy' })
    const page = await open('/people?tab=groups', { as: server.owner_id })
    await page.getByRole('button', { name: 'Create a group' }).click()
    await page.getByLabel('Name').fill('Writers')
    await page.getByRole('button', { name: 'Create it' }).click()
    await page.getByRole('button', { name: 'Members of Writers' }).click()
    await page.getByLabel('Add somebody by e-mail').fill('nobody@example.org')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByText('Nobody in the organization has the address nobody@example.org.').waitFor()
    await page.getByLabel('Add somebody by e-mail').fill('owner@example.com')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByRole('dialog').getByRole('rowheader').waitFor()
    await expectGoodLooks(page)
    await page.getByRole('button', { name: /^Remove/ }).click()
    await page.getByRole('dialog', { name: 'Remove this member?' }).getByRole('button', { name: 'Remove' }).click()
    await page.getByText('Nobody is in this group yet.').waitFor()
  })
})
