/** What the command line says of itself; none of it needs a server. */
import { describe, expect, test } from 'bun:test'
import { commands } from '../../cli/commands.ts'
import { handmade } from '../../cli/handmade.ts'
import { networkFlags } from '../../cli/network-flags.ts'
import { operationFlags } from '../../cli/operation-flags.ts'
import { inProcess as command } from './terminal.ts'

describe('help', () => {
  test('is there at each level, and names every flag and extension', async () => {
    const overview = (await command('--help')).out
    for (const { path } of handmade) expect(overview).toContain(path.join(' '))
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
  for (const { path, operation } of commands) {
    const names = [...operationFlags(operation), ...networkFlags(true)].map(({ name }) => name)
    expect([path, names.length]).toEqual([path, new Set([...names, 'help']).size - 1])
  }
})

test('completion in bash offers what the contract has', async () => {
  const { out } = await command('completion bash')
  const complete = (words: string[]) => {
    const line = words.map((word) => `'${word}'`).join(' ')
    const script = `${out}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _keyhall; echo "\${COMPREPLY[*]}"`
    return Bun.spawnSync(['bash', '-c', script]).stdout.toString().trim().split(' ')
  }
  expect(complete(['keyhall', 'pro'])).toEqual(['projects'])
  expect(complete(['keyhall', 'projects', 'api-keys', 'l'])).toEqual(['list'])
  expect(complete(['keyhall', 'projects', 'api-keys', 'list', '--owner'])).toEqual(['--owner-project-access'])
  expect(complete(['keyhall', 'serve', '--da'])).toEqual(['--database'])
})
