/**
 * Whatever somebody writes into the address bar: members and strangers see nothing of others, on
 * any page, and the server sends their browser nothing of it.
 */
import { expect, test } from 'bun:test'
import { make, unique, uniqueEmail } from '../made.ts'
import type { TestServer } from '../setup.ts'
import { inConsole, type TestConsole } from './browser.ts'
import { newPerson, newProject } from './people.ts'
import { examplesOf, walk } from './walk.ts'

/** In every name of what is others'. */
const HIDDEN = 'Zanzibar'

interface Others {
  project_id: string
  user_id: string
  key_id: string
}

/** A project with all that can be in one, and what the organization has besides. */
async function makeOthers(server: TestServer): Promise<Others> {
  const project_id = await newProject(server, `${HIDDEN} project`)
  const email = `${HIDDEN.toLowerCase()}.${uniqueEmail()}`
  const user_id = await newPerson(server, { name: `${HIDDEN} person`, email, project_id, role: 'reader' })
  const project = `/organization/projects/${project_id}`
  const name = unique(`${HIDDEN} thing`)
  const { id: key_id } = await make(server, `${project}/api_keys`, { user_id, name })
  await make(server, `${project}/service_accounts`, { name })
  await make(server, `${project}/model_permissions`, { mode: 'allow_list', model_ids: [name] })
  await make(server, '/organization/groups', { name })
  await make(server, '/organization/invites', { email: `invited.${email}`, role: 'reader' })
  await make(server, '/organization/admin_api_keys', { name })
  const provider = { name, type: 'oidc', issuer: 'https://issuer.example.com', audience: name }
  await make(server, '/organization/workload_identity_providers', provider)
  return { project_id, user_id, key_id }
}

/** How often somebody sees a name of others: on pages, and in what the server sends. */
async function sightings({ server, url, open }: TestConsole, as: string, others: Others, withDialogs = true) {
  const page = await open('/', { as })
  const sent: Promise<string>[] = []
  page.on('response', (response) => {
    if (response.url().startsWith(`${url}/v1/`)) sent.push(response.text().catch(() => ''))
  })
  const found: string[] = []
  let states = 0
  const isFound = (text: string) => text.toLowerCase().includes(HIDDEN.toLowerCase())
  async function look(at: string) {
    states++
    if (isFound(await page.content())) found.push(at)
  }
  await walk(page, { url, examples: examplesOf(others), look, withDialogs })
  const answers = (await Promise.all(sent)).filter(isFound)
  const refusals = server.log.filter(({ status }) => status === 403 || status === 404).length
  return { found, states, sent: sent.length, answers: answers.length, refusals }
}

inConsole('somebody who writes addresses', (console) => {
  test('as an owner sees what is there, so that the others below would see it, too', async () => {
    const others = await makeOthers(console().server)
    const { found, answers } = await sightings(console(), console().server.owner_id, others, false)
    expect(found.length).toBeGreaterThan(10)
    expect(answers).toBeGreaterThan(10)
  }, 120_000)

  const people = {
    'a member of another project': 'member',
    'an owner of another project': 'owner',
    'a stranger, in no project': null,
  }
  for (const [who, role] of Object.entries(people))
    test(`as ${who} sees nothing of others, and their browser hears nothing of it`, async () => {
      const { server } = console()
      const others = await makeOthers(server)
      const project = role && { project_id: await newProject(server, 'Ours'), project_role: role }
      const person = await newPerson(server, { name: 'Molly', ...project })
      const before = server.log.filter(({ status }) => status === 403 || status === 404).length
      const { found, states, sent, answers, refusals } = await sightings(console(), person, others)
      expect({ found, answers }).toEqual({ found: [], answers: 0 })
      expect(states).toBeGreaterThan(10)
      expect(sent).toBeGreaterThan(20)
      // The pages did ask: it was the server that refused.
      expect(refusals - before).toBeGreaterThan(8)
    }, 120_000)
})
