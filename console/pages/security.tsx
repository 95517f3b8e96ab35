/** From where the organization may be used, and what model servers may keep of its requests. */
import type { PageProps } from '../pages.ts'
import { Page } from '../parts/page.tsx'
import { Tabs } from '../parts/tabs.tsx'
import { place } from '../place.ts'
import { can } from '../session.ts'
import { OrganizationAllowlists } from './security/organization-allowlists.tsx'
import { OrganizationRetention } from './security/organization-retention.tsx'

export interface SecurityProps {
  mayChange: boolean
}

const sections = {
  addresses: { title: 'IP allow lists', Section: OrganizationAllowlists },
  retention: { title: 'Data retention', Section: OrganizationRetention },
}

const titles = Object.entries(sections).map(([name, { title }]) => ({ name, title }))

export default function Security({ me }: PageProps) {
  const chosen = place.value.query.get('tab') ?? 'addresses'
  const name = Object.hasOwn(sections, chosen) ? (chosen as keyof typeof sections) : 'addresses'
  const { title, Section } = sections[name]
  return (
    <Page title="Security" about="What holds for the whole organization. Projects have settings of their own besides.">
      <Tabs label="Kinds" tabs={titles} chosen={name} />
      <section aria-label={title}>
        <Section key={name} mayChange={can(me, 'api.management.write')} />
      </section>
    </Page>
  )
}
