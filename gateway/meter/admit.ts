/** Asks the ledger to admit a request, and says its refusals in the words of the API. */
import { limitsUnreachable } from '../../contract/limit-errors.ts'
import type { Admission } from '../../ledger/admission.ts'
import type { Ask } from '../../ledger/ask.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { LedgerUnavailable, LimitsChanged, RateLimited, SpendLimited } from '../../ledger/refusals.ts'
import type { ProjectCaller } from '../caller.ts'
import type { PolicyRequest, Reservation } from '../policies/policy.ts'
import { rateLimitError, spendLimitError } from './limit-refusals.ts'
import type { LimitRefusals } from './refusal-counts.ts'

export interface Admitting {
  ledger: Ledger
  refusals: LimitRefusals
}

export interface Wish {
  /** What is asked for; limits are those of the caller as it is at that moment. */
  ask: (caller: ProjectCaller) => Ask
  reservation: (admission: Admission, caller: ProjectCaller) => Reservation
  /** A smaller wish, for one that a spend limit refuses; null where there is none. */
  smaller?: () => Promise<Wish | null>
}

/** Throws ApiError. Limits that changed meanwhile are read again. */
export function admit(
  context: Admitting,
  request: PolicyRequest,
  wish: Wish,
  caller = request.caller,
): Reservation | Promise<Reservation> {
  try {
    const admission = context.ledger.admit(wish.ask(caller))
    if (!(admission instanceof Promise)) return wish.reservation(admission, caller)
    return admission.then(
      (admitted) => wish.reservation(admitted, caller),
      (error: unknown) => refused(context, request, wish, caller, error),
    )
  } catch (error) {
    return refused(context, request, wish, caller, error)
  }
}

async function refused(
  context: Admitting,
  request: PolicyRequest,
  wish: Wish,
  caller: ProjectCaller,
  error: unknown,
): Promise<Reservation> {
  if (error instanceof LimitsChanged) return admit(context, request, wish, await request.readCallerAgain())
  if (error instanceof SpendLimited && wish.smaller) {
    const smaller = await wish.smaller()
    if (smaller) return admit(context, request, smaller, caller)
  }
  const { model } = request
  context.refusals.count(error)
  if (error instanceof RateLimited) throw rateLimitError(error, model ?? '', caller.organization_id)
  if (error instanceof SpendLimited) throw spendLimitError(error)
  if (error instanceof LedgerUnavailable) throw limitsUnreachable(error.cause ?? error)
  throw error
}
