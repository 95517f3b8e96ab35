/**
 * What the log and the metrics are told of requests and of tries to sign in. It holds no secret.
 */
import type { SignInMethod } from '../contract/sessions.ts'

/** About a request that was answered. */
export interface RequestLine {
  request_id: string
  /** Which part of the server answered. */
  component: 'admin' | 'gateway' | 'verify' | 'probe'
  method: string
  path: string
  operation: string | null
  /** 499 for a client that left before it was answered. */
  status: number
  milliseconds: number
  organization_id: string | null
  /** Of the key that was sent; an admin key belongs to no project. */
  project_id: string | null
  key_id: string | null
  ip_address: string | null
  /** Why a 5xx happened; for the log alone. */
  cause: unknown
  /** The code of the error where storage failed. */
  storage_error: string | null
  /** For a model request: which upstream it was sent to, and how its answer ended. */
  forwarded?: ForwardedLine
}

export interface ForwardedLine {
  /** As the caller wrote it, with keys masked, cut to 128 characters. */
  model: string | null
  /** The name of the upstream that answered, or was asked last. */
  upstream: string | null
  /** The id that the upstream's answer gives itself; null without one. */
  upstream_request_id: string | null
  /** Of other upstreams, or of the same one before: why they did not answer. */
  failed_attempts: string[] | null
  /** Until the head of the upstream's answer arrived; null if it never did. */
  upstream_milliseconds: number | null
  /** How the body ended. */
  ended: 'whole' | 'client left' | 'key revoked' | 'server stopped' | 'upstream stalled' | 'upstream broke off' | null
}

/** Is told of each try to sign in; `unread` is the method of a body that was not read. */
export type CountSignIn = (method: SignInMethod | 'unread', result: 'succeeded' | 'failed' | 'limited') => void
