/**
 * Failures to sign in: they give no reason, are limited, and are in the audit log, not without
 * bound.
 */
import { expect, test } from 'bun:test'
import { MOST_EVENTS, MOST_FAILURES, SignIns } from '../../admin/sessions/sign-ins.ts'
import { newAdminKey, newServiceAccount } from '../made.ts'
import { addTenant, guess, onBothEngines, unknownKey } from '../setup.ts'
import { fromBrowser, signIn } from './pages.ts'

onBothEngines('signing in', (server) => {
  const attempt = (admin_key: string) => fromBrowser(server(), null, 'POST', '/organization/sessions', { admin_key })

  test('fails with the same words for whatever is no living admin key', async () => {
    const expired = await newAdminKey(server(), { expires_in_seconds: 1 })
    const deleted = await newAdminKey(server())
    await server().client.admin.organization.adminAPIKeys.delete(deleted.id)
    const { api_key } = await newServiceAccount(server())
    server().world.ahead += 1
    await server().events()
    const answers = []
    for (const key of [
      expired.value,
      deleted.value,
      api_key.value,
      unknownKey('admin'),
      guess('admin'),
      'x',
      'sk-admin-',
    ])
      answers.push(await attempt(key))
    expect(new Set(answers.map((one) => JSON.stringify(one))).size).toBe(1)
    expect(answers[0]).toMatchObject({ status: 401, cookie: null, json: { error: { code: 'sign_in_failed' } } })
    expect(await server().events()).toEqual({ 'login.failed': answers.length })
    const { data } = await server().client.admin.organization.auditLogs.list({ limit: 1 })
    expect(data[0]).toMatchObject({
      type: 'login.failed',
      'login.failed': { error_code: 'sign_in_failed' },
      actor: { type: 'session', session: { ip_address: '192.0.2.1' } },
    })
  })

  test('waits a minute after ten failures of one address, whatever is tried then', async () => {
    let failures = 0
    while ((await attempt('wrong')).status === 401) failures++
    expect(failures).toBeLessThanOrEqual(MOST_FAILURES)
    const refused = await attempt(server().admin_key)
    expect(refused).toMatchObject({ status: 429, cookie: null, json: { error: { code: 'rate_limit_exceeded' } } })
  })
})

onBothEngines('many who sign in', (server) => {
  test('are not refused for what succeeds', async () => {
    for (let n = 0; n < 2 * MOST_FAILURES; n++) await signIn(server())
  })

  test('who fail at the same time are counted before the first is answered', async () => {
    const tries = Array.from({ length: 3 * MOST_FAILURES }, () =>
      fromBrowser(server(), null, 'POST', '/organization/sessions', { admin_key: unknownKey('admin') }),
    )
    const statuses = (await Promise.all(tries)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 401)).toHaveLength(MOST_FAILURES)
  })

  test('leave no event where several organizations share a server: nobody can say which was meant', async () => {
    await addTenant(server())
    await server().events()
    expect((await fromBrowser(server(), null, 'POST', '/organization/sessions', { admin_key: 'x' })).status).toBe(429)
    expect(await server().events()).toEqual({})
  })
})

/** Counts without a server, at a time that the test moves. */
function counted() {
  const clock = { at: 0 }
  const signIns = new SignIns({ steady: () => clock.at })
  const fails = (address: string | null) => {
    try {
      signIns.begin(address)
      return true
    } catch {
      return false
    }
  }
  return { clock, signIns, fails }
}

test('an address may try again a minute after its failures, and others are not held up', () => {
  const { clock, fails } = counted()
  for (let n = 0; n < MOST_FAILURES; n++) expect(fails('192.0.2.1')).toBe(true)
  expect([fails('192.0.2.1'), fails('192.0.2.2'), fails(null)]).toEqual([false, true, true])
  clock.at += 60_000
  expect(fails('192.0.2.1')).toBe(true)
})

test('the addresses of one IPv6 network of 64 bits are one', () => {
  const { fails } = counted()
  for (let n = 0; n < MOST_FAILURES; n++) expect(fails(`2001:db8:0:1::${n + 1}`)).toBe(true)
  expect([fails('2001:db8:0:1:ffff::1'), fails('2001:DB8::1:0:0:0:9'), fails('2001:db8:0:2::1')]).toEqual([
    false,
    false,
    true,
  ])
})

test('on a listener for both families the addresses of IPv4 are many', () => {
  const { fails } = counted()
  for (let n = 0; n < MOST_FAILURES; n++) expect(fails('::ffff:192.0.2.1')).toBe(true)
  expect([fails('::ffff:192.0.2.1'), fails('192.0.2.1'), fails('::ffff:192.0.2.2')]).toEqual([false, false, true])
})

test('a long call that succeeds takes back its own failure only', () => {
  const { clock, signIns, fails } = counted()
  const takeBack = signIns.begin('192.0.2.1')
  clock.at += 60_000
  for (let n = 0; n < MOST_FAILURES; n++) expect(fails('192.0.2.1')).toBe(true)
  takeBack()
  expect(fails('192.0.2.1')).toBe(false)
})

test('whoever guesses writes at most one event a minute to the audit log, after the first few', () => {
  const { clock, signIns } = counted()
  const take = (times: number) => Array.from({ length: times }, () => signIns.takeEvent()).filter((one) => one !== null)
  expect(take(1000)).toHaveLength(MOST_EVENTS)
  clock.at += 60_000
  expect(take(1000)).toEqual([{ unwritten: 1000 - MOST_EVENTS }])
  clock.at += 24 * 3_600_000
  expect(take(1000)).toHaveLength(MOST_EVENTS)
})
