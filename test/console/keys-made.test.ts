/** Keys of all kinds are made on the page of all keys. */
import { expect, test } from 'bun:test'
import type { Page } from 'playwright-core'
import { make } from '../made.ts'
import type { TestServer } from '../setup.ts'
import { expectGoodLooks, inConsole } from './browser.ts'
import { newManager, newPerson, newProject } from './people.ts'

/** Begins to make a key, in this project unless none is named. */
async function begin(page: Page, project?: string) {
  await page.getByRole('button', { name: 'Make a key' }).click()
  const dialog = page.getByRole('dialog')
  if (project !== undefined) {
    await dialog.getByLabel('Project').fill(project)
    await dialog.getByRole('option', { name: project }).click()
  }
  return dialog
}

const valueShown = async (page: Page) => (await page.locator('.secret code').textContent())!

async function finish(page: Page, value: string) {
  await page.getByLabel('I have stored the key').check()
  await page.getByRole('button', { name: 'Done' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expect(await page.content()).not.toContain(value)
}

inConsole('making keys', (console) => {
  test('a service account is made together with its first key, which opens at once', async () => {
    const { server, open } = console()
    await newProject(server, 'Made <here>')
    const page = await open('/keys', { as: server.owner_id })
    const dialog = await begin(page, 'Made <here>')
    await expectGoodLooks(page)
    await dialog.getByLabel('For').selectOption({ label: 'A new service account' })
    await dialog.getByLabel('Name of the account').fill('indexer')
    await expectGoodLooks(page)
    await dialog.getByLabel('Name of the account').press('Enter')
    const value = await valueShown(page)
    expect(value).toStartWith('sk-svcacct-')
    expect(await server.opens(value)).toBe(200)
    await finish(page, value)
    await page.getByRole('row', { name: 'indexer' }).waitFor()
  })

  test('a key for a person of the project has the name and only the permissions that are chosen', async () => {
    const { server, open } = console()
    const project_id = await newProject(server, 'Restricted')
    const user_id = await newPerson(server, { name: 'Ann', email: 'ann@made.example', project_id })
    const page = await open(`/keys?project_id=${project_id}`, { as: server.owner_id })
    const dialog = await begin(page)
    await dialog.getByLabel('For').selectOption({ label: 'Ann (ann@made.example)' })
    await dialog.getByLabel('Name', { exact: true }).fill('notebook')
    await dialog.getByLabel('It may do').selectOption({ label: 'Only what is chosen here' })
    await dialog.getByRole('group', { name: 'It may' }).waitFor()
    // What people may do in the administration is nothing for a key.
    await dialog.getByText('api.model.request').waitFor()
    expect(await dialog.getByText(/^api\.(management|usage)/).count()).toBe(0)
    await dialog.getByRole('button', { name: 'Make the key' }).click()
    await dialog.getByText('Choose a permission, or let the key do all that its owner may.').waitFor()
    await expectGoodLooks(page)
    await dialog.getByLabel('Call models').check()
    await dialog.getByRole('button', { name: 'Make the key' }).click()
    const value = await valueShown(page)
    expect(value).toStartWith('sk-proj-')
    expect(await server.opens(value)).toBe(200)
    await finish(page, value)
    await page.getByRole('row', { name: 'notebook' }).waitFor()
    expect(await made(server, project_id)).toMatchObject({
      scopes: ['api.model.request'],
      owner: { user: { id: user_id } },
    })
  })

  test('no key is made in another project than the one that was typed', async () => {
    const { server, open } = console()
    const chosen = await newProject(server, 'Chosen at first')
    const typed = await newProject(server, 'Typed without a click')
    const page = await open(`/keys?project_id=${chosen}`, { as: server.owner_id })
    const dialog = await begin(page)
    const choice = dialog.getByRole('combobox', { name: 'Project' })
    await dialog.getByLabel('For').selectOption({ label: 'A new service account' })
    await dialog.getByLabel('Name of the account').fill('indexer of the typed one')
    await choice.fill('Typed without')
    // The list covers what stands below it until the field is left.
    await choice.press('Tab')
    await dialog.getByRole('listbox').waitFor({ state: 'detached' })
    await dialog.getByRole('button', { name: 'Make the key' }).click()
    expect(await choice.inputValue()).toBe('Typed without')
    expect(await choice.evaluate((field: HTMLInputElement) => field.validationMessage)).toContain('Choose a project')
    await expectGoodLooks(page)
    // A whole name needs no click.
    await choice.fill('Typed without a click')
    await choice.press('Tab')
    await dialog.locator(`input[name=project_id][value="${typed}"]`).waitFor({ state: 'attached' })
    await dialog.getByLabel('For').selectOption({ label: 'A new service account' })
    await dialog.getByRole('button', { name: 'Make the key' }).click()
    await finish(page, await valueShown(page))
    const accountsOf = async (project_id: string) =>
      (await server.client.admin.organization.projects.serviceAccounts.list(project_id)).data.length
    expect([await accountsOf(chosen), await accountsOf(typed)]).toEqual([0, 1])
  })

  test('no key begins in the project of the filter if that is archived', async () => {
    const { server, open } = console()
    const project_id = await newProject(server, 'Filed away')
    await make(server, `/organization/projects/${project_id}/archive`, {})
    const page = await open(`/keys?project_id=${project_id}`, { as: server.owner_id })
    const dialog = await begin(page)
    expect(await dialog.getByRole('combobox', { name: 'Project' }).inputValue()).toBe('')
    expect(await dialog.getByLabel('For').count()).toBe(0)
    await expectGoodLooks(page)
  })

  test('an owner makes an admin key that only reads, with lines to paste that name it', async () => {
    const { server, url, open } = console()
    const page = await open('/keys?kind=admin', { as: server.owner_id })
    const dialog = await begin(page)
    await dialog.getByLabel('Kind').selectOption('admin')
    await dialog.getByLabel('Name').fill('auditor')
    await dialog.getByLabel('It may do').selectOption({ label: 'Only read' })
    await expectGoodLooks(page)
    await dialog.getByRole('button', { name: 'Make the key' }).click()
    const value = await valueShown(page)
    expect(value).toStartWith('sk-admin-')
    expect(await page.getByLabel('Lines for curl').textContent()).toContain(
      `OPENAI_BASE_URL="${url}/v1" OPENAI_ADMIN_KEY="${value}"`,
    )
    expect(await page.getByLabel('Lines for Python').textContent()).toContain(`admin_api_key="${value}"`)
    expect(await page.getByLabel('Lines for Node.js').textContent()).toContain(`adminAPIKey: '${value}'`)
    const as = { authorization: `Bearer ${value}` }
    expect((await server.request('GET', '/organization/projects', undefined, as)).status).toBe(200)
    expect((await server.request('POST', '/organization/projects', { name: 'no' }, as)).status).toBe(403)
    await finish(page, value)
    const row = page.getByRole('row', { name: 'auditor' })
    expect(await row.textContent()).toContain('Admin key')
  })

  test('who may manage keys and does not own the organization makes none of the own and no admin key', async () => {
    const { server, open } = console()
    const project_id = await newProject(server, 'Managed by others')
    const page = await open(`/keys?project_id=${project_id}`, { as: await newManager(server) })
    const dialog = await begin(page)
    await dialog
      .getByLabel('For')
      .locator('option', { hasText: 'A new service account' })
      .waitFor({ state: 'attached' })
    expect(await dialog.getByLabel('Kind').count()).toBe(0)
    // Without a role in the project, the server would make no key for this person.
    expect(await dialog.getByLabel('For').locator('option', { hasText: 'Max Manager' }).count()).toBe(0)
  })
})

/** The newest key of a project, as it is when it is asked for by itself. */
async function made(server: TestServer, project_id: string) {
  const path = `/organization/projects/${project_id}/api_keys`
  const { data } = (await (await server.request('GET', path)).json()) as { data: { id: string }[] }
  return (await server.request('GET', `${path}/${data[0]!.id}`)).json()
}
