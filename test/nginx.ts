/** A real nginx in front of what is tested, with files in a folder of its own. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { freePort } from './postgres.ts'

export const hasNginx = Bun.which('nginx') !== null

const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

/**
 * Writes a configuration with this in its `http` block, and answers the command that runs it in the
 * foreground.
 */
export function nginxCommand(place: string, http: string): string[] {
  mkdirSync(place, { recursive: true })
  const paths = temporary.map((name) => `${name}_temp_path ${place}/${name};`).join(' ')
  const before = `daemon off; master_process off; pid ${place}/nginx.pid; error_log ${place}/error.log; events {}`
  writeFileSync(`${place}/nginx.conf`, `${before}\nhttp { access_log off; ${paths} ${http} }`)
  return ['nginx', '-p', place, '-c', `${place}/nginx.conf`]
}

/**
 * Starts nginx with an `http` block for a port, and waits until `answers` for that port is true.
 * Throws what nginx said where it ends.
 */
export async function startNginx(
  place: string,
  http: (port: number) => string,
  answers = (port: number) => fetch(`http://127.0.0.1:${port}`).then(Boolean),
) {
  const port = await freePort()
  const process = Bun.spawn(nginxCommand(place, http(port)), { stdout: 'ignore', stderr: 'pipe' })
  for (let tries = 0; !(await answers(port).catch(() => false)); tries++) {
    if (process.exitCode !== null) throw new Error(`nginx ended: ${await new Response(process.stderr).text()}`)
    if (tries > 400) throw new Error('nginx does not answer')
    await Bun.sleep(50)
  }
  return {
    port,
    async stop() {
      process.kill()
      await process.exited
    },
  }
}
