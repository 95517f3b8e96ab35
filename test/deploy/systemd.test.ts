/**
 * The systemd unit. Where `systemd-analyze` is found, it verifies the unit and rates how much an
 * attacker in the server could reach.
 */
import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { settings } from '../../server/config.ts'
import { folder, serve } from '../cli/command.ts'
import { guideBlock } from '../guide-block.ts'
import { program } from '../program.ts'

setDefaultTimeout(60_000)

const root = join(import.meta.dir, '../..')
const files = ['keyhall.service', 'keyhall.service.d/postgresql.conf']
const [unit, dropIn] = files.map((file) => readFileSync(join(root, 'deploy/systemd', file), 'utf8')) as [string, string]

/** From 0, nothing, to 10. */
const MOST_EXPOSED = 2

/** The lines of a unit with this name. */
const valuesOf = (text: string, name: string) =>
  [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value!)

describe('the systemd unit', () => {
  test('starts the server with its data in a folder of its own, and waits until it has stopped', () => {
    expect(valuesOf(unit, 'ExecStart')).toEqual(['/usr/local/bin/keyhall serve'])
    // The program `kill` is a package of its own; each machine has a shell.
    expect(valuesOf(unit, 'ExecReload')).toEqual(['/bin/sh -c "kill -HUP $MAINPID"'])
    expect(valuesOf(unit, 'WorkingDirectory')).toEqual([`%S/${valuesOf(unit, 'StateDirectory')[0]}`])
    expect(Number(valuesOf(unit, 'TimeoutStopSec')[0])).toBeGreaterThanOrEqual(
      Number(settings.shutdown_seconds.default) + 5,
    )
  })

  test('runs as a user that the file for systemd-sysusers makes', () => {
    const users = readFileSync(join(root, 'deploy/systemd/keyhall.sysusers'), 'utf8')
    const [, user] = /^u (\S+) /m.exec(users)!
    expect(valuesOf(unit, 'User')).toEqual([user!])
  })

  test('with PostgreSQL hands each secret over as a credential', () => {
    const credentials = valuesOf(dropIn, 'LoadCredential').map((value) => `%d/${value.split(':')[0]}`)
    const variables = valuesOf(dropIn, 'Environment').map((value) => value.split('=') as [string, string])
    const known = new Set<string>(Object.values(settings).map(({ env }) => env))
    for (const [name] of variables) expect([name, known.has(name)]).toEqual([name, true])
    expect(variables.map(([, path]) => path).filter((path) => path.startsWith('%d/'))).toEqual(credentials)
  })

  test('with PostgreSQL gives a command on the host, as the guide starts it, what the server has', () => {
    const command = guideBlock('install.md', 'sh systemd').replaceAll(/\\\n\s*/g, '')
    const [, name] = / --unit (\S+) /.exec(command)!
    const properties = [...command.matchAll(/ -p (\S+)/g)].map(([, property]) => property!).join('\n')
    // systemd-run takes these as they are; only a unit has specifiers.
    const resolved = (value: string) =>
      value.replace('%d', `/run/credentials/${name}.service`).replace('%S', '/var/lib')
    expect(command).toContain(` --uid ${valuesOf(unit, 'User')[0]} `)
    expect(valuesOf(properties, 'WorkingDirectory')).toEqual(valuesOf(unit, 'WorkingDirectory').map(resolved))
    expect(valuesOf(properties, 'EnvironmentFile')).toEqual(valuesOf(unit, 'EnvironmentFile'))
    expect(valuesOf(properties, 'LoadCredential')).toEqual(valuesOf(dropIn, 'LoadCredential'))
    expect(valuesOf(properties, 'Environment')).toEqual(valuesOf(dropIn, 'Environment').map(resolved))
    expect(command).toEndWith(` ${valuesOf(unit, 'ExecStart')[0]!.split(' ')[0]} admin-keys create\n`)
  })
})

describe('a server that systemd started', () => {
  const place = folder()
  afterAll(() => place.remove())
  // What systemd sets for the process that it starts, and for no other.
  const started = ['sh', '-c', 'SYSTEMD_EXEC_PID=$$ exec "$0" "$@"', ...program]

  test('goes on when it is reloaded and has nothing to read again', async () => {
    const server = await serve(`sqlite:${place.path}/k.db`, [], { program: started })
    server.signal('SIGHUP')
    expect((await fetch(`${server.url}/health`)).status).toBe(200)
    expect(server.printed()).not.toContain('Stopping')
    server.signal('SIGTERM')
    expect(await server.ended).toMatchObject({ code: 0, err: '' })
  })
})

const hasAnalyze = Bun.which('systemd-analyze') !== null
if (!hasAnalyze) console.log('NOT TESTED: the unit with systemd-analyze, because there is none')

describe.skipIf(!hasAnalyze)('systemd-analyze', () => {
  const place = folder()
  afterAll(() => place.remove())

  /**
   * Writes the unit where a program is in the place of /usr/local/bin/keyhall, and runs the command
   * on it.
   */
  const analyze = (more: Record<string, string>, ...args: string[]) => {
    const path = join(place.path, files[0]!)
    const texts = { [files[0]!]: unit.replaceAll('/usr/local/bin/keyhall', process.execPath), ...more }
    for (const [file, text] of Object.entries(texts)) {
      mkdirSync(dirname(join(place.path, file)), { recursive: true })
      writeFileSync(join(place.path, file), text)
    }
    const env = { PATH: process.env.PATH!, SYSTEMD_UNIT_PATH: `${place.path}:` }
    const { exitCode, stdout, stderr } = Bun.spawnSync(['systemd-analyze', ...args, path], { env })
    return { exitCode, out: stdout.toString(), err: stderr.toString() }
  }

  test('finds nothing wrong in the unit, alone and with PostgreSQL', () => {
    for (const more of [{}, { [files[1]!]: dropIn }])
      expect(analyze(more, 'verify', '--man=no')).toEqual({ exitCode: 0, out: '', err: '' })
    const wrong = { [files[1]!]: `${dropIn}ProtectSistem=strict\n` }
    expect(analyze(wrong, 'verify', '--man=no').err).toContain('ProtectSistem')
  })

  test(`rates the unit at most ${MOST_EXPOSED} of 10`, () => {
    const { out, err } = analyze({ [files[1]!]: dropIn }, 'security', '--offline=yes', '--no-pager')
    const [, rating] = /Overall exposure level for keyhall\.service: ([\d.]+)/.exec(out) ?? []
    expect({ rating: Number(rating) <= MOST_EXPOSED, err }).toEqual({ rating: true, err: '' })
  })
})
