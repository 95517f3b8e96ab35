/** What takes something away for good asks somebody at a terminal, and nobody else. */
import { describe, expect, test } from 'bun:test'
import { onNetwork, onTerminal } from './network.ts'

const { server, command } = onNetwork()

describe('before a project is archived', () => {
  const newProject = () => server().client.admin.organization.projects.create({ name: 'Asked' })
  const statusOf = async (id: string) => (await server().client.admin.organization.projects.retrieve(id)).status

  /** Archives a project at a terminal where somebody answers. */
  const archive = async (answer: string | null, flags = '') => {
    const { id } = await newProject()
    const questions: string[] = []
    const ask = async (question: string) => {
      questions.push(question)
      return answer
    }
    const { code, err } = await command(`projects archive ${id}${flags}`, { ...onTerminal(), ask })
    return { id, questions, code, err, status: await statusOf(id) }
  }

  test('somebody at a terminal is asked, by its id', async () => {
    const { id, questions, code, status } = await archive('y')
    expect(questions).toEqual([expect.stringMatching(new RegExp(`^projects archive ${id}: .* Go on\\? \\[y/N\\] $`))])
    expect({ code, status }).toEqual({ code: 0, status: 'archived' })
  })

  for (const answer of ['', 'n', 'maybe', null])
    test(`nothing is changed when the answer is ${JSON.stringify(answer)}`, async () => {
      const { code, err, status } = await archive(answer)
      expect({ code, err, status }).toEqual({ code: 1, err: 'keyhall: Nothing was changed.\n', status: 'active' })
    })

  test('nobody is asked with --yes, or in a script', async () => {
    for (const flag of [' --yes', ' -y']) {
      const { questions, code, status } = await archive('n', flag)
      expect({ questions, code, status }).toEqual({ questions: [], code: 0, status: 'archived' })
    }
    const { id } = await newProject()
    expect((await command(`projects archive ${id}`)).code).toBe(0)
    expect(await statusOf(id)).toBe('archived')
  })
})

test('every delete asks, and nothing else does', async () => {
  const asked: string[] = []
  const ask = async (question: string) => {
    asked.push(question)
    return 'n'
  }
  const on = { ...onTerminal(), ask }
  expect((await command('groups delete group_none', on)).code).toBe(1)
  expect((await command('projects users delete --project-id proj_none user-none', on)).code).toBe(1)
  expect((await command('projects list', on)).code).toBe(0)
  expect((await command('groups create --name Unasked', on)).code).toBe(0)
  expect(asked).toEqual([expect.stringMatching(/^groups delete group_none: /), expect.stringMatching(/user-none: /)])
})
