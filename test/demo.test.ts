import { describe, expect, test } from 'bun:test'
import OpenAI from 'openai'
import { readFileSync } from 'node:fs'
import { verifyChain } from '../admin/verify-chain.ts'
import { fillDemo, whenDemoBegan } from '../admin/demo/demo.ts'
import { firstStart } from '../admin/bootstrap.ts'
import { openDatabase } from '../database/open.ts'
import { checkPeppers } from '../keys/check-peppers.ts'
import { realWorld } from '../world/world.ts'
import { folder } from './cli/command.ts'
import { inProcess } from './cli/terminal.ts'
import { emptyDatabase, engines, testPepper, type EngineName } from './setup.ts'

/**
 * `keyhall serve` on a database: lets `use` call it and stops it. Answers what it printed and its
 * exit code.
 */
async function serve(address: string, flags: string[], use: (client: OpenAI) => Promise<void> = async () => {}) {
  let printed = ''
  const home = folder()
  const keyFile = `${home.path}/first-admin-key`
  let said = ''
  const ready = Promise.withResolvers<() => void>()
  const exit = inProcess(['serve', ...flags, '--port', '0', '--log', 'info', '--database', address], {
    environment: { KEYHALL_PEPPER: '07'.repeat(32), KEYHALL_FIRST_KEY_FILE: keyFile },
    out: (text) => (printed += text),
    err: (text) => (said += text),
    onStop: ready.resolve,
  })
  const stop = await Promise.race([ready.promise, exit])
  if (typeof stop === 'function') {
    const baseURL = `${/Listening on (http:[^\s"]+)/.exec(printed)![1]}/v1`
    const adminAPIKey = readFileSync(keyFile, 'utf8').trim()
    await use(new OpenAI({ adminAPIKey, apiKey: 'none', baseURL, maxRetries: 0 }))
    stop()
  }
  const { code } = await exit
  home.remove()
  return { printed, said, code }
}

const all = async <Item>(pages: AsyncIterable<Item>) => {
  const items: Item[] = []
  for await (const item of pages) items.push(item)
  return items
}

/** The whole demo on an empty database, as rows. */
async function demoRows(engine: EngineName, now: number) {
  const { address, drop } = await emptyDatabase(engine)
  const database = await openDatabase(address)
  const world = { ...realWorld, now: () => now }
  await checkPeppers(database, [testPepper])
  const settings = { owner_email: 'owner@example.com', admin_key: null }
  const first = (await firstStart(database, testPepper, whenDemoBegan(world), settings))!
  await fillDemo(database, testPepper, world, first)
  const rows = {
    keys: await database.read.selectFrom('api_keys').selectAll().orderBy('id').execute(),
    users: await database.read
      .selectFrom('users')
      .selectAll()
      .where('id', '!=', first.owner_id)
      .orderBy('id')
      .execute(),
    accounts: await database.read.selectFrom('service_accounts').selectAll().orderBy('id').execute(),
    projects: await database.read
      .selectFrom('projects')
      .selectAll()
      .where('is_default', '=', 0)
      .orderBy('id')
      .execute(),
    events: await database.read.selectFrom('audit_logs').selectAll().orderBy('seq').execute(),
  }
  const chain = await verifyChain(database.read, [testPepper])
  await database.close()
  await drop()
  // What the first start made is different each time, and digests and MACs are chance.
  const text = JSON.stringify([
    rows.keys.map((key) => ({ ...key, digest: null, mac: null })),
    rows.users,
    rows.accounts,
    rows.projects,
  ])
    .replaceAll(first.organization_id, 'org')
    .replaceAll(first.project_id, 'default')
  return { ...rows, chain, text }
}

for (const engine of engines)
  describe(`--demo (${engine})`, () => {
    test('has used models for weeks, below its budget, and the ledger agrees with itself', async () => {
      const { address, drop } = await emptyDatabase(engine)
      await serve(address, ['--demo'], async ({ admin: { organization } }) => {
        const query = { start_time: Math.floor(Date.now() / 1000) - 28 * 86_400, limit: 30 }
        const { data } = await organization.usage.completions({ ...query, group_by: ['project_id', 'model'] })
        const results = data.flatMap((bucket) => bucket.results as { project_id: string; model: string }[])
        expect(new Set(results.map(({ model }) => model)).size).toBe(3)
        expect(new Set(results.map(({ project_id }) => project_id)).size).toBeGreaterThan(2)
        // An extension, which the official SDK does not know.
        const estimated = await organization.usage.completions({ ...query, group_by: ['estimated' as 'model'] })
        const requests = { true: 0, false: 0 }
        for (const { results } of estimated.data)
          for (const one of results as unknown as { estimated: boolean; num_model_requests: number }[])
            requests[`${one.estimated}`] += one.num_model_requests
        expect(requests.true).toBeGreaterThan(0)
        expect(requests.true).toBeLessThan(requests.false / 50)
        const limit = await organization.spendLimit.retrieve()
        expect(limit.threshold_amount).toBe(25_000)
      })
      // The present month may have begun today.
      const month = new Date(Date.now() - 20 * 86_400_000).toISOString().slice(0, 7)
      const verified = await inProcess(['limits', 'verify', '--month', month, '--database', address])
      expect(verified).toMatchObject({ code: 0, err: '' })
      expect(verified.out).toMatch(/agrees with itself: \d+ budgets?, \$[1-9]/)
      await drop()
    })

    test('makes an organization with projects, people, service accounts and keys of every kind', async () => {
      const { address, drop } = await emptyDatabase(engine)
      const { printed } = await serve(address, ['--demo'], async ({ admin: { organization } }) => {
        const projects = await all(organization.projects.list({ include_archived: true }))
        expect(projects).toHaveLength(5)
        expect(projects.filter(({ status }) => status === 'archived')).toHaveLength(1)
        expect(await all(organization.users.list({ limit: 100 }))).toHaveLength(40)
        const within = await Promise.all(
          projects.map(async ({ id, status }) => ({
            keys: await all(organization.projects.apiKeys.list(id, { limit: 100, owner_project_access: 'any' })),
            inactive: await all(
              organization.projects.apiKeys.list(id, { limit: 100, owner_project_access: 'inactive' }),
            ),
            accounts: status === 'active' ? await all(organization.projects.serviceAccounts.list(id)) : [],
          })),
        )
        const keys = within.flatMap((project) => project.keys)
        const now = Date.now() / 1000
        expect(keys).toHaveLength(400)
        expect(within.flatMap((project) => project.accounts)).toHaveLength(9)
        const count = (of: (key: (typeof keys)[number]) => unknown) => keys.filter(of).length
        expect(count((key) => key.last_used_at === null)).toBeGreaterThan(20)
        expect(count((key) => key.expires_at && key.expires_at <= now)).toBeGreaterThan(20)
        expect(count((key) => key.expires_at && key.expires_at > now)).toBeGreaterThan(20)
        expect(within.flatMap((project) => project.inactive).length).toBeGreaterThan(20)
        expect(count((key) => key.created_at > now || (key.last_used_at ?? 0) > now)).toBe(0)
        expect(count((key) => key.last_used_at !== null && key.last_used_at < key.created_at)).toBe(0)
      })
      expect(printed.match(/sk-(proj|svcacct)-/g)).toBeNull()
      await drop()
    })

    test('refuses a database that has an organization, and changes nothing', async () => {
      const { address, drop } = await emptyDatabase(engine)
      const count = async () => {
        const database = await openDatabase(address)
        const rows = await database.read.selectFrom('audit_logs').select('seq').execute()
        const projects = await database.read.selectFrom('projects').select('id').execute()
        await database.close()
        return [rows.length, projects.length]
      }
      await serve(address, ['--new-organization'])
      const before = await count()
      const { code, said, printed } = await serve(address, ['--demo'])
      expect(code).not.toBe(0)
      expect(said).toContain('start without --demo')
      expect(printed).toBe('')
      expect(await count()).toEqual(before)
      await drop()
    })

    test('tells the same story on the same day, in an audit chain that is intact and in order', async () => {
      const morning = Date.UTC(2026, 10, 23, 6)
      const [one, other, later] = [
        await demoRows(engine, morning),
        await demoRows(engine, morning + 12 * 3_600_000),
        await demoRows(engine, morning + 24 * 3_600_000),
      ]
      expect(other.text).toBe(one.text)
      expect(later.text).not.toBe(one.text)
      expect(one.accounts).toHaveLength(12)
      expect(one.chain).toMatchObject({ rows: one.events.length, broken: null })
      const times = one.events.map(({ effective_at }) => effective_at)
      expect(times).toEqual(times.toSorted((a, b) => a - b))
      const created = one.events.filter(({ type }) => type === 'api_key.created').map(({ resource_id }) => resource_id)
      expect(one.keys.filter(({ id }) => !created.includes(id))).toEqual([])
    })
  })
