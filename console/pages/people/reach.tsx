/**
 * What a person can reach, and why: the roles in the organization and in each project, where each
 * comes from, and how more are given and those that are held directly are taken.
 */
import { useSignal } from '@preact/signals'
import { Problem } from '../../parts/problem.tsx'
import { hrefOf } from '../../place.ts'
import { organization, useAnswer } from '../../use-calls.ts'
import { ofOrganization, ofProject, type RoleHome } from '../roles/role-home.ts'
import { TakeRole } from '../roles/take-role.tsx'
import { GiveRole } from './give-role.tsx'

type Access = Awaited<ReturnType<typeof organization.users.access.retrieve>>

interface Props {
  access: Access
  /** What the person is called. */
  name: string
  mayChange: boolean
  onChanged: () => void
}

export function Reach({ access, name, mayChange, onChanged }: Props) {
  const groups = useAnswer((options) => organization.groups.list({ limit: 1000 }, options), [])
  const isGiving = useSignal(false)
  const names = new Map(groups.answer?.data.map(({ id, name }) => [id, name]))
  const held = { access, name, groups: names, mayChange, onChanged }
  return (
    <section aria-labelledby="reach">
      <h2 id="reach">What they can reach</h2>
      {mayChange && (
        <p>
          <button type="button" onClick={() => (isGiving.value = true)}>
            Give a role
          </button>
        </p>
      )}
      <Problem problem={groups.problem} retry={groups.reload} />
      <h3>The organization</h3>
      <Roles home={ofOrganization} none="No role in the organization." {...held} />
      <h3>Projects</h3>
      {access.projects.length === 0 && <p>No role in any project.</p>}
      {access.projects.map((project) => (
        <details key={project.id}>
          <summary>
            {project.name}: {project.role}
          </summary>
          <Roles
            home={ofProject(project, true)}
            none="No role of its own: an owner of the organization reaches it."
            {...held}
          />
          <p>
            <a href={hrefOf(`/projects/${project.id}`)}>Open the project</a>
          </p>
        </details>
      ))}
      {isGiving.value && (
        <GiveRole person={{ id: access.user_id, name }} onGiven={onChanged} onClose={() => (isGiving.value = false)} />
      )}
    </section>
  )
}

type Names = ReadonlyMap<string, string>
type Role = Awaited<ReturnType<RoleHome['heldBy']>>['data'][number]

interface RolesProps extends Props {
  home: RoleHome
  /** What is said where there is no role. */
  none: string
  groups: Names
}

/** They are asked for again with each answer about what the person can reach. */
function Roles({ home, none, access, name, groups, mayChange, onChanged }: RolesProps) {
  const { user_id } = access
  const { answer, problem, reload } = useAnswer((options) => home.heldBy(user_id, options), [home.key, access])
  const taking = useSignal<Role | null>(null)
  return (
    <>
      <Problem problem={problem} retry={reload} />
      {answer?.data.length === 0 && <p>{none}</p>}
      {answer && answer.data.length > 0 && (
        <ul>
          {answer.data.map((role) => (
            <li key={role.id}>
              {role.name}, {sourcesOf(role, groups)}{' '}
              {mayChange && isDirect(role) && (
                <TakeButton of={role} home={home} onClick={() => (taking.value = role)} />
              )}
            </li>
          ))}
        </ul>
      )}
      {taking.value && (
        <TakeRole
          home={home}
          role={taking.value}
          holder={{ type: 'user', id: user_id }}
          name={name}
          onTaken={onChanged}
          onClose={() => (taking.value = null)}
        />
      )}
    </>
  )
}

const TakeButton = ({ of, home, onClick }: { of: Role; home: RoleHome; onClick: () => void }) => (
  <button type="button" onClick={onClick}>
    Take it{' '}
    <span class="visually-hidden">
      away: {of.name} in {home.name}
    </span>
  </button>
)

/** A role that is held only through groups is taken from them. */
const isDirect = ({ assignment_sources }: Role) =>
  !assignment_sources?.length || assignment_sources.some(({ principal_type }) => principal_type !== 'group')

function sourcesOf({ assignment_sources: sources }: Role, groups: Names): string {
  if (!sources?.length) return 'held directly'
  const words = sources.map(({ principal_id, principal_type }) =>
    principal_type === 'group' ? `through the group ${groups.get(principal_id) ?? principal_id}` : 'held directly',
  )
  return [...new Set(words)].join(' and ')
}
