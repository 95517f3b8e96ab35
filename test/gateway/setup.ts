/**
 * A whole server on a port of its own, with its own upstreams, a project and a key that opens them;
 * and the official SDK calling it.
 */
import OpenAI from 'openai'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { serve, type Running } from '../../server/serve.ts'
import type { Terminal } from '../../world/terminal.ts'
import { readConfig } from '../../server/read-config.ts'
import { Gateway, type GatewayOptions } from '../../gateway/gateway-app.ts'
import type { Authorizer, ProjectCaller } from '../../gateway/caller.ts'
import { Policies } from '../../gateway/policies/policies.ts'
import { singleUpstream } from '../../gateway/upstream-config.ts'
import { realWorld, type World } from '../../world/world.ts'
import { folder } from '../cli/command.ts'
import { emptyDatabase, type EngineName } from '../setup.ts'

export interface GatewayServer extends Running {
  port: number
  admin: OpenAI
  organization_id: string
  project_id: string
  key_id: string
  /** A service account's key. */
  key: string
  /** The official SDK with that key, or with another. */
  client: (apiKey?: string) => OpenAI
  /** A plain request below `/v1` with that key; `body` is sent as JSON unless it is text. */
  request: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Response>
  /** Writes the file with the upstreams anew. */
  write: (yaml: string) => void
  /** Everything logged so far, as objects. */
  log: () => Record<string, unknown>[]
}

export const ADMIN_KEY = 'sk-admin-of-the-tests-0123456789-0123456789'

const terminal = (environment: Terminal['environment'], out: (text: string) => void): Terminal => ({
  environment,
  now: Date.now,
  out,
  err: out,
  isTerminal: false,
  isErrTerminal: false,
  columns: Infinity,
  width: (text) => text.length,
  program: 'keyhall',
  onStop: () => {},
  onReload: () => {},
  exit: () => {},
})

/** As `fetch`, such as over TLS. */
export type Send = (url: string | URL | Request, init?: RequestInit) => Promise<Response>

/** `yaml` is the file with the upstreams; null for a server without any. */
export async function startGateway(
  engine: EngineName,
  yaml: string | null,
  environment: Record<string, string> = {},
  send: Send = fetch,
): Promise<GatewayServer> {
  const home = folder()
  const database = await emptyDatabase(engine)
  const file = join(home.path, 'keyhall.yaml')
  if (yaml !== null) writeFileSync(file, yaml)
  const given = {
    KEYHALL_DATABASE: database.address,
    KEYHALL_PORT: '0',
    // A test that stops it amid a request need not wait for long.
    KEYHALL_SHUTDOWN_SECONDS: '5',
    KEYHALL_ADMIN_KEY: ADMIN_KEY,
    KEYHALL_PEPPER_FILE: join(home.path, 'pepper'),
    ...(yaml !== null && { KEYHALL_CONFIG: file }),
    ...environment,
  }
  let printed = ''
  const running = await serve(
    readConfig({}, given),
    terminal(given, (text) => (printed += text)),
  )
  const baseURL = `${running.urls.gateway}/v1`
  const administration = `${running.urls.admin}/v1`
  const admin = new OpenAI({
    adminAPIKey: ADMIN_KEY,
    apiKey: 'none',
    baseURL: administration,
    maxRetries: 0,
    fetch: send,
  })
  const project = await admin.admin.organization.projects.create({ name: 'Models' })
  const account = await admin.admin.organization.projects.serviceAccounts.create(project.id, { name: 'robot' })
  const { value: key, id: key_id } = account.api_key!
  const { headers } = await admin.admin.organization.projects.retrieve(project.id).asResponse()
  return {
    ...running,
    port: Number(new URL(running.url).port),
    admin,
    organization_id: headers.get('openai-organization')!,
    project_id: project.id,
    key_id,
    key,
    client: (apiKey = key) => new OpenAI({ apiKey, baseURL, maxRetries: 0, fetch: send }),
    request: (method, path, body, headers = {}) =>
      send(baseURL + path, {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    write: (yaml) => writeFileSync(file, yaml),
    log: () =>
      printed
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    async stop() {
      await running.stop()
      await database.drop()
      home.remove()
    },
  }
}

/**
 * The gateway without a server around it: whoever calls has a key, and its one upstream is a note
 * of what was asked.
 */
export function gatewayAlone(options: GatewayOptions, otherWorld: Partial<World> = {}) {
  const caller = { organization_id: 'org-x', project_id: 'proj_x', key_id: 'key_x' } as ProjectCaller
  const sent: string[] = []
  const send = async (url: string) => {
    sent.push(url)
    return Response.json({ data: [] })
  }
  const config = singleUpstream('http://upstream.test/v1', null)
  const authorized = { caller, digest: '' }
  const authorizer: Authorizer = {
    authorize: () => authorized,
    authorizeAgain: () => authorized,
    isCurrent: () => true,
    canTell: () => true,
  }
  const world = { ...realWorld, fetch: send, ...otherWorld }
  const gateway = new Gateway({ authorizer, policies: new Policies([]), world }, config, options)
  return { gateway, forwarded: () => sent.filter((url) => !url.endsWith('/models')) }
}

/**
 * Sends bytes as they are and answers with what came back until the server closed or fell silent.
 */
export function raw(port: number, bytes: string, silent = 300): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1')
    const end = () => {
      socket.destroy()
      resolve(answer)
    }
    let timer = setTimeout(end, silent * 5)
    socket.on('data', (piece) => {
      answer += piece.toString('latin1')
      clearTimeout(timer)
      timer = setTimeout(end, silent)
    })
    socket.on('error', end)
    socket.on('close', end)
    socket.write(bytes, 'latin1')
  })
}

/**
 * Waits for something that must happen, however long it takes; the test's own time limit says when
 * it did not.
 */
export async function until(happened: () => boolean) {
  while (!happened()) await Bun.sleep(10)
}
