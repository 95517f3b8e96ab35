/** A server on a socket, and commands against it. */
import { afterAll, beforeAll, expect, setDefaultTimeout } from 'bun:test'
import type { Terminal } from '../../world/terminal.ts'
import { startServer, type TestServer } from '../setup.ts'
import { inProcess } from './terminal.ts'

export function onNetwork() {
  setDefaultTimeout(60_000)
  let server: TestServer
  let socket: Bun.Server<undefined>
  let environment: Record<string, string>
  beforeAll(async () => {
    server = await startServer('sqlite')
    socket = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: server.fetch })
    environment = { OPENAI_ADMIN_KEY: server.admin_key, OPENAI_BASE_URL: `${socket.url}v1` }
  })
  afterAll(async () => {
    await socket.stop(true)
    await server.stop()
  })

  const command = (line: string | readonly string[], over: Partial<Terminal> = {}) =>
    inProcess(line, { environment, now: server.world.now, ...over })

  return {
    server: () => server,
    environment: () => environment,
    command,
    json: async (line: string | string[]) => {
      const { code, out, err } = await command(line)
      expect({ code, err }).toEqual({ code: 0, err: '' })
      return JSON.parse(out)
    },
  }
}

export const onTerminal = (columns = 120): Partial<Terminal> => ({ isTerminal: true, isErrTerminal: true, columns })
