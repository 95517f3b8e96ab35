/** The roles of the organization. */
import type { PeopleProps } from '../people.tsx'
import { ofOrganization } from '../roles/role-home.ts'
import { RoleList } from '../roles/role-list.tsx'

export const OrganizationRoles = ({ mayChange }: PeopleProps) => (
  <>
    <p class="about">They hold in the organization and in each of its projects. A project has roles of its own, too.</p>
    <RoleList home={ofOrganization} mayChange={mayChange} seesGroups />
  </>
)
