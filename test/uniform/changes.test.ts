/**
 * What is true of every change: it leaves an event or says why not, its commit can be proven, and
 * it says what it invalidates.
 */
import { expect, test } from 'bun:test'
import { Pipeline } from '../../admin/pipeline.ts'
import { operations } from '../../contract/index.ts'
import { object, post } from '../../contract/kit.ts'
import { newServiceAccount, uniqueEmail } from '../made.ts'
import { startOther } from '../other-server.ts'
import { signInAs } from '../sessions/pages.ts'
import { addPerson, onBothEngines } from '../setup.ts'

test('every operation that changes something leaves an event, or its contract says why it leaves none', () => {
  for (const { name, operation } of operations) {
    const isAudited = operation.audit.length > 0
    const isExplained = (operation.unaudited ?? '').length > 0
    expect([name, isAudited || isExplained]).toEqual([name, operation.method !== 'GET'])
    expect([name, isAudited && isExplained]).toEqual([name, false])
  }
})

/** Takes the role of a service account away, as an operation could that has no event. */
const operation = post('/organization/projects/{project_id}/service_accounts/{account_id}/pause', {
  about: 'Pauses a service account.',
  can: 'api.management.write',
  unaudited: 'OpenAI has no event for it.',
  returns: object('test.paused', {}),
})

const arriving = {
  authorization: null,
  session: null,
  requireSignIn: () => {},
  organization: null,
  params: {},
  search: '',
  readBody: async () => '{}',
  ip_address: null,
  user_agent: null,
}

onBothEngines('a change that people may make for a part', (server) => {
  test('is refused to who names no part of their own', async () => {
    const forOwnPart = { ...operation, path: '/organization/pause', reach: 'filtered' as const }
    const pipeline = new Pipeline(server().context, forOwnPart, async () => ({ object: 'test.paused' }))
    const cookie = await signInAs(
      server(),
      await addPerson(server(), { id: 'user-part', email: uniqueEmail(), role: 'member' }),
    )
    const session = cookie.split('=')[1]!
    const refusal = await pipeline.run({ ...arriving, session }).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ status: 403 })
  })
})

onBothEngines('a change without an event', (server) => {
  async function pause(project_id: string, account_id: string, invalidates: boolean) {
    const pipeline = new Pipeline(server().context, operation, async (call) => {
      await call.db.updateTable('service_accounts').set({ role: 'none' }).where('id', '=', account_id).execute()
      if (invalidates) call.invalidate({ scope: 'owner', id: account_id })
      return { object: 'test.paused' }
    })
    const authorization = `Bearer ${server().admin_key}`
    await pipeline.run({ ...arriving, authorization, params: { project_id, account_id } })
  }

  test('invalidates what its handler says, on every server, before it is answered', async () => {
    const other = await startOther(server())
    const { id, project_id, api_key } = await newServiceAccount(server())
    const opened = async () => [await server().opens(api_key.value), await other.opens(api_key.value)]
    expect(await opened()).toEqual([200, 200])
    await server().events()
    await pause(project_id, id, true)
    expect(await opened()).toEqual([403, 403])
    expect(await server().events()).toEqual({})
    // The control: what no handler says stays in memory.
    const control = await newServiceAccount(server())
    expect(await server().opens(control.api_key.value)).toBe(200)
    await pause(control.project_id, control.id, false)
    expect(await server().opens(control.api_key.value)).toBe(200)
    await other.stop()
  })

  test('leaves the row that proves its commit, where a connection can be lost', async () => {
    if (server().engine === 'sqlite') return
    const commits = async () =>
      (await server().database.read.selectFrom('commits').select('id').execute()).map(({ id }) => id)
    const { id, project_id } = await newServiceAccount(server())
    const before = await commits()
    await pause(project_id, id, false)
    expect((await commits()).filter((id) => !before.includes(id))).toHaveLength(1)
  })
})
