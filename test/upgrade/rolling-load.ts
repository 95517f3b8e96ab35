/**
 * Clients that use servers through a balancer without end: they verify a key, call a model under a
 * rate limit, and make projects and keys. A balancer sends a request to the next server where
 * nobody listens, and nothing else is tried again.
 */
import type { Serving } from '../cli/command.ts'
import { MODEL } from './story.ts'

/** How many model requests of the limited project may pass in a minute. */
export const LIMIT = 25

export class RollingLoad {
  /** Those that are asked, in turn. */
  servers: Serving[]
  /** What was answered with other than what a server that works answers. */
  readonly wrong: string[] = []
  /** The names of projects whose making was acknowledged. */
  readonly projects: string[] = []
  /** Values of keys whose deletion was acknowledged. */
  readonly deleted: string[] = []
  readonly counts = { verified: 0, completed: 0, limited: 0 }
  readonly #admin: string
  readonly #running: Promise<void>[] = []
  readonly #underWay = new Map<Serving, number>()
  #turn = 0
  #isStopped = false

  constructor(admin: string, servers: Serving[]) {
    this.#admin = admin
    this.servers = servers
  }

  /** A project with a key and a limit, and clients that use it. */
  async begin() {
    const project = await this.#post<{ id: string }>('/projects', { name: 'Limited' })
    const path = `/projects/${project.id}`
    const account = await this.#post<{ api_key: { value: string } }>(`${path}/service_accounts`, { name: 'client' })
    const { data } = await this.#ask<{ data: { id: string; model: string }[] }>(
      'GET',
      `/v1/organization${path}/rate_limits?limit=100`,
    )
    const limit = data.find(({ model }) => model === MODEL)!
    await this.#post(`${path}/rate_limits/${limit.id}`, { max_requests_per_1_minute: LIMIT })
    const key = account.api_key.value
    this.#forEver(() => this.#verify(key))
    this.#forEver(() => this.#verify(key))
    this.#forEver(() => this.#complete(key))
    this.#forEver(() => this.#complete(key))
    this.#forEver(() => this.#makeProject())
    this.#forEver(() => this.#makeAndDeleteKey(path))
  }

  /** Sends no more requests to a server, and waits for those that are under way. */
  async leave(server: Serving) {
    this.servers = this.servers.filter((one) => one !== server)
    while ((this.#underWay.get(server) ?? 0) > 0) await Bun.sleep(5)
  }

  /** Waits until so many more projects were made. */
  async acknowledges(more: number) {
    const wanted = this.projects.length + more
    while (this.projects.length < wanted && this.wrong.length < 5) await Bun.sleep(10)
  }

  async stop() {
    this.#isStopped = true
    await Promise.all(this.#running)
  }

  #forEver(work: () => Promise<void>) {
    const repeat = async () => {
      while (!this.#isStopped) {
        await work().catch((error: unknown) => this.wrong.push(String(error)))
        await Bun.sleep(5)
      }
    }
    this.#running.push(repeat())
  }

  async #verify(key: string) {
    const { status } = await this.#send('GET', '/verify', key)
    if (status === 200) this.counts.verified++
    else this.wrong.push(`/verify: ${status}`)
  }

  async #complete(key: string) {
    const messages = [{ role: 'user', content: 'Hello' }]
    const answer = await this.#send('POST', '/v1/chat/completions', key, { model: MODEL, messages, max_tokens: 9 })
    const text = await answer.text()
    if (answer.status === 200) this.counts.completed++
    else if (answer.status === 429) this.counts.limited++
    else this.wrong.push(`chat/completions: ${answer.status} ${text}`)
  }

  async #makeProject() {
    const name = `Project ${this.projects.length}`
    await this.#post('/projects', { name })
    this.projects.push(name)
  }

  async #makeAndDeleteKey(path: string) {
    const made = await this.#post<{ id: string; api_key: { id: string; value: string } }>(`${path}/service_accounts`, {
      name: 'short-lived',
    })
    await this.#verify(made.api_key.value)
    await this.#ask('DELETE', `/v1/organization${path}/api_keys/${made.api_key.id}`)
    this.deleted.push(made.api_key.value)
    const { status } = await this.#send('GET', '/verify', made.api_key.value)
    if (status !== 401) this.wrong.push(`/verify of a deleted key: ${status}`)
  }

  #post<Made>(path: string, body: object) {
    return this.#ask<Made>('POST', `/v1/organization${path}`, body)
  }

  async #ask<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const answer = await this.#send(method, path, this.#admin, body)
    const text = await answer.text()
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return JSON.parse(text) as Answer
  }

  async #send(method: string, path: string, key: string, body?: object): Promise<Response> {
    const servers = [...this.servers]
    const first = this.#turn++
    for (let tries = 0; ; tries++) {
      const server = servers[(first + tries) % servers.length]!
      this.#count(server, 1)
      try {
        return await fetch(`${server.url}${path}`, {
          method,
          // A connection for each request: one that is kept can be closed while a request is sent.
          keepalive: false,
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          ...(body && { body: JSON.stringify(body) }),
        })
      } catch (error) {
        const isRefused = /ConnectionRefused|ECONNREFUSED/.test(`${(error as { code?: string }).code} ${error}`)
        if (!isRefused || tries === servers.length - 1) throw error
      } finally {
        this.#count(server, -1)
      }
    }
  }

  #count(server: Serving, more: number) {
    this.#underWay.set(server, (this.#underWay.get(server) ?? 0) + more)
  }
}
