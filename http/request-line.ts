/** What is said of each answered request to whoever keeps the log or counts. Never a secret. */
export interface RequestLine {
  request_id: string
  /** Which part of the server answered. */
  half: 'admin' | 'gateway' | 'verify'
  method: string
  path: string
  operation: string | null
  status: number
  milliseconds: number
  organization_id: string | null
  /** Of the key that asked; the administration's keys belong to none. */
  project_id: string | null
  key_id: string | null
  ip_address: string | null
  /** Why a 5xx happened; for the log alone. */
  cause: unknown
  /** For a model request: what became of it at the upstream. */
  forwarded?: ForwardedLine
}

export interface ForwardedLine {
  /** As the caller wrote it, with keys masked, cut to 128 characters. */
  model: string | null
  /** The name of the upstream that answered, or was asked last. */
  upstream: string | null
  /** Until the head of the upstream's answer was here; null if it never came. */
  upstream_milliseconds: number | null
  /** How the body ended. */
  ended: 'whole' | 'client left' | 'upstream stalled' | 'upstream broke off' | null
}
