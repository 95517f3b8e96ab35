/** The newest link of the audit log goes to the server's log, by which a rollback is found. */
import { afterEach, expect, jest, test } from 'bun:test'
import { logLinks } from '../../server/log-links.ts'
import { newProject } from '../made.ts'
import { onBothEngines, testPepper } from '../setup.ts'

afterEach(() => {
  jest.useRealTimers()
})

onBothEngines('the newest link of the audit log', (server) => {
  test('is logged at the start, and every hour after', async () => {
    const links: unknown[] = []
    const heard: (() => void)[] = []
    const next = () => new Promise<void>((resolve) => heard.push(resolve))
    const say = (_level: string, _sentence: string, details?: Record<string, unknown>) => {
      links.push(details?.link)
      heard.shift()?.()
    }
    const linkNow = async () => {
      const { organization_id, database } = server()
      const { seq, hash } = await database.read
        .selectFrom('audit_heads')
        .select(['seq', 'hash'])
        .where('organization_id', '=', organization_id)
        .executeTakeFirstOrThrow()
      return `${organization_id}:${seq}:${Buffer.from(hash).toString('hex')}`
    }
    const first = await linkNow()
    await newProject(server(), { name: 'before the start' })
    const second = await linkNow()
    expect(second).not.toBe(first)
    jest.useFakeTimers()
    const started = next()
    const stop = logLinks(server().database, [testPepper], { say })
    await started
    jest.advanceTimersByTime(3_599_999)
    expect(links).toEqual([second])
    const hour = next()
    jest.advanceTimersByTime(1)
    await hour
    expect(links).toEqual([second, second])
    stop()
    jest.advanceTimersByTime(7_200_000)
    expect(links.length).toBe(2)
  })
})
