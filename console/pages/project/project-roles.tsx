/** The roles of a project. */
import { useMemo } from 'preact/hooks'
import { can } from '../../session.ts'
import type { SectionProps } from '../project.tsx'
import { ofProject } from '../roles/role-home.ts'
import { RoleList } from '../roles/role-list.tsx'

export function ProjectRoles({ me, project, mayManage }: SectionProps) {
  const seesPeople = can(me, 'api.management.read')
  const home = useMemo(() => ofProject(project, seesPeople), [project, seesPeople])
  return <RoleList home={home} mayChange={mayManage} seesGroups={seesPeople} />
}
