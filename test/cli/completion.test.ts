/** Completion as somebody has it who presses the tab key, in the real shells. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { program } from '../program.ts'
import { folder } from './command.ts'
import { inProcess } from './terminal.ts'

// A shell starts for each question, zsh with a terminal of its own.
setDefaultTimeout(120_000)

const place = folder()
afterAll(place.remove)

interface Shell {
  name: 'bash' | 'zsh' | 'fish'
  /**
   * What stands on the command line's end and is being completed is the last word; answers what is
   * offered for it.
   */
  offered: (words: string[]) => string[]
}

const run = (program: string[], env = {}) =>
  Bun.spawnSync(program, {
    cwd: place.path,
    env: { PATH: process.env.PATH, HOME: place.path, TERM: 'xterm', LC_ALL: 'C.UTF-8', ...env },
    stdin: 'ignore',
  }).stdout.toString()

const script = (shell: string) => join(place.path, `completion.${shell}`)

const bash: Shell = {
  name: 'bash',
  offered(words) {
    // As readline does it, the equals sign is a word of its own.
    const split = words.flatMap((word) => word.split(/(?<=^--[a-z-]+)(=)/).filter(Boolean))
    const line = split.map((word) => `'${word}'`).join(' ')
    const asked = `. '${script('bash')}'; COMP_WORDS=(keyhall ${line}${words.at(-1) === '' ? " ''" : ''}); COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); _keyhall; printf '%s\\n' "\${COMPREPLY[@]}"`
    return run(['bash', '-c', asked]).split('\n').filter(Boolean)
  },
}

const fish: Shell = {
  name: 'fish',
  offered: (words) =>
    run(['fish', '-c', `source '${script('fish')}'; complete -C "keyhall ${words.join(' ')}"`])
      .split('\n')
      .filter(Boolean)
      // Behind a tab stands the description; of --flag=value the whole word is offered.
      .map((line) => line.split('\t')[0]!.replace(/^--[a-z-]+=/, '')),
}

const zsh: Shell = {
  name: 'zsh',
  // An interactive zsh in a terminal of another: it is sent the line and the key that lists what
  // can follow.
  offered(words) {
    const asked = `
zmodload zsh/zpty
zpty inner zsh -f -i
read_until() { local out line; while zpty -r inner line; do out+=$line; [[ $out == *$1* ]] && break; done; REPLY=$out }
zpty -w inner "PS1= RPS1=; autoload -Uz compinit; compinit -u -D; . '${script('zsh')}'; stty columns 4000 -echo; zstyle ':completion:*' list-colors ''; zstyle ':completion:*' verbose no; LISTMAX=10000; unsetopt zle_bracketed_paste; show() { compadd() { builtin compadd -O offered \\"\\$@\\"; print -rl -- \\$offered >> offered.txt; return 0 }; _keyhall; unfunction compadd; print 'that''s all' >> done.txt }; zle -C show complete-word show; bindkey '^X' show; print -r READY-\${:-NOW}"
read_until READY-NOW
zpty -w -n inner $'keyhall ${words.join(' ')}\\C-x'
for i in {1..600}; do [[ -e done.txt ]] && break; sleep 0.1; done
cat offered.txt; rm -f offered.txt done.txt
zpty -d inner`
    // _files asks for the same names more than once.
    return [...new Set(run(['zsh', '-f', '-c', asked]).split('\n').filter(Boolean))]
  },
}

for (const { name, offered } of [bash, fish, zsh]) {
  const isMissing = !Bun.which(name)
  if (isMissing) console.log(`NOT TESTED: completion in ${name}, which is not installed`)
  describe.skipIf(isMissing)(`completion in ${name}`, () => {
    beforeAll(async () => {
      writeFileSync(script(name), (await inProcess(`completion ${name}`)).out)
      writeFileSync(join(place.path, 'keyhall.yaml'), '')
    })

    test('offers commands, at each level and behind "help"', () => {
      expect(offered(['pro'])).toContain('projects')
      expect(offered(['projects', 'api-keys', 'l'])).toContain('list')
      expect(offered(['help', 'projects', ''])).toEqual(expect.arrayContaining(['api-keys', 'archive']))
      expect(offered(['completion', ''])).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']))
    })

    test('offers flags', () => {
      expect(offered(['serve', '--da'])).toContain('--database')
      expect(offered(['projects', 'api-keys', 'list', '--owner'])).toContain('--owner-project-access')
    })

    test('offers the values of a flag, and nothing else', () => {
      expect(offered(['projects', 'list', '--output', '']).toSorted()).toEqual(['csv', 'json', 'jsonl', 'table'])
      expect(offered(['projects', 'api-keys', 'list', '--owner-project-access', 'in'])).toEqual(['inactive'])
      expect(offered(['api-keys', 'list', '--order-by=ex'])).toEqual(['expires_at'])
    })

    test('offers files where a file is meant', () => {
      expect(offered(['serve', '--config', 'keyh'])).toEqual(['keyhall.yaml'])
      expect(offered(['config', 'check', 'keyh'])).toEqual(['keyhall.yaml'])
    })
  })
}

test('a script comes whole to a reader that begins when the pipe is full', () => {
  const printed = (reader: string) => run(['bash', '-c', `'${program.join("' '")}' completion bash | ${reader}`])
  const whole = printed('cat')
  expect(whole.length).toBeGreaterThan(64 * 1024)
  expect(whole).toEndWith('complete -F _keyhall keyhall\n')
  expect(printed('(sleep 0.3; cat)')).toBe(whole)
})
