/** A project uses and sees the models that its model permissions allow; without any, all. */
import { modelNotPermitted } from '../../contract/limit-errors.ts'
import { maskKeys } from '../../keys/format.ts'
import type { ProjectCaller } from '../caller.ts'
import type { Policy } from './policy.ts'
import { textsIn } from './texts-in.ts'

/** `onRefused` counts. */
export const modelPermissions = (onRefused: () => void): Policy => ({
  name: 'model permissions',
  withoutModel: 'skipped',
  permit(caller, { model }) {
    if (typeof model !== 'string' || allows(caller, model)) return
    onRefused()
    throw modelNotPermitted(caller.project_id, maskKeys(model).slice(0, 128))
  },
  message(caller, text) {
    if (caller.limits.models === null) return
    for (const model of textsIn(text(), 'model')) {
      if (allows(caller, model)) continue
      onRefused()
      throw modelNotPermitted(caller.project_id, maskKeys(model).slice(0, 128))
    }
  },
  showsModel: allows,
})

function allows({ limits: { models } }: ProjectCaller, model: string): boolean {
  if (models === null) return true
  return models.ids.has(model) === (models.mode === 'allow_list')
}
