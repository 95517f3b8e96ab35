/**
 * What administration holds of bodies: nothing before the key in the header was found to be alive,
 * and within a bound after.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { connect, type Socket } from 'node:net'
import { engines, START_MILLISECONDS, unknownKey } from '../setup.ts'
import { ADMIN_KEY, startGateway, until, type GatewayServer } from '../gateway/setup.ts'
import { sample } from './samples.ts'

const KiB = 1024
const MiB = 1024 * KiB

/**
 * A connection that says that a body comes, sends part of it, and keeps everything that is
 * answered.
 */
class HeldBody {
  readonly #socket: Socket
  answer = ''

  constructor(port: number, path: string, key: string | null, announced: number, sent: number) {
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.on('data', (piece) => (this.answer += piece.toString('latin1')))
    this.#socket.on('error', () => {})
    const authorization = key === null ? '' : `Authorization: Bearer ${key}\r\n`
    this.#socket.write(
      `POST ${path} HTTP/1.1\r\nHost: keyhall.test\r\n${authorization}Content-Type: application/json\r\nContent-Length: ${announced}\r\n\r\n`,
    )
    this.#socket.write(Buffer.alloc(sent, 0x20))
  }

  get status() {
    return Number(this.answer.slice(9, 12)) || null
  }

  leave() {
    this.#socket.destroy()
  }
}

for (const engine of engines)
  describe(`bodies that administration holds (${engine})`, () => {
    let server: GatewayServer
    const held: HeldBody[] = []
    const hold = (key: string | null, announced: number, sent: number, path = '/v1/organization/projects') => {
      const one = new HeldBody(server.port, path, key, announced, sent)
      held.push(one)
      return one
    }
    const leaveAll = () => {
      for (const one of held.splice(0)) one.leave()
    }
    const memory = () => sample(server.url, 'keyhall_body_memory_bytes')
    const bytesHeld = async (wanted: (bytes: number) => boolean) => {
      while (!wanted(await memory())) await Bun.sleep(10)
    }

    beforeAll(async () => {
      server = await startGateway(engine, null, {
        KEYHALL_MAX_BODY: '1MiB',
        KEYHALL_BODY_MEMORY: '3MiB',
        KEYHALL_BODY_MEMORY_PER_KEY: '1MiB',
      })
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    test('a caller without a valid key is refused before its body is read', async () => {
      for (const key of [null, 'sk-admin-nothing', unknownKey('admin'), unknownKey('project')]) {
        const one = hold(key, MiB, 64 * KiB)
        await until(() => one.status !== null)
        expect(one.status).toBe(401)
        expect(await memory()).toBe(0)
      }
      leaveAll()
    })

    test('a body is counted while it arrives, and no longer when the client leaves', async () => {
      hold(ADMIN_KEY, MiB, 64 * KiB)
      await bytesHeld((bytes) => bytes >= 64 * KiB)
      leaveAll()
      await bytesHeld((bytes) => bytes === 0)
    })

    test('one key cannot take more than its share: over it a 503 that says when to come back', async () => {
      const first = hold(ADMIN_KEY, MiB, 900 * KiB)
      await bytesHeld((bytes) => bytes === 900 * KiB)
      const second = hold(ADMIN_KEY, MiB, 900 * KiB)
      await until(() => second.status !== null)
      expect(second.status).toBe(503)
      expect(second.answer).toContain('retry-after: 1\r\n')
      expect(second.answer).toContain('"code":"body_memory_full"')
      expect(first.status).toBeNull()
      leaveAll()
      await bytesHeld((bytes) => bytes === 0)
      expect((await server.admin.admin.organization.projects.create({ name: 'after' })).name).toBe('after')
    })

    test('all keys together cannot take more than the whole', async () => {
      const keys: string[] = []
      for (const name of ['a', 'b', 'c', 'd'])
        keys.push((await server.admin.admin.organization.adminAPIKeys.create({ name })).value!)
      for (const key of keys.slice(0, 3)) hold(key, MiB, 900 * KiB)
      await bytesHeld((bytes) => bytes === 2700 * KiB)
      const last = hold(keys[3]!, MiB, 900 * KiB)
      await until(() => last.status !== null)
      expect(last.status).toBe(503)
      leaveAll()
      await bytesHeld((bytes) => bytes === 0)
    })

    test('an invite is accepted with a few kilobytes; more is a 413 whatever it says', async () => {
      const path = '/v1/organization/invites/accept'
      const one = hold(null, MiB, 16 * KiB, path)
      await until(() => one.status !== null)
      expect(one.status).toBe(413)
      expect(await memory()).toBe(0)
      const small = hold(null, 4 * KiB, 1 * KiB, path)
      await bytesHeld((bytes) => bytes === 1 * KiB)
      expect(small.status).toBeNull()
      leaveAll()
      await bytesHeld((bytes) => bytes === 0)
    })

    test('a client that leaves while its body arrives counts as 499, never as 5xx', async () => {
      const errors = () => sample(server.url, 'keyhall_requests_total', /status="5/)
      const left = () => sample(server.url, 'keyhall_requests_total', /operation="projects.create",status="499"/)
      const [errorsBefore, leftBefore] = [await errors(), await left()]
      for (const key of [null, 'sk-admin-nothing', ADMIN_KEY]) hold(key, MiB, 32 * KiB)
      hold(null, 4 * KiB, 1 * KiB, '/v1/organization/invites/accept')
      await bytesHeld((bytes) => bytes === 33 * KiB)
      leaveAll()
      await bytesHeld((bytes) => bytes === 0)
      while ((await left()) === leftBefore) await Bun.sleep(10)
      expect(await left()).toBe(leftBefore + 1)
      expect(await errors()).toBe(errorsBefore)
      await until(() => server.log().some(({ status, operation }) => status === 499 && operation === 'invites.accept'))
      const line = server.log().find(({ status, operation }) => status === 499 && operation === 'projects.create')
      expect(line).toMatchObject({ level: 'info' })
      expect(line).not.toHaveProperty('cause')
    })
  })
