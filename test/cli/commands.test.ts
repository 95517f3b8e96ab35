/** What commands do over the network, and how they refuse. */
import { describe, expect, test } from 'bun:test'
import { newInviteToken } from '../made.ts'
import { run, sentence } from './command.ts'
import { onNetwork } from './network.ts'

const { server, environment, command, json } = onNetwork()

describe('a command over the network', () => {
  test('does what the operation of that name does, with the flags as its values', async () => {
    const project = await json(['projects', 'create', '--name', 'Made by command', '--external-key-id', 'null'])
    expect(project).toMatchObject({ object: 'organization.project', name: 'Made by command', external_key_id: null })
    const account = await json(
      `projects service-accounts create --project-id=${project.id} --name robot --create-service-account-only`,
    )
    expect(account.api_key).toBeNull()
    const key = await json(
      `projects service-accounts api-keys create ${account.id} --project-id ${project.id} --scopes api.model.read,api.model.request --scopes api.files.read --expires-in-seconds 30d`,
    )
    expect(key.expires_at - key.created_at).toBe(30 * 86_400)
    const stored = await json(`projects api-keys retrieve ${key.id} --project-id ${project.id}`)
    expect(stored.owner.service_account.id).toBe(account.id)
    const answer = await command(`projects service-accounts create --project-id ${project.id} --name second -o jsonl`)
    expect(answer.out.trimEnd().split('\n')).toHaveLength(1)
    expect(JSON.parse(answer.out).api_key.value).toStartWith('sk-svcacct-')
    expect(await json(`projects archive ${project.id}`)).toMatchObject({ status: 'archived' })
    expect(await server().events()).toEqual({
      'project.created': 1,
      'service_account.created': 2,
      'api_key.created': 2,
      'project.archived': 1,
    })
  })

  test('says how to get the link of an invite, and accepts one without an admin key', async () => {
    const create = 'invites create --email ann@example.com --role reader --projects [] --field id'
    const made = await command(create, { isErrTerminal: true })
    const id = made.out.trimEnd()
    expect(made.err).toContain(`"keyhall invites link ${id}"`)
    const token = await newInviteToken(server(), id)
    const OPENAI_BASE_URL = environment().OPENAI_BASE_URL!
    const accept = (env: Record<string, string>) =>
      command(`invites accept --token ${token} --name Ann --field email`, { environment: env })
    expect(await accept({ OPENAI_BASE_URL })).toEqual({ code: 0, out: 'ann@example.com\n', err: '' })
    expect((await accept({ OPENAI_BASE_URL })).code).toBe(5)
    await server().events()
  })

  test('lists keys that nobody used, with times in plain words', async () => {
    const { world, owner_id } = server()
    const { ahead } = world
    const project = await json('projects create --name Inventory')
    const create = `projects api-keys create --project-id ${project.id} --user-id ${owner_id}`
    // The command takes its times from its own clock, so the keys come from the past.
    world.ahead = ahead - 100 * 86_400
    const forgotten = await json(`${create} --name forgotten`)
    world.ahead = ahead
    const fresh = await json(`${create} --name fresh --expires-in-seconds 5d`)
    const names = async (flags: string) => (await command(`api-keys list ${flags} --field name`)).out.trim().split('\n')
    const here = `--project-ids ${project.id}`
    expect(await names('--never-used --created-before 90d')).toEqual(['forgotten'])
    expect(await names(`--never-used --created-after 90d ${here}`)).toEqual(['fresh'])
    expect(await names(`--expires-before +6d ${here}`)).toEqual(['fresh'])
    expect(await names(`--expires-before +4d ${here}`)).toEqual([''])
    const changed = async (flags: string) =>
      (await json(`audit-logs list --event-types api_key.created ${here} ${flags}`)).data.map(
        (entry: Record<string, { id: string }>) => entry['api_key.created']!.id,
      )
    expect(await changed('--effective-at-gt 1h')).toEqual([fresh.id])
    expect(await changed('--effective-at-gte 101d --effective-at-lt 99d')).toEqual([forgotten.id])
    await server().events()
  })

  test('works as a process, through the launcher', async () => {
    const ended = await run(['projects', 'retrieve', server().project_id], { env: environment() })
    expect(ended).toMatchObject({ code: 0, err: '' })
    expect(JSON.parse(ended.out).name).toBe('Default project')
  })

  test('ends with an exit code that says what was wrong, and one sentence', async () => {
    const process = (line: string, env = environment()) => run(line.split(' '), { env })
    const missing = await process('projects retrieve proj_nope')
    expect(missing).toMatchObject({ code: 3, out: '' })
    expect(missing.err).toMatch(/^keyhall: The project proj_nope was not found \(request req_[0-9a-f]{32}\)\n$/)
    const wrong = await command('projects list --limit 101')
    expect(wrong.code).toBe(5)
    expect(wrong.err).toContain('(parameter limit, request req_')
    expect((await command('projects list', { environment: { ...environment(), OPENAI_ADMIN_KEY: 'sk-x' } })).code).toBe(
      4,
    )
    const nobody = await process('users list --base-url http://127.0.0.1:1/v1')
    expect(nobody.code).toBe(7)
    expect(nobody.err).toBe(
      'keyhall: No usable answer from http://127.0.0.1:1/v1 (ECONNREFUSED); is the server running there?\n',
    )
    const broken = Bun.serve({
      port: 0,
      fetch: () => new Response('{}', { status: 500, headers: { 'x-should-retry': 'false' } }),
    })
    expect((await command(['users', 'list', '--base-url', `${broken.url}v1`])).code).toBe(6)
    await broken.stop(true)
    const keyless = await process('users list', {})
    expect(keyless.code).toBe(2)
    expect(sentence(keyless)).toStartWith('OPENAI_ADMIN_KEY is not set')
  })

  test('tells an address that does not end in /v1 from a project that does not exist', async () => {
    const root = environment().OPENAI_BASE_URL!.replace(/\/v1$/, '')
    for (const wrong of [root, `${root}/`, `${root}/v1/v1`]) {
      const OPENAI_BASE_URL = wrong
      const { code, err } = await command('projects list', { environment: { ...environment(), OPENAI_BASE_URL } })
      expect({ wrong, code, err }).toEqual({
        wrong,
        code: 2,
        err: `keyhall: OPENAI_BASE_URL must end in /v1, as in http://127.0.0.1:4100/v1, and is ${wrong}.\n`,
      })
      expect((await command(['projects', 'list', '--base-url', wrong])).err).toContain('--base-url must end in /v1')
    }
    expect((await command('projects retrieve proj_none')).code).toBe(3)
    expect((await command(['projects', 'retrieve', 'proj_none', '--base-url', `${root}/v1/`])).code).toBe(3)
    const words = await command('projects list', {
      environment: { ...environment(), OPENAI_BASE_URL: '127.0.0.1:4100' },
    })
    expect(words).toEqual({
      code: 2,
      out: '',
      err: 'keyhall: OPENAI_BASE_URL must be a whole URL, such as http://127.0.0.1:4100/v1, not "127.0.0.1:4100".\n',
    })
  })

  test('says errors as JSON when JSON is asked for by name', async () => {
    const { code, err } = await command('projects retrieve proj_nope --output json')
    expect(code).toBe(3)
    expect(JSON.parse(err)).toEqual({
      error: {
        message: 'The project proj_nope was not found',
        type: 'invalid_request_error',
        param: null,
        code: 'project_not_found',
        status: 404,
        request_id: expect.stringMatching(/^req_/),
      },
    })
  })

  test('refuses values that cannot be meant, before anything is sent', async () => {
    const before = server().log.length
    const says: [line: string, sentence: string][] = [
      ['projects list --limit ten', '--limit must be a whole number, not "ten".'],
      ['projects list --include-archived=maybe', '--include-archived must be true or false, not "maybe".'],
      ['projects create --name x --residency EU_STORAGE', 'did you mean "'],
      ['projects create', '--name is missing: --name TEXT.'],
      ['projects retrieve', '--project-id is missing: --project-id ID.'],
      ['projects retrieve a b', '"b" is one word too many here.'],
      ['projects list a', '"a" is one word too many here.'],
      ['projects create --name a --name b', '--name is given twice.'],
      ['projects create --name', '--name needs a value: --name TEXT.'],
      ['projects list --limt 5', 'There is no flag "--limt" here; did you mean "--limit"?'],
      ['projects create --name x --field ids', '--field must be one of object, id, name,'],
      ['projects list --output xml', '--output must be one of json, jsonl, table, csv, not "xml".'],
      ['admin-api-keys create --name x --expires-in-seconds soon', '--expires-in-seconds must be a lifetime'],
      ['projects lst', 'There is no command "projects lst"; did you mean "projects list"?'],
      ['project list', 'There is no command "project"; did you mean "projects"?'],
      ['nonsense', 'There is no command "nonsense"; "keyhall --help" lists what there is.'],
      ['help projects nonsense', '"keyhall projects --help" lists what there is.'],
      ['invites create --email bad --role reader', '--email must be an e-mail address, not "bad".'],
      ['completion tcsh', 'Completion is there for bash, zsh, fish'],
    ]
    for (const [line, sentence] of says) {
      const { code, out, err } = await command(line)
      expect({ code, out }).toEqual({ code: 2, out: '' })
      expect(err).toContain(sentence)
    }
    expect(server().log.length).toBe(before)
  })
})
