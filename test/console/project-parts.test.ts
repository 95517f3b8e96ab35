/** What owners change in a project: roles of members and service accounts, certificates. */
import { expect, test } from 'bun:test'
import { make, newCertificate } from '../made.ts'
import { expectGoodLooks, inConsole } from './browser.ts'
import { newManager, newPerson, newProject } from './people.ts'

const script = '<img src=x onerror=alert(1)>'

inConsole('parts of a project', (console) => {
  test('a member gets another role, a service account another name and role, a group another name', async () => {
    const { server, open } = console()
    const project_id = await newProject(server, 'Changing')
    const ann = await newPerson(server, { name: `Ann ${script}`, project_id })
    const path = `/organization/projects/${project_id}`
    const account = (await make(server, `${path}/service_accounts`, { name: 'robot' })) as { id: string }
    const group = await make(server, '/organization/groups', { name: 'Writers' })
    const { projects, groups } = server.client.admin.organization
    const page = await open(`/projects/${project_id}`, { as: server.owner_id })
    await page.getByRole('button', { name: `Change the role of Ann` }).click()
    expect(await page.getByRole('combobox', { name: 'Role' }).inputValue()).toBe('member')
    await page.getByRole('combobox', { name: 'Role' }).selectOption('viewer')
    await expectGoodLooks(page)
    await page.getByRole('button', { name: 'Change it' }).click()
    await page.getByRole('cell', { name: 'viewer' }).waitFor()
    expect(await projects.users.retrieve(ann, { project_id })).toMatchObject({ role: 'viewer' })

    await page.getByRole('link', { name: 'Service accounts' }).click()
    await page.getByRole('button', { name: 'Change robot' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill(`crawler ${script}`)
    await page.getByRole('combobox', { name: 'Role' }).selectOption('owner')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('rowheader', { name: `crawler ${script}` }).waitFor()
    expect(await projects.serviceAccounts.retrieve(account.id, { project_id })).toMatchObject({ role: 'owner' })

    await page.goto(page.url().replace(/projects.*/, 'people?tab=groups'))
    await page.getByRole('button', { name: 'Rename Writers' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill(`Authors ${script}`)
    await expectGoodLooks(page)
    await page.getByRole('button', { name: 'Rename it' }).click()
    await page.getByRole('rowheader', { name: `Authors ${script}` }).waitFor()
    expect(await groups.retrieve(group.id)).toMatchObject({ name: `Authors ${script}` })
  })

  test('who may read and change the organization adds a group to a project, without reading groups', async () => {
    const { server, open } = console()
    const project_id = await newProject(server, 'Grouped')
    await make(server, '/organization/groups', { name: 'Readers' })
    const page = await open(`/projects/${project_id}?tab=groups`, { as: await newManager(server) })
    await page.getByText('No group holds a role in this project.').waitFor()
    await page.getByRole('button', { name: 'Add a group' }).click({ timeout: 5000 })
    await page.getByRole('dialog').getByLabel('Group').selectOption('Readers')
  })

  test('a certificate is activated for one project, and an owner of it alone finds no way there', async () => {
    const { server, open } = console()
    const project_id = await newProject(server, 'Certified')
    const page = await open(`/projects/${project_id}?tab=certificates`, { as: server.owner_id })
    await page.getByRole('heading', { name: 'There is no certificate' }).waitFor()
    await expectGoodLooks(page)
    const id = await newCertificate(server)
    await page.reload()
    await page.getByRole('button', { name: /^Activate/ }).click()
    await page.getByText(`needs a client certificate that chains to ${id} or to another active one`).waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Activate' }).click()
    await page.getByRole('button', { name: /^Deactivate/ }).waitFor()
    await expectGoodLooks(page)
    const { certificates } = server.client.admin.organization.projects
    const active = async () =>
      (await certificates.list(project_id)).data.filter((one) => one.active).map((one) => one.id)
    expect(await active()).toEqual([id])
    await page.getByRole('button', { name: /^Deactivate/ }).click()
    await page.getByText(`Client certificates that chain to ${id} alone open nothing in Certified any more`).waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Deactivate' }).click()
    await page.getByRole('button', { name: /^Activate/ }).waitFor()
    expect(await active()).toEqual([])
    const owner = await open(`/projects/${project_id}?tab=policies`, {
      as: await newPerson(server, { project_id, project_role: 'owner' }),
    })
    await owner.getByRole('button', { name: 'Add a person' }).waitFor()
    for (const name of ['Policies', 'IP allow lists', 'Certificates'])
      expect(await owner.getByRole('navigation', { name: 'Parts of the project' }).getByText(name).count()).toBe(0)
  })
})
