/** What people type: curl, with as little as it needs. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { folder } from '../cli/command.ts'
import { START_MILLISECONDS } from '../setup.ts'
import { startForClients, type ClientsServer } from './clients.ts'
import { SPEECH, USAGE } from './model-server.ts'

const body = '{"model":"tiny","messages":[{"role":"user","content":"Hello?"}]}'

describe.skipIf(!Bun.which('curl'))('curl', () => {
  let server: ClientsServer
  const home = folder()
  beforeAll(async () => void (server = await startForClients()), START_MILLISECONDS)
  afterAll(async () => {
    await server.stop()
    home.remove()
  })

  const curl = (path: string, ...args: string[]) => curlWith(server.key, path, ...args)
  async function curlWith(key: string, path: string, ...args: string[]): Promise<string> {
    const header = ['-H', `authorization: Bearer ${key}`]
    const child = Bun.spawn(['curl', '-sS', ...header, ...args, server.baseURL + path], { stderr: 'inherit' })
    return new Response(child.stdout).text()
  }
  const file = (name: string, content: string | Uint8Array) => {
    const path = join(home.path, name)
    writeFileSync(path, content)
    return path
  }

  test('-d sends JSON as a form, and it is read as JSON', async () => {
    expect(JSON.parse(await curl('/chat/completions', '-d', body))).toMatchObject({ usage: USAGE })
    expect(JSON.parse(await curl('/chat/completions', '--json', body))).toMatchObject({ usage: USAGE })
    expect(JSON.parse(await curl('/chat/completions', '-H', 'content-type:', '-d', body))).toMatchObject({
      usage: USAGE,
    })
    await server.used('completions', { requests: 3, input: 33, output: 21 })
  })

  test('-N shows a stream, -I a head, -F a form, --data-binary what was compressed', async () => {
    expect(await curl('/chat/completions', '-N', '--json', '{"model":"tiny","stream":true,"messages":[]}')).toEndWith(
      'data: [DONE]\n\n',
    )
    const head = await curl('/models/tiny', '-I')
    expect(head).toStartWith('HTTP/1.1 200 OK')
    expect(head.toLowerCase()).toMatch(/content-length: [1-9]/)
    const wav = file('a.wav', Buffer.alloc(1000))
    expect(JSON.parse(await curl('/audio/transcriptions', '-F', `file=@${wav}`, '-F', 'model=tiny'))).toEqual({
      text: '1000 bytes',
    })
    expect(await curl('/audio/speech', '--json', '{"model":"tiny","voice":"alloy","input":"Hello"}')).toBe(SPEECH)
    const [gzip, zstd] = [file('body.gz', gzipSync(body)), file('body.zst', new Uint8Array(Bun.zstdCompressSync(body)))]
    for (const flags of [
      ['-H', 'content-encoding: gzip', '--data-binary', `@${gzip}`],
      ['-H', 'content-encoding: zstd', '-H', 'transfer-encoding: chunked', '--data-binary', `@${zstd}`],
    ])
      expect(JSON.parse(await curl('/chat/completions', ...flags))).toMatchObject({ usage: USAGE })
    await server.used('completions', { requests: 3, input: 33, output: 21 })
  })

  test('a wrong key and a wrong path are told in JSON', async () => {
    const wrong = JSON.parse(await curlWith('sk-proj-wrong', '/models')) as { error: object }
    expect(wrong.error).toMatchObject({ code: 'invalid_api_key', type: 'invalid_request_error' })
    const two = JSON.parse(await curl('/models', '-H', `authorization: Bearer ${server.key}`)) as { error: object }
    expect(two.error).toMatchObject({ message: expect.stringContaining('exactly once') })
    expect(await curl('/v1/models')).toContain('base URL')
  })
})
