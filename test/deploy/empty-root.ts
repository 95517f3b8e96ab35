/**
 * A container without an engine: a process in namespaces of its own, whose root is a folder that it
 * cannot write to, as an ordinary user. As in a container it is process 1, and has `/proc`, `/dev`,
 * an empty `/tmp` and the volumes.
 */
import { mkdirSync, readFileSync } from 'node:fs'

export interface Container {
  root: string
  /** Folders outside, by where they are seen inside. They can be written to. */
  volumes: Record<string, string>
  user: string
  environment: Record<string, string>
  workdir: string
}

/** Why no such process can run on this machine; null where one can. */
export function cannotRun(): string | null {
  if (process.platform !== 'linux') return 'this is not Linux'
  if (process.getuid?.() !== 0) return 'the tests do not run as root'
  const missing = ['unshare', 'nsenter', 'chroot', 'mount'].filter((program) => !Bun.which(program))
  if (missing.length > 0) return `there is no ${missing.join(' and no ')}`
  const { exitCode, stderr } = Bun.spawnSync(['unshare', '--mount', '--pid', '--fork', 'true'])
  return exitCode === 0 ? null : `a process cannot have namespaces of its own: ${stderr.toString().trim()}`
}

/** What every engine gives to a process that names no other. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Starts a command, and resolves when it printed `ready`. */
export async function start(container: Container, command: string[], ready: string) {
  const { root, volumes, user, environment, workdir } = container
  for (const folder of ['proc', 'dev', 'tmp', ...Object.keys(volumes)])
    mkdirSync(`${root}/${folder}`, { recursive: true })
  const mounts = [
    `mount --bind ${root} ${root}`,
    `mount -o remount,bind,ro ${root}`,
    `mount -t proc proc ${root}/proc`,
    `mount --rbind /dev ${root}/dev`,
    `mount -t tmpfs tmpfs ${root}/tmp`,
    ...Object.entries(volumes).map(([inside, outside]) => `mount --bind ${outside} ${root}${inside}`),
    `cd ${root}${workdir}`,
    `exec chroot --userspec=${user} --groups= ${root} "$@"`,
  ]
  const child = Bun.spawn(
    ['unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-euc', mounts.join('\n'), 'sh', ...command],
    { env: { PATH, ...environment }, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
  )
  let out = ''
  const isReady = Promise.withResolvers<void>()
  const reading = (async () => {
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      out += chunk
      if (out.includes(ready)) isReady.resolve()
    }
  })()
  const err = new Response(child.stderr).text()
  const ended = Promise.all([child.exited, err, reading]).then(([code, err]) => ({ code, err, out }))
  const first = await Promise.race([ended, isReady.promise])
  if (first) throw new Error(`The container ended: ${JSON.stringify(first)}`)
  // `unshare` waits for the process that is number 1 inside, and passes no signals on.
  const pid = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim())
  return {
    pid,
    printed: () => out,
    ended,
    stop: () => process.kill(pid, 'SIGTERM'),
    /** Runs a command in the container, as `docker exec` does. */
    exec: (command: string[], more: Record<string, string> = {}) =>
      Bun.spawnSync(['nsenter', `--target=${pid}`, '--mount', '--pid', '--root', '--wd', ...ids(user), ...command], {
        env: { PATH, ...environment, ...more },
      }),
  }
}

function ids(user: string): string[] {
  const [uid, gid] = user.split(':')
  return [`--setuid=${uid}`, `--setgid=${gid}`]
}
