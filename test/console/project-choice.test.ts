/** Where a project is chosen, each of any number of projects is found, by mouse and by keyboard. */
import { expect, test } from 'bun:test'
import type { Page } from 'playwright-core'
import { expectGoodLooks, inConsole, type TestConsole } from './browser.ts'
import { newPerson } from './people.ts'
import { make } from '../made.ts'

/** More projects than a page of the API has; the oldest is called Needle. */
async function manyProjects({ server }: TestConsole) {
  const { organization_id } = server
  const rows = Array.from({ length: 150 }, (_, n) => ({
    organization_id,
    id: `proj_many${String(n).padStart(4, '0')}`,
    name: n === 0 ? 'Needle 50% of <hay>' : `Hay ${n}`,
    is_default: 0,
    residency: 'GLOBAL',
    external_key_id: null,
    created_at: 1_600_000_000 + n,
    archived_at: null,
  }))
  const known = await server.database.read.selectFrom('projects').select('id').where('id', '=', rows[0]!.id).execute()
  if (known.length === 0) await server.database.write((sql) => sql.insertInto('projects').values(rows).execute())
  return rows[0]!
}

/** Waits until the field for a project shows a text. */
const shows = (page: Page, text: string) =>
  page.waitForFunction((text) => document.querySelector<HTMLInputElement>('[role=combobox]')?.value === text, text)

inConsole('a choice among many projects', (console) => {
  test('an old project is found by a part of its name, and its keys are shown', async () => {
    const { server, open } = console()
    const needle = await manyProjects(console())
    const user_id = await newPerson(server, { name: 'Ann', project_id: needle.id })
    await make(server, `/organization/projects/${needle.id}/api_keys`, { user_id, name: 'of the needle' })
    await make(server, `/organization/projects/${server.project_id}/api_keys`, {
      user_id: server.owner_id,
      name: 'other',
    })
    const page = await open('/keys', { as: server.owner_id })
    const choice = page.getByRole('combobox', { name: 'Project' })
    await choice.click()
    await page.getByRole('option', { name: 'All projects' }).waitFor()
    await page.getByText('There are more: type a part of the name.').waitFor()
    expect(await page.getByRole('listbox', { name: 'Choices' }).getByRole('option').count()).toBe(21)
    await expectGoodLooks(page)
    await choice.fill('50% OF')
    await page.getByRole('option', { name: needle.name }).click()
    await page.waitForURL(/project_id=proj_many0000/)
    await page.waitForFunction(() => document.querySelectorAll('table')[0]!.rows.length === 2)
    expect(await page.getByRole('table', { name: 'Keys', exact: true }).textContent()).toContain(needle.name)
    await page.reload()
    await shows(page, needle.name)
  })

  test('the page of projects finds an old one by a part of its name', async () => {
    const { server, open } = console()
    const needle = await manyProjects(console())
    const page = await open('/projects', { as: server.owner_id })
    await page.getByLabel('Name contains').fill('needle')
    await page.getByLabel('Name contains').press('Enter')
    await page.waitForFunction(() => document.querySelector('table')?.rows.length === 2)
    await page.getByRole('link', { name: needle.name }).waitFor()
    await page.getByLabel('Name contains').fill('no such')
    await page.getByLabel('Name contains').press('Enter')
    await page.getByRole('heading', { name: 'No such project' }).waitFor()
    await expectGoodLooks(page)
  })

  test('by the keyboard alone one chooses, leaves the choice alone, and chooses none again', async () => {
    const { server, open } = console()
    const needle = await manyProjects(console())
    const page = await open('/audit', { as: server.owner_id })
    const choice = page.getByRole('combobox', { name: 'Project' })
    await choice.focus()
    await choice.pressSequentially('needle')
    await page.getByRole('option', { name: needle.name }).waitFor()
    await page.waitForFunction(() => document.querySelectorAll('[role=option].active').length === 1)
    await choice.press('Escape')
    await page.locator('[role=combobox][aria-expanded=false]').waitFor()
    await shows(page, '')
    await choice.press('ArrowDown')
    await page.getByText('There are more: type a part of the name.').waitFor()
    await page.getByRole('option', { name: 'All projects' }).waitFor()
    await choice.press('ArrowUp')
    // From nowhere one goes up to the last.
    await page.waitForFunction(() => document.querySelector('[role=option]:last-child')?.className === 'active')
    const last = await choice.getAttribute('aria-activedescendant')
    expect(await page.getByRole('listbox', { name: 'Choices' }).getByRole('option').last().getAttribute('id')).toBe(
      last,
    )
    await choice.fill('needle')
    await page.waitForFunction(() => document.querySelector('[role=option].active')?.textContent?.startsWith('Needle'))
    await choice.press('Enter')
    await page.waitForURL(/project_id=proj_many0000/)
    await shows(page, needle.name)
    // What was half typed is no choice.
    await choice.fill('need')
    await page.getByRole('listbox', { name: 'Choices' }).getByRole('option').first().waitFor()
    await choice.press('Tab')
    await shows(page, needle.name)
    await choice.fill('')
    await choice.press('Tab')
    await page.waitForURL((url) => !url.searchParams.has('project_id'))
    await choice.fill('no such project')
    await page.getByText('No name has this in it.').waitFor()
    await expectGoodLooks(page)
  })

  test('in a dialog Escape closes the list only, and nothing is sent without a project', async () => {
    const { server, open } = console()
    await manyProjects(console())
    const ben = await newPerson(server, { project_id: 'proj_many0000', name: 'Ben' })
    const page = await open('/my-keys', { as: ben })
    await page.getByRole('button', { name: 'Make a key' }).click()
    const choice = page.getByRole('dialog').getByRole('combobox', { name: 'Project' })
    expect(await choice.inputValue()).toStartWith('Needle')
    await choice.click()
    // Ben sees his own projects, and no other.
    await page.getByRole('listbox', { name: 'Choices' }).getByRole('option').first().waitFor()
    expect(await page.getByRole('listbox', { name: 'Choices' }).getByRole('option').allTextContents()).toEqual([
      'Needle 50% of <hay>',
    ])
    await expectGoodLooks(page)
    await choice.press('Escape')
    expect(await page.getByRole('dialog').count()).toBe(1)
    const owner = await open('/people?tab=invites', { as: server.owner_id })
    await owner.getByRole('button', { name: 'Invite somebody' }).click()
    await owner.getByLabel('E-mail').fill('needle@example.com')
    await owner.getByRole('combobox', { name: 'Project' }).fill('proj_many0000')
    await owner.getByRole('option', { name: 'Needle' }).click()
    await owner.getByRole('button', { name: 'Invite', exact: true }).click()
    await owner.getByRole('heading', { name: 'Invited' }).waitFor()
    const { data } = await server.client.admin.organization.invites.list({ limit: 1 })
    expect(data[0]).toMatchObject({ email: 'needle@example.com', projects: [{ id: 'proj_many0000', role: 'member' }] })
  })

  test('a form is not sent with another project than the one that was typed', async () => {
    const { server, open } = console()
    const needle = await manyProjects(console())
    const page = await open('/people?tab=invites', { as: server.owner_id })
    await page.getByRole('button', { name: 'Invite somebody' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('E-mail').fill('half@example.com')
    const choice = dialog.getByRole('combobox', { name: 'Project' })
    await choice.fill('Needl')
    // The list covers what stands below it until the field is left.
    await choice.press('Tab')
    await dialog.getByRole('listbox').waitFor({ state: 'detached' })
    await dialog.getByRole('button', { name: 'Invite', exact: true }).click()
    expect(await choice.evaluate((field: HTMLInputElement) => field.validationMessage)).toContain('Choose a project')
    expect(await choice.inputValue()).toBe('Needl')
    await expectGoodLooks(page)
    // A whole name needs no click, also when its answer comes after the field was left.
    await choice.fill(needle.name)
    await dialog.getByLabel('E-mail').focus()
    await page.locator(`input[name=project_id][value="${needle.id}"]`).waitFor({ state: 'attached' })
    await dialog.getByRole('button', { name: 'Invite', exact: true }).click()
    await page.getByRole('heading', { name: 'Invited' }).waitFor()
    const { data } = await server.client.admin.organization.invites.list({ limit: 1 })
    expect(data[0]).toMatchObject({ email: 'half@example.com', projects: [{ id: needle.id }] })
  })
})
