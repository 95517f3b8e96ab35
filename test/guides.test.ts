/**
 * What the guides tell to paste is pasted, into bash and against a fresh server; what they say is
 * printed must be printed.
 */
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { folder, serve } from './cli/command.ts'
import { startUpstream } from './gateway/upstream.ts'
import { program } from './program.ts'

// Each line of a guide starts a process.
setDefaultTimeout(120_000)

const root = join(import.meta.dir, '..')
const guides = join(root, 'docs/guides')
const missing = ['bash', 'curl'].filter((program) => !Bun.which(program))
if (missing.length > 0) console.log(`NOT TESTED: the guides, because there is no ${missing.join(' and no ')}`)

describe.skipIf(missing.length > 0)('the commands of the guide', () => {
  for (const file of readdirSync(guides))
    test(`${file} print what it says`, async () => {
      const place = folder()
      const database = `sqlite:${place.path}/test.db`
      const guide = readFileSync(join(guides, file), 'utf8')
      const upstream = startUpstream()
      const config = configOf(guide)?.replaceAll('http://127.0.0.1:8000/v1', upstream.url)
      if (config) writeFileSync(join(place.path, 'keyhall.yaml'), config)
      const server = await serve(database, config ? ['--config', join(place.path, 'keyhall.yaml')] : [])
      try {
        const command = join(place.path, 'keyhall')
        writeFileSync(command, `#!/bin/sh\nexec ${program.map((part) => `'${part}'`).join(' ')} "$@"\n`)
        chmodSync(command, 0o755)
        const steps = stepsOf(guide)
        const script = steps.map(({ commands }, index) => `echo '${mark(index)}'\n${commands}`).join('\n')
        const bash = Bun.spawn(['bash', '-euo', 'pipefail', '-c', script], {
          env: {
            PATH: `${place.path}:${process.env.PATH}`,
            OPENAI_BASE_URL: `${server.url}/v1`,
            OPENAI_ADMIN_KEY: server.key!,
            KEYHALL_DATABASE: database,
          },
          cwd: place.path,
          stdout: 'pipe',
          stderr: 'pipe',
        })
        const [out, err] = await Promise.all([new Response(bash.stdout).text(), new Response(bash.stderr).text()])
        const printed = steps.map((_, index) => out.split(`${mark(index)}\n`)[1]?.split(mark(index + 1))[0] ?? '')
        expect({ printed, err: (await bash.exited) === 0 ? '' : err }).toEqual({
          printed: steps.map(({ printed }) => printed),
          err: '',
        })
      } finally {
        server.signal('SIGTERM')
        await server.ended
        await upstream.stop()
        place.remove()
      }
    })
})

const mark = (step: number) => `--- step ${step}.`

/**
 * The file that the guide starts the server with, if it does; its model server is one of the test.
 */
const configOf = (guide: string) => /```yaml keyhall\n(.*?)```/s.exec(guide)?.[1]

/** The blocks marked `sh`, each with the block marked `text` that follows it, if one does. */
const stepsOf = (guide: string) =>
  [...guide.matchAll(/```sh\n(.*?)```(?:\n\n```text\n(.*?)```)?/gs)].map(([, commands, printed = '']) => ({
    commands: commands!,
    printed,
  }))
