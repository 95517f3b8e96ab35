/**
 * Compiled, never run: the audit events are those of the official SDK, and their payloads have its
 * members and no others.
 */
import type OpenAI from 'openai'
import type { AuditEventType } from '../../contract/audit-event-types.ts'
import type { AuditEvent, AuditPayload } from '../../contract/audit-events.ts'

type Entry = OpenAI.Admin.Organization.AuditLogListResponse

type Differing<Event extends AuditEvent, Ours> = Event extends `tenant.${string}`
  ? never // Of these the SDK knows the names only.
  : Event extends keyof Entry
    ? unknown extends Entry[Event]
      ? never // It gives no type to these.
      : Ours extends NonNullable<Entry[Event]>
        ? Unknown<Event, Ours, NonNullable<Entry[Event]>>
        : `${Event} has another type`
    : `${Event} has no payload in the SDK`

/** Members that the SDK's type does not have, in the payload itself or one level below. */
type Unknown<Place extends string, Ours, Theirs> =
  | `${Place}.${Exclude<keyof Ours & string, keyof Theirs>} is not in the SDK`
  | {
      [Name in keyof Ours & keyof Theirs & ('data' | 'changes_requested')]: `${Place}.${Name}.${Exclude<
        keyof Ours[Name] & string,
        keyof NonNullable<Theirs[Name]>
      >} is not in the SDK`
    }[keyof Ours & keyof Theirs & ('data' | 'changes_requested')]

type None<Found extends never> = Found

/** What one side has and the other lacks is named by the compiler. */
export type Conforming = [
  None<Exclude<Entry['type'], AuditEventType>>,
  None<Exclude<AuditEventType, Entry['type']>>,
  None<{ [Event in AuditEvent]: Differing<Event, AuditPayload<Event>> }[AuditEvent]>,
]
