/** Owners invite people, see what somebody can reach and why, and remove them. */
import { expect, test } from 'bun:test'
import { make, newGroup } from '../made.ts'
import { expectGoodLooks, inConsole } from './browser.ts'
import { newPerson, newProject } from './people.ts'

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
