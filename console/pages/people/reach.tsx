/** What a person can reach, and why: the roles in each project and where each comes from. */
import { Problem } from '../../parts/problem.tsx'
import { hrefOf } from '../../place.ts'
import { organization, useAnswer } from '../../use-calls.ts'

type Access = Awaited<ReturnType<typeof organization.users.access.retrieve>>

export function Reach({ access: { user_id, projects } }: { access: Access }) {
  const wide = useAnswer((options) => organization.users.roles.list(user_id, {}, options), [user_id])
  const groups = useAnswer((options) => organization.groups.list({ limit: 1000 }, options), [])
  const names = new Map(groups.answer?.data.map(({ id, name }) => [id, name]))
  return (
    <section aria-labelledby="reach">
      <h2 id="reach">What they can reach</h2>
      <Problem problem={groups.problem} retry={groups.reload} />
      <h3>The organization</h3>
      <Problem problem={wide.problem} retry={wide.reload} />
      {wide.answer && <Roles roles={wide.answer.data} groups={names} none="No role in the organization." />}
      <h3>Projects</h3>
      {projects.length === 0 && <p>No role in any project.</p>}
      {projects.map(({ id, name, role }) => (
        <details key={id}>
          <summary>
            {name}: {role}
          </summary>
          <InProject user_id={user_id} project_id={id} groups={names} />
          <p>
            <a href={hrefOf(`/projects/${id}`)}>Open the project</a>
          </p>
        </details>
      ))}
    </section>
  )
}

type Names = ReadonlyMap<string, string>
type Role = Awaited<ReturnType<typeof organization.users.roles.list>>['data'][number]

function InProject({ user_id, project_id, groups }: { user_id: string; project_id: string; groups: Names }) {
  const { answer, problem, reload } = useAnswer(
    (options) => organization.projects.users.roles.list(user_id, { project_id }, options),
    [user_id, project_id],
  )
  if (!answer) return <Problem problem={problem} retry={reload} />
  return (
    <Roles roles={answer.data} groups={groups} none="No role of its own: an owner of the organization reaches it." />
  )
}

const Roles = ({ roles, groups, none }: { roles: readonly Role[]; groups: Names; none: string }) =>
  roles.length === 0 ? (
    <p>{none}</p>
  ) : (
    <ul>
      {roles.map(({ id, name, assignment_sources }) => (
        <li key={id}>
          {name}, {sourcesOf(assignment_sources, groups)}
        </li>
      ))}
    </ul>
  )

function sourcesOf(sources: Role['assignment_sources'], groups: Names): string {
  if (!sources?.length) return 'held directly'
  const words = sources.map(({ principal_id, principal_type }) =>
    principal_type === 'group' ? `through the group ${groups.get(principal_id) ?? principal_id}` : 'held directly',
  )
  return [...new Set(words)].join(' and ')
}
