/** The page of one key: whose it is, what it may do, and what happened to it. */
import { expect, test } from 'bun:test'
import { make } from '../made.ts'
import { expectGoodLooks, inConsole } from './browser.ts'
import { newPerson, newProject } from './people.ts'

const script = '<img src=x onerror=alert(1)>'

inConsole('a key', (console) => {
  test('shows its owner, its scopes and its history, and is rotated and revoked', async () => {
    const { server, open } = console()
    const project_id = await newProject(server, 'One key')
    const wish = { user_id: server.owner_id, name: `laptop ${script}`, scopes: ['api.model.request'] }
    const path = `/organization/projects/${project_id}/api_keys`
    const { id, value } = await make<{ id: string; value: string }>(server, path, wish)
    const page = await open(`/projects/${project_id}?tab=keys`, { as: server.owner_id })
    await page.getByRole('link', { name: `laptop ${script}` }).click()
    await page.getByText('api.model.request', { exact: true }).waitFor()
    await page.getByRole('row', { name: /Made a key/ }).waitFor()
    await expectGoodLooks(page)
    await page.getByRole('button', { name: /^Rotate/ }).click()
    await page.getByRole('button', { name: 'Make the new key' }).click()
    await page.getByLabel('I have stored the key').check()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('row', { name: /Changed a key/ }).waitFor()
    await page.getByRole('button', { name: /^Revoke/ }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.waitForURL(new RegExp(`/projects/${project_id}\\?tab=keys$`))
    expect(await server.opens(value)).toBe(401)
    await page.goBack()
    await page.getByText(id).waitFor()
    await expectGoodLooks(page)
  })

  test('is shown without buttons and history to those who may not', async () => {
    const { server, open } = console()
    const project_id = await newProject(server, 'Looked at')
    const path = `/organization/projects/${project_id}/api_keys`
    const { id } = await make(server, path, { user_id: server.owner_id, name: 'laptop' })
    const reader = await open(`/projects/${project_id}/keys/${id}`, { as: await newPerson(server, { role: 'reader' }) })
    await reader.getByRole('heading', { name: 'What happened to it' }).waitFor()
    expect(await reader.getByRole('button', { name: /Rotate|Revoke/ }).count()).toBe(0)
    // An owner of the project alone finds no pages of people.
    const olga = await newPerson(server, { project_id, project_role: 'owner' })
    const page = await open(`/projects/${project_id}/keys/${id}`, { as: olga })
    await page.getByRole('button', { name: /^Revoke/ }).waitFor()
    expect(await page.locator('a[href*="/people/"]').count()).toBe(0)
    expect(await reader.locator(`a[href$="/people/${server.owner_id}"]`).count()).toBe(1)
    const stranger = await open(`/projects/${project_id}/keys/${id}`, { as: await newPerson(server, {}) })
    await stranger.getByRole('alert').waitFor()
    expect(await stranger.getByText('laptop').count()).toBe(0)
  })
})
