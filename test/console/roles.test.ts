/** Owners make roles of their own, give them to people and groups, and take them back. */
import { expect, test } from 'bun:test'
import { remarkOn, wordsOf } from '../../console/parts/permission-words.ts'
import { permissionsOf } from '../../contract/permissions.ts'
import { make } from '../made.ts'
import { expectGoodLooks, inConsole } from './browser.ts'
import { newPerson, newProject } from './people.ts'

const script = '<img src=x onerror=alert(1)>'

test('the console has words for every permission', () => {
  const all = [...permissionsOf('organization', 'owner'), ...permissionsOf('project', 'owner')]
  expect(all.filter((permission) => wordsOf(permission) === undefined && remarkOn(permission) === '')).toEqual([])
})

inConsole('roles', (console) => {
  test('a role of the organization is made, given to a person and a group, changed and deleted', async () => {
    const { server, open } = console()
    const email = 'auditor@example.com'
    const ann = await newPerson(server, { name: `Ann ${script}`, email })
    const group = await make(server, '/organization/groups', { name: `Auditors ${script}` })
    const { roles, users } = server.client.admin.organization
    const page = await open('/people?tab=roles', { as: server.owner_id })
    await page.getByRole('rowheader', { name: 'reader' }).waitFor()
    await expectGoodLooks(page)
    await page.getByRole('button', { name: 'Make a role' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('owner')
    await page.getByLabel('See usage and spend').check()
    // The name of a permission has a line of its own below its words.
    const [name, words] = await Promise.all(
      [page.getByText('api.usage.read', { exact: true }), page.getByText('See usage and spend')].map((one) =>
        one.boundingBox(),
      ),
    )
    expect(name!.x).toBe(words!.x)
    expect(name!.width).toBeGreaterThan(80)
    await expectGoodLooks(page)
    await page.getByRole('button', { name: 'Make the role' }).click()
    await page.getByText("A role named 'owner' already exists.").waitFor()
    await page.getByRole('textbox', { name: 'Name' }).fill(`Auditor ${script}`)
    await page.getByRole('button', { name: 'Make the role' }).click()
    await page.getByRole('rowheader', { name: `Auditor ${script}` }).waitFor()

    await page.getByRole('button', { name: 'Holders of Auditor' }).click()
    await page.getByText('Nobody holds it yet.').waitFor()
    await page.getByLabel('E-mail').fill('nobody@example.org')
    await page.getByRole('button', { name: 'Give the role' }).click()
    await page.getByText('Nobody in the organization has the address nobody@example.org.').waitFor()
    await page.getByLabel('E-mail').fill(email)
    await page.getByRole('button', { name: 'Give the role' }).click()
    await page.getByRole('row', { name: `Ann ${script} ${email} Person` }).waitFor()
    await page.getByLabel('Give it to').selectOption(group.id)
    await page.getByRole('button', { name: 'Give the role' }).click()
    await page.getByRole('row', { name: `Auditors ${script} – Group` }).waitFor()
    await expectGoodLooks(page)
    expect((await users.roles.list(ann)).data.map(({ permissions }) => permissions)).toEqual([['api.usage.read']])
    await page.getByRole('button', { name: 'Take it from Ann' }).click()
    await page.getByRole('dialog', { name: 'Take the role?' }).getByRole('button', { name: 'Take it' }).click()
    await page.getByRole('rowheader', { name: `Ann ${script}` }).waitFor({ state: 'detached' })
    expect((await users.roles.list(ann)).data).toEqual([])
    await page.getByRole('button', { name: 'Done' }).click()

    await page.getByRole('button', { name: 'Change Auditor' }).click()
    expect(await page.getByLabel('See usage and spend').isChecked()).toBe(true)
    await page.getByLabel('What for').fill('Looks at spend')
    await page.getByLabel('List models').check()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Looks at spend').waitFor()
    const made = async () => (await roles.list()).data.find(({ name }) => name.startsWith('Auditor'))
    expect(await made()).toMatchObject({ permissions: ['api.usage.read', 'api.model.read'] })
    await page.getByRole('button', { name: 'Delete Auditor' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('rowheader', { name: `Auditor ${script}` }).waitFor({ state: 'detached' })
    expect(await made()).toBeUndefined()
  })

  test('an owner of a project alone gives roles of it to its members, and a member only looks', async () => {
    const { server, open } = console()
    const project_id = await newProject(server, `Search ${script}`)
    const owner = await newPerson(server, { name: 'Olga', project_id, project_role: 'owner' })
    const email = 'cy@example.com'
    await newPerson(server, { name: 'Cy', email, project_id })
    const page = await open(`/projects/${project_id}?tab=roles`, { as: owner })
    await page.getByRole('button', { name: 'Permissions of viewer' }).click()
    await page.getByText('List models').waitFor()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('button', { name: 'Make a role' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('Batcher')
    await page.getByLabel('Start and cancel batches').check()
    await page.getByRole('button', { name: 'Make the role' }).click()
    await page.getByRole('button', { name: 'Holders of Batcher' }).click()
    expect(await page.getByLabel('Give it to').locator('option').allTextContents()).toEqual(['A person'])
    await page.getByLabel('E-mail').fill('stranger@example.org')
    await page.getByRole('button', { name: 'Give the role' }).click()
    await page.getByText('Nobody in the project has the address').waitFor()
    await page.getByLabel('E-mail').fill(email)
    await page.getByRole('button', { name: 'Give the role' }).click()
    await page.getByRole('rowheader', { name: 'Cy' }).waitFor()
    await expectGoodLooks(page)

    const reader = await open(`/projects/${project_id}?tab=roles`, { as: await newPerson(server, { role: 'reader' }) })
    await reader.getByRole('button', { name: 'Permissions of Batcher' }).waitFor()
    expect(await reader.getByRole('button', { name: 'Make a role' }).count()).toBe(0)
    await reader.getByRole('button', { name: 'Holders of Batcher' }).click()
    await reader.getByRole('rowheader', { name: 'Cy' }).waitFor()
    expect(await reader.getByRole('button', { name: 'Give the role' }).count()).toBe(0)
  })
})
