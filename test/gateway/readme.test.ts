/** The README's way from nothing to a model call is walked as it is written. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { folder, serve } from '../cli/command.ts'
import { startUpstream } from './upstream.ts'

setDefaultTimeout(120_000)

const root = join(import.meta.dir, '../..')

test('the README leads to a model call, and to the key that made it', async () => {
  const [, section] = readFileSync(join(root, 'README.md'), 'utf8').split('## In front of a model server')
  const [start, commands] = [...section!.matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => block!)
  expect(start).toMatch(/^KEYHALL_UPSTREAM=\S+ npm start\n$/)
  const place = folder()
  const upstream = startUpstream()
  upstream.models.push('qwen3-8b')
  const server = await serve(`sqlite:${place.path}/test.db`, ['--upstream', upstream.url])
  try {
    const npx = join(place.path, 'npx')
    writeFileSync(npx, `#!/bin/sh\nshift\nexec node '${join(root, 'bin/keyhall.js')}' "$@"\n`)
    chmodSync(npx, 0o755)
    const bash = Bun.spawn(['bash', '-euo', 'pipefail', '-c', commands!], {
      env: {
        PATH: `${place.path}:${process.env.PATH}`,
        OPENAI_BASE_URL: `${server.url}/v1`,
        OPENAI_ADMIN_KEY: server.key!,
      },
      cwd: place.path,
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [out, err] = await Promise.all([new Response(bash.stdout).text(), new Response(bash.stderr).text()])
    expect({ code: await bash.exited, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('"role":"assistant"')
    expect(out).toContain('Secret Key')
    expect(upstream.sent.map(({ path }) => path)).toEqual(['/v1/chat/completions'])
  } finally {
    server.signal('SIGTERM')
    await server.ended
    await upstream.stop()
    place.remove()
  }
})
