/** Asks before a role is taken from somebody who holds it directly. */
import { Confirm } from '../../parts/dialog.tsx'
import type { Given, Role, RoleHome } from './role-home.ts'

interface Props {
  home: RoleHome
  role: Pick<Role, 'id' | 'name'>
  holder: Given
  /** What the holder is called. */
  name: string | null | undefined
  onTaken: () => void
  onClose: () => void
}

export const TakeRole = ({ home, role, holder, name, onTaken, onClose }: Props) => (
  <Confirm
    title="Take the role?"
    action="Take it"
    onClose={onClose}
    onConfirm={async () => {
      await home.take(role.id, holder)
      onTaken()
    }}
  >
    <p>
      <strong>{name}</strong> loses the role {role.name} in {home.name} at once
      {holder.type === 'group' ? '' : ', unless they hold it through a group, too'}. Keys that need it stop working.
    </p>
  </Confirm>
)
