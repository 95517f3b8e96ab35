/**
 * Clients from PyPI, unmodified. `.ci/run` installs them; without them these tests are skipped.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { START_MILLISECONDS } from '../setup.ts'
import { startForClients, type ClientsServer } from './clients.ts'
import { SPEECH } from './model-server.ts'

const python = process.env.TEST_PYTHON ?? join(import.meta.dir, '../../node_modules/.cache/python/bin/python')

/** Python imports slowly when the machine is busy. */
const LONGEST_MILLISECONDS = 180_000

describe.skipIf(!existsSync(python))('clients from PyPI', () => {
  let server: ClientsServer
  beforeAll(async () => void (server = await startForClients()), START_MILLISECONDS)
  afterAll(() => server.stop())

  async function calls(name: string): Promise<Record<string, unknown>> {
    const child = Bun.spawn([python, join(import.meta.dir, 'calls.py'), name, server.baseURL, server.key], {
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [out, err, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ])
    if (code !== 0) throw new Error(err)
    const said = out
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { what: string; value: unknown })
    return Object.fromEntries(said.map(({ what, value }) => [what, value]))
  }

  test(
    'the official SDK: every kind of call',
    async () => {
      expect(await calls('official')).toEqual({
        tools: 'weather',
        stream: 'Hello there.',
        response: 'Hello there.',
        'response stream': 'response.completed',
        embeddings: [
          [0.5, 0.25],
          [0.5, 0.25],
        ],
        file: 1,
        image: 'AAAA',
        transcription: '100000 bytes',
        speech: SPEECH,
        batch: ['validating', 'in_progress'],
        deleted: true,
        refused: 'invalid_api_key',
      })
      await server.used('completions', { requests: 4, input: 44, output: 28 })
      await server.used('embeddings', { requests: 1, input: 11 })
    },
    LONGEST_MILLISECONDS,
  )

  test(
    'the official SDK: a realtime session',
    async () => {
      expect(await calls('realtime')).toEqual({ 'response.output_text.delta': 'Hello there.', 'response.done': null })
      await server.used('completions', { requests: 1, input: 11, output: 7 })
    },
    LONGEST_MILLISECONDS,
  )

  test(
    'Azure’s client class: chat, streams',
    async () => {
      expect(await calls('azure')).toEqual({ chat: 'Hello there.', stream: 'Hello there.' })
      await server.used('completions', { requests: 2, input: 22, output: 14 })
    },
    LONGEST_MILLISECONDS,
  )

  test(
    'LiteLLM as a client: chat, streams, embeddings',
    async () => {
      const said = await calls('litellm')
      expect(said).toEqual({ chat: ['Hello there.', 18], stream: 'Hello there.', embeddings: 2 })
      await server.used('completions', { requests: 2, input: 22, output: 14 })
      await server.used('embeddings', { requests: 1, input: 11 })
    },
    LONGEST_MILLISECONDS,
  )
})
