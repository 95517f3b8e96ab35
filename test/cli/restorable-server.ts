/** A database that can be taken back to what it was, with a server on it from time to time. */
import { join } from 'node:path'
import { emptyDatabase, type EngineName } from '../setup.ts'
import { folder, run, serve, type Serving } from './command.ts'

type Answer = { status: number; body: Record<string, any> }

export class RestorableServer {
  readonly home = folder()
  readonly file = join(this.home.path, 'revocations.jsonl')
  readonly #engine: EngineName
  #address = ''
  #drop = async () => {}
  #server: Serving | undefined
  #key = ''

  constructor(engine: EngineName) {
    this.#engine = engine
  }

  get #flags() {
    return ['--pepper-file', join(this.home.path, 'pepper'), '--revocations-file', this.file]
  }

  async open() {
    const { address, drop } = await emptyDatabase(this.#engine)
    this.#address = address
    this.#drop = drop
    await this.start()
  }

  async start(...args: string[]) {
    this.#server = await serve(this.#address, [...this.#flags, ...args])
    this.#key ||= this.#server.key!
  }

  /** Answers what the server printed. */
  async stop(): Promise<string> {
    this.#server!.signal('SIGTERM')
    return (await this.#server!.ended).out
  }

  async close() {
    await this.stop()
    await this.#drop()
    this.home.remove()
  }

  async call(method: string, path: string, body?: object, key = this.#key): Promise<Answer> {
    const answer = await fetch(`${this.#server!.url}/v1/organization${path}`, {
      method,
      headers: { authorization: `Bearer ${key}` },
      ...(body && { body: JSON.stringify(body) }),
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, any> }
  }

  /** A call as a page of the server makes it; with the cookie that is kept from the answer. */
  async fromPage(method: string, path: string, cookie: string, body?: object) {
    const { url } = this.#server!
    const headers = { 'sec-fetch-site': 'same-origin', origin: url, 'x-keyhall-console': '1', cookie }
    const answer = await fetch(`${url}/v1/organization${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    })
    return { status: answer.status, cookie: answer.headers.get('set-cookie')?.split(';')[0] ?? cookie }
  }

  /** The cookie of a new session of the first owner. */
  signIn = async () => (await this.fromPage('POST', '/sessions', '', { admin_key: this.#key })).cookie

  async done(method: string, path: string, body?: object): Promise<Record<string, any>> {
    const answer = await this.call(method, path, body)
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`)
    return answer.body
  }

  async opens(key: string): Promise<number> {
    return (await fetch(`${this.#server!.url}/verify`, { headers: { authorization: `Bearer ${key}` } })).status
  }

  /** Somebody accepts an invite and has an admin key made on the host. */
  async joins(email: string, role: string): Promise<{ id: string; key: string }> {
    const invite = await this.done('POST', '/invites', { email, role, projects: [] })
    const link = await this.onHost('invites', 'link', invite.id as string)
    const person = await this.done('POST', '/invites/accept', { token: link.split('#')[1], name: email })
    return { id: person.id as string, key: await this.onHost('admin-keys', 'create', '--email', email) }
  }

  async statements(...texts: string[]) {
    const sql = new Bun.SQL(this.#address, { max: 1 })
    // The server writes to the same file now and then.
    if (this.#engine === 'sqlite') await sql.unsafe('pragma busy_timeout = 10000')
    for (const text of texts) await sql.unsafe(text)
    await sql.close()
  }

  /** Goes on with an admin key that is made on the host. */
  async takeNewKey() {
    this.#key = await this.onHost('admin-keys', 'create')
  }

  async onHost(...command: string[]): Promise<string> {
    const flags = ['--database', this.#address, '--pepper-file', join(this.home.path, 'pepper')]
    const ended = await run([...command, ...flags])
    if (ended.code !== 0) throw new Error(ended.err)
    return ended.out.trimEnd()
  }

  verify = (...args: string[]) => run(['audit', 'verify', '--database', this.#address, ...this.#flags, ...args])

  /**
   * Keeps all tables as they are now; the function that is returned puts them back. No server may
   * run then.
   */
  async save(): Promise<() => Promise<void>> {
    if (this.#engine === 'sqlite') {
      const backup = join(this.home.path, `backup-${Date.now()}.db`)
      const flags = ['--database', this.#address, '--pepper-file', join(this.home.path, 'pepper')]
      const saved = await run(['backup', backup, ...flags])
      if (saved.code !== 0) throw new Error(saved.err)
      return async () => {
        const restored = await run(['restore', backup, ...flags])
        if (restored.code !== 0) throw new Error(restored.err)
      }
    }
    const sql = new Bun.SQL(this.#address, { max: 1 })
    const tables = (await sql`select tablename as name from pg_tables where schemaname = 'public'`) as {
      name: string
    }[]
    const generated =
      (await sql`select table_name, column_name from information_schema.columns where is_generated = 'ALWAYS'`) as {
        table_name: string
        column_name: string
      }[]
    const kept = `kept_${Date.now()}`
    await sql.unsafe(`create schema ${kept}`)
    for (const { name } of tables) await sql.unsafe(`create table ${kept}."${name}" as select * from public."${name}"`)
    await sql.close()
    return async () => {
      const back = new Bun.SQL(this.#address, { max: 1 })
      await back.begin(async (change) => {
        await change.unsafe(`set local session_replication_role = replica`)
        for (const { name } of tables) {
          const columns = (
            (await change.unsafe(
              `select column_name from information_schema.columns where table_schema = '${kept}' and table_name = '${name}'`,
            )) as { column_name: string }[]
          )
            .map(({ column_name }) => column_name)
            .filter((column) => !generated.some((one) => one.table_name === name && one.column_name === column))
            .map((column) => `"${column}"`)
            .join(', ')
          await change.unsafe(`delete from public."${name}"`)
          await change.unsafe(`insert into public."${name}" (${columns}) select ${columns} from ${kept}."${name}"`)
        }
      })
      await back.close()
    }
  }
}
