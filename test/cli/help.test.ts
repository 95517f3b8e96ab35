/** What the command line says of itself; none of it needs a server. */
import { describe, expect, test } from 'bun:test'
import { commands } from '../../cli/commands.ts'
import { localCommands } from '../../cli/local-commands.ts'
import { remoteFlags } from '../../cli/remote-flags.ts'
import { operationFlags } from '../../cli/operation-flags.ts'
import { inProcess as command } from './terminal.ts'

describe('help', () => {
  test('is there at each level, and names every flag and extension', async () => {
    const overview = (await command('--help')).out
    for (const { path } of localCommands) expect(overview).toContain(path.join(' '))
    for (const code of '01234567') expect(overview).toMatch(new RegExp(`^  ${code}  `, 'm'))
    for (const { path, operation } of commands) {
      for (let depth = 1; depth < path.length; depth++)
        expect((await command(['help', ...path.slice(0, depth)])).out).toContain(path[depth]!)
      const { code, out } = await command([...path, '--help'])
      expect(code).toBe(0)
      expect(out.includes('A Keyhall extension')).toBe(operation.extension)
      for (const { name } of operationFlags(operation)) expect(out).toContain(`--${name}`)
      for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(120)
    }
  })

  test('of the server has every setting with its variable and default', async () => {
    const { out } = await command('serve --help')
    for (const part of ['--database ADDRESS', 'KEYHALL_TRUSTED_PROXIES', 'default: 4100', 'KEYHALL_ADMIN_KEY'])
      expect(out).toContain(part)
  })

  test('stands in for a command that is not complete, as a mistake', async () => {
    const { code, out, err } = await command('projects api-keys')
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toStartWith('Usage: keyhall projects api-keys <command>')
  })
})

test('no flag of an operation hides a flag of the command line', () => {
  for (const command of commands) {
    const { path, operation } = command
    const names = [...operationFlags(operation), ...remoteFlags(command)].map(({ name }) => name)
    expect([path, names.length]).toEqual([path, new Set([...names, 'help']).size - 1])
  }
})

test('completion has help, as every command', async () => {
  for (const line of ['completion --help', 'help completion', 'completion bash -h']) {
    const { code, out } = await command(line)
    expect({ line, code }).toEqual({ line, code: 0 })
    expect(out).toContain('Usage: keyhall completion bash|zsh|fish')
  }
})

test('flags say what they mean in the words of the command line', async () => {
  const { out } = await command('api-keys list --help')
  expect(out).not.toContain('Unix time in seconds.')
  expect(out.replace(/\s+/g, ' ')).toContain(
    'Only keys created before this time. (a date, Unix seconds, 30d for 30 days ago',
  )
  expect(out.replace(/\s+/g, ' ')).toMatch(/--never-used .*?\(=false for the opposite\)/)
  expect((await command('projects api-keys create --help')).out).toContain('How long until the key expires.')
})
