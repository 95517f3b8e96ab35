/**
 * Load on a server whose PostgreSQL fails over to its synchronous standby: what was promised, and
 * what became of it.
 */
import { startServer, type TestServer } from '../setup.ts'
import { newServiceAccount } from '../made.ts'
import { startReplicatedPostgres } from './replicated-postgres.ts'

export interface FailoverResult {
  acknowledged: number
  refused: number
  /** Projects that were answered with 200 and are gone. */
  lost: string[]
  /** Projects that were answered with "nothing was changed" and are there. */
  surprising: string[]
  revoked: number
  /** Keys whose deletion was answered with 200, and that opened something later. */
  alive: string[]
  /** The longest time in which no change was acknowledged, in milliseconds. */
  pause: number
}

/**
 * Creates projects and deletes keys without end, and lets the standby take over after that many
 * acknowledged changes.
 */
export async function failOverUnderLoad({ writers = 8, changes = 150 } = {}): Promise<FailoverResult> {
  const postgres = await startReplicatedPostgres()
  const on = { address: postgres.address, drop: postgres.stop }
  const server = await startServer('postgres', { on, outages: true })
  try {
    const load = new Load(server)
    const running = Array.from({ length: writers }, (_, id) => (id % 2 ? load.revoke(id) : load.create(id)))
    await load.acknowledges(changes)
    await postgres.failOver()
    await load.acknowledges(changes)
    load.stop()
    await Promise.all(running)
    return await load.result()
  } finally {
    await server.stop()
  }
}

class Load {
  readonly #server: TestServer
  readonly #outcomes = new Map<string, { status: number; code: string | null }>()
  readonly #revoked: string[] = []
  #count = 0
  #newest = performance.now()
  #pause = 0
  #stopped = false

  constructor(server: TestServer) {
    this.#server = server
  }

  async acknowledges(more: number) {
    const wanted = this.#count + more
    while (this.#count < wanted) await Bun.sleep(5)
  }

  stop() {
    this.#stopped = true
  }

  async create(writer: number) {
    for (let n = 0; !this.#stopped; n++) {
      const name = `writer ${writer} project ${n}`
      const response = await this.#server.request('POST', '/organization/projects', { name })
      const body = (await response.json()) as { error?: { code: string } }
      this.#outcomes.set(name, { status: response.status, code: body.error?.code ?? null })
      await this.#note(response.status)
    }
  }

  async revoke(_writer: number) {
    while (!this.#stopped) {
      const made = await newServiceAccount(this.#server).catch(() => null)
      if (!made) {
        await Bun.sleep(20)
        continue
      }
      const path = `/organization/projects/${made.project_id}/service_accounts/${made.id}`
      const response = await this.#server.request('DELETE', path)
      await response.arrayBuffer()
      if (response.status === 200) this.#revoked.push(made.api_key.value)
      await this.#note(response.status)
    }
  }

  async result(): Promise<FailoverResult> {
    const rows = await this.#server.database.read.selectFrom('projects').select('name').execute()
    const there = new Set(rows.map(({ name }) => name))
    const named = (test: (one: { status: number; code: string | null }, isThere: boolean) => boolean) =>
      [...this.#outcomes].filter(([name, one]) => test(one, there.has(name))).map(([name]) => name)
    const alive: string[] = []
    for (const key of this.#revoked) {
      const headers = { authorization: `Bearer ${key}` }
      const { status } = await this.#server.fetch(new Request('http://keyhall.test/verify', { headers }))
      if (status !== 401) alive.push(key)
    }
    return {
      acknowledged: named(({ status }) => status === 200).length + this.#revoked.length,
      refused: named(({ status }) => status !== 200).length,
      lost: named(({ status }, isThere) => status === 200 && !isThere),
      surprising: named(({ status, code }, isThere) => status !== 200 && code !== 'outcome_unknown' && isThere),
      revoked: this.#revoked.length,
      alive,
      pause: this.#pause,
    }
  }

  async #note(status: number) {
    if (status !== 200) return Bun.sleep(20)
    const now = performance.now()
    this.#pause = Math.max(this.#pause, now - this.#newest)
    this.#newest = now
    this.#count++
  }
}
