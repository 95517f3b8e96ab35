/** Which keys are chosen, to be revoked together: also those that other filters do not show. */
import type { Signal } from '@preact/signals'
import type { Selection } from '../../parts/data-table.tsx'
import type { InventoryKey } from './inventory-key.ts'

/** By their ids. */
export type Chosen = Signal<ReadonlyMap<string, InventoryKey>>

export const unchoose = (chosen: Chosen, id: string) =>
  (chosen.value = new Map([...chosen.value].filter(([one]) => one !== id)))

export const selectionIn = (chosen: Chosen): Selection<InventoryKey> => ({
  nameOf: ({ name, redacted_value }) => name || redacted_value,
  has: ({ id }) => chosen.value.has(id),
  set(key, isChosen) {
    if (isChosen) chosen.value = new Map([...chosen.value, [key.id, key]])
    else unchoose(chosen, key.id)
  },
})

interface Props {
  chosen: readonly InventoryKey[]
  onRevoke: (keys: readonly InventoryKey[]) => void
}

export const ChosenKeys = ({ chosen, onRevoke }: Props) => (
  <p class="chosen-keys" role="status">
    {chosen.length === 0 ? 'No key is chosen.' : `${chosen.length} chosen.`}{' '}
    <button type="button" class="danger" disabled={chosen.length === 0} onClick={() => onRevoke(chosen)}>
      Revoke the chosen keys
    </button>
  </p>
)
