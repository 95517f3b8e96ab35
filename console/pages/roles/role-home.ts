/** Where roles are held, the organization or a project, and the calls for each. */
import type { RequestOptions } from '../../../client/index.ts'
import { Refusal } from '../../parts/problem.tsx'
import { organization } from '../../use-calls.ts'

const { projects } = organization

export type Role = Awaited<ReturnType<typeof organization.roles.list>>['data'][number]
export type Holder = Awaited<ReturnType<typeof organization.roles.holders.list>>['data'][number]

interface RoleBody {
  role_name: string
  description: string | null
  permissions: string[]
}

/** Who gets a role, or has it. */
export type Given = Pick<Holder, 'id' | 'type'>

export interface RoleHome {
  /** In a sentence, behind “in”. */
  name: string
  key: string
  list: (options: RequestOptions) => ReturnType<typeof organization.roles.list>
  /** The roles that a person holds, with where each comes from. */
  heldBy: (user_id: string, options: RequestOptions) => ReturnType<typeof organization.users.roles.list>
  holders: (role_id: string, options: RequestOptions) => ReturnType<typeof organization.roles.holders.list>
  create: (body: RoleBody) => PromiseLike<unknown>
  update: (role_id: string, body: RoleBody) => PromiseLike<unknown>
  delete: (role_id: string) => PromiseLike<unknown>
  give: (role_id: string, to: Given) => PromiseLike<unknown>
  take: (role_id: string, from: Given) => PromiseLike<unknown>
  /** The id of somebody who can get a role. Throws a sentence if nobody has the address. */
  findPerson: (email: string) => Promise<string>
}

const most = { limit: 1000 }

export const ofOrganization: RoleHome = {
  name: 'the organization',
  key: '',
  list: (options) => organization.roles.list(most, options),
  heldBy: (user_id, options) => organization.users.roles.list(user_id, most, options),
  holders: (role_id, options) => organization.roles.holders.list(role_id, {}, options),
  create: (body) => organization.roles.create(body),
  update: (role_id, body) => organization.roles.update(role_id, body),
  delete: (role_id) => organization.roles.delete(role_id),
  give: (role_id, { id, type }) =>
    (type === 'group' ? organization.groups : organization.users).roles.create(id, { role_id }),
  take: (role_id, { id, type }) =>
    type === 'group'
      ? organization.groups.roles.delete(role_id, { group_id: id })
      : organization.users.roles.delete(role_id, { user_id: id }),
  findPerson: personByEmail,
}

/** `seesPeople` says whether the caller may list the people of the organization. */
export const ofProject = (project: { id: string; name: string }, seesPeople: boolean): RoleHome => {
  const { id: project_id, name } = project
  return {
    name,
    key: project_id,
    list: (options) => projects.roles.list(project_id, most, options),
    heldBy: (user_id, options) => projects.users.roles.list(user_id, { project_id, ...most }, options),
    holders: (role_id, options) => projects.roles.holders.list(role_id, { project_id }, options),
    create: (body) => projects.roles.create(project_id, body),
    update: (role_id, body) => projects.roles.update(role_id, { project_id, ...body }),
    delete: (role_id) => projects.roles.delete(role_id, { project_id }),
    give: (role_id, { id, type }) =>
      (type === 'group' ? projects.groups : projects.users).roles.create(id, { project_id, role_id }),
    take: (role_id, { id, type }) =>
      type === 'group'
        ? projects.groups.roles.delete(role_id, { project_id, group_id: id })
        : projects.users.roles.delete(role_id, { project_id, user_id: id }),
    findPerson: (email) => (seesPeople ? personByEmail(email) : memberByEmail(project_id, email)),
  }
}

/** The id of the person with an address. Throws a sentence if nobody has it. */
export async function personByEmail(email: string): Promise<string> {
  const { data } = await organization.users.list({ emails: [email], limit: 1 })
  if (!data[0]) throw new Refusal(`Nobody in the organization has the address ${email}.`)
  return data[0].id
}

async function memberByEmail(project_id: string, email: string): Promise<string> {
  for await (const member of projects.users.list(project_id, { limit: 100 }))
    if (member.email?.toLowerCase() === email.toLowerCase()) return member.id
  throw new Refusal(`Nobody in the project has the address ${email}. Add them under “Members” first.`)
}
