/** What a call was refused with; a call that succeeds is an error. */
import { APIError } from 'openai'

export async function refusal(call: Promise<unknown>): Promise<APIError> {
  try {
    await call
  } catch (error) {
    if (error instanceof APIError) return error
    throw error
  }
  throw new Error('the call was not refused')
}
