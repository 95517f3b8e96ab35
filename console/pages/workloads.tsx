/**
 * Programs without keys: the issuers whose tokens they may exchange, and the certificates that
 * requests must show.
 */
import type { PageProps } from '../pages.ts'
import { Page } from '../parts/page.tsx'
import { Tabs } from '../parts/tabs.tsx'
import { place } from '../place.ts'
import { can, type Me } from '../session.ts'
import { Certificates } from './workloads/certificate-list.tsx'
import { Providers } from './workloads/providers.tsx'

export interface WorkloadsProps {
  me: Me
  mayChange: boolean
}

const sections = {
  providers: { title: 'Identity providers', Section: Providers },
  certificates: { title: 'Certificates', Section: Certificates },
}

const titles = Object.entries(sections).map(([name, { title }]) => ({ name, title }))

export default function Workloads({ me }: PageProps) {
  const chosen = place.value.query.get('tab') ?? 'providers'
  const name = Object.hasOwn(sections, chosen) ? (chosen as keyof typeof sections) : 'providers'
  const { title, Section } = sections[name]
  return (
    <Page title="Workloads" about="Pods, CI jobs and other programs that call models without a key of their own.">
      <Tabs label="Kinds" tabs={titles} chosen={name} />
      <section aria-label={title}>
        <Section key={name} me={me} mayChange={can(me, 'api.management.write')} />
      </section>
    </Page>
  )
}
