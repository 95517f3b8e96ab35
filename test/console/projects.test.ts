/** Owners create and manage projects; people of a project see what they may. */
import { expect, test } from 'bun:test'
import { expectGoodLooks, inConsole } from './browser.ts'
import { newPerson, newProject } from './people.ts'

const script = '<img src=x onerror=alert(1)>'

inConsole('projects', (console) => {
  test('an owner creates a project, adds a person, and makes a service account whose key works', async () => {
    const { server, open } = console()
    const ann = await newPerson(server, { name: `Ann ${script}` })
    const { email } = await server.database.read
      .selectFrom('users')
      .select('email')
      .where('id', '=', ann)
      .executeTakeFirstOrThrow()
    const page = await open('/projects', { as: server.owner_id })
    await page.getByRole('button', { name: 'Create a project' }).click()
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill(`Ranking ${script}`)
    await page.getByRole('button', { name: 'Create it' }).click()
    await page.getByRole('heading', { name: `Ranking ${script}` }).waitFor()

    await page.getByRole('button', { name: 'Add a person' }).click()
    await page.getByLabel('E-mail').fill(email)
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByRole('rowheader', { name: `Ann ${script}` }).waitFor()
    await expectGoodLooks(page)

    await page.getByRole('link', { name: 'Service accounts' }).click()
    await page.getByRole('button', { name: 'Make a service account' }).click()
    await page.getByLabel('Name of the account').fill('nightly')
    await page.getByRole('button', { name: 'Make it' }).click()
    const value = (await page.locator('.secret code').textContent())!
    expect(await server.opens(value)).toBe(200)
    await page.getByLabel('I have stored the key').check()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('rowheader', { name: 'nightly' }).waitFor()
    await page.getByRole('link', { name: 'Keys', exact: true }).last().click()
    await page.getByRole('table', { name: 'Keys' }).waitFor()
    await expectGoodLooks(page)

    await page.getByRole('button', { name: 'Archive' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Archive' }).click()
    await page.getByText('is archived: none').waitFor()
    expect(await server.opens(value)).toBe(403)
    expect(await page.getByRole('button', { name: 'Rename' }).count()).toBe(0)
  })

  test('limits, models and a budget are set, and the server has what was entered', async () => {
    const { server, open } = console()
    const project_id = await newProject(server, 'Limited')
    const { projects } = server.client.admin.organization
    const page = await open(`/projects/${project_id}?tab=budget`, { as: server.owner_id })
    await page.getByLabel('Dollars a month').fill('12.34')
    await page.getByRole('button', { name: 'Set the budget' }).click()
    await page.getByRole('button', { name: 'Remove it' }).waitFor()
    expect(await projects.spendLimit.retrieve(project_id)).toMatchObject({ threshold_amount: 1234 })
    await expectGoodLooks(page)

    await page.getByRole('link', { name: 'Models' }).click()
    // Nothing is set, and saving that changes nothing.
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByLabel('Keys of this project may use').selectOption('allow_list')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Name at least one model').waitFor()
    await page.getByLabel('Keys of this project may use').selectOption('allow_list')
    await page.getByRole('textbox', { name: 'Models' }).fill('llama-3\nqwen')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.waitForFunction(() => document.querySelector('textarea')?.defaultValue.includes('qwen'))
    expect(await projects.modelPermissions.retrieve(project_id)).toMatchObject({ model_ids: ['llama-3', 'qwen'] })

    await page.getByRole('link', { name: 'Limits' }).click()
    await page
      .getByRole('button', { name: /^Change/ })
      .first()
      .click()
    await page.getByLabel('Requests a minute').fill('600')
    await page.getByLabel('Requests a day').fill('0')
    await page.getByRole('button', { name: 'Save' }).click()
    const standing = page.getByRole('table', { name: 'Limits now' })
    await standing.waitFor()
    const row = (of: string) => standing.getByRole('row').filter({ hasText: of })
    expect(await row('Requests a minute').textContent()).toContain('600')
    expect(await row('Requests a day').getByRole('cell').nth(1).textContent()).toContain('0')
    await expectGoodLooks(page)
    await page
      .getByRole('button', { name: /^Change/ })
      .first()
      .click()
    await page.getByRole('spinbutton', { name: 'Requests a minute' }).fill('')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await row('Requests a minute').waitFor({ state: 'detached' })
  })

  test('an owner of a project manages it, and a member sees nothing of it', async () => {
    const { server, url, open } = console()
    const project_id = await newProject(server, 'Own')
    const owner = await newPerson(server, { project_id, project_role: 'owner' })
    const page = await open(`/projects/${project_id}`, { as: owner })
    await page.getByRole('button', { name: 'Add a person' }).waitFor()
    // What the owners of the organization alone may do is not offered.
    expect(await page.getByRole('button', { name: /Rename|Archive/ }).count()).toBe(0)
    for (const tab of ['limits', 'models', 'budget', 'groups']) {
      await page.goto(`${url}/console/projects/${project_id}?tab=${tab}`)
      await page.getByRole('heading', { name: 'Own' }).waitFor()
      await page.waitForLoadState('networkidle')
      expect(await page.getByRole('alert').count()).toBe(0)
      expect(await page.getByRole('button', { name: /Change|Save|Set the budget|Add a group/ }).count()).toBe(0)
    }
    await page.getByRole('link', { name: 'Service accounts' }).click()
    await page.getByRole('button', { name: 'Make a service account' }).click()
    await page.getByLabel('Name of the account').fill('nightly')
    await page.getByRole('button', { name: 'Make it' }).click()
    const value = (await page.locator('.secret code').textContent())!
    await page.getByLabel('I have stored the key').check()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('link', { name: 'Keys', exact: true }).click()
    await page.getByRole('button', { name: /^Revoke/ }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('There is no key yet').waitFor()
    expect(await server.opens(value)).toBe(401)
    await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Projects' }).click()
    await page.getByRole('link', { name: 'Own' }).waitFor()
    const member = await open(`/projects/${project_id}`, { as: await newPerson(server, { project_id }) })
    await member.getByRole('alert').waitFor()
    expect(await member.getByRole('table').count()).toBe(0)
  })
})
