/** The people of the organization, the invites that are open, and the groups. */
import type { PageProps } from '../pages.ts'
import { Page } from '../parts/page.tsx'
import { Tabs } from '../parts/tabs.tsx'
import { place } from '../place.ts'
import { can, type Me } from '../session.ts'
import { Groups } from './people/groups.tsx'
import { Invites } from './people/invites.tsx'
import { OrganizationRoles as Roles } from './people/organization-roles.tsx'
import { Members } from './people/organization-members.tsx'

export interface PeopleProps {
  me: Me
  mayChange: boolean
}

const sections = {
  members: { title: 'Members', Section: Members },
  invites: { title: 'Invites', Section: Invites },
  groups: { title: 'Groups', Section: Groups },
  roles: { title: 'Roles', Section: Roles },
}

const titles = Object.entries(sections).map(([name, { title }]) => ({ name, title }))

export default function People({ me }: PageProps) {
  const chosen = place.value.query.get('tab') ?? 'members'
  const name = Object.hasOwn(sections, chosen) ? (chosen as keyof typeof sections) : 'members'
  const { title, Section } = sections[name]
  return (
    <Page title="People" about="Who belongs to the organization, and together with whom.">
      <Tabs label="Kinds" tabs={titles} chosen={name} />
      <section aria-label={title}>
        <Section key={name} me={me} mayChange={can(me, 'api.management.write')} />
      </section>
    </Page>
  )
}
