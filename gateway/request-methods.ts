/** The methods of model requests: which are forwarded, which have a body, which may be repeated. */

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

/** Changes nothing, so it may run twice, and needs the permission to read. */
export const isRead = (method: string) => method === 'GET' || method === 'HEAD'

/**
 * Whether the body is read and forwarded, and its model and its use count. That of a DELETE has no
 * meaning (RFC 9110, 9.3.5).
 */
export const hasBody = (method: string) => method === 'POST' || method === 'PUT' || method === 'PATCH'
