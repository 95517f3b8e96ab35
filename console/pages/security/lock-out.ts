/** What the server refuses because it would lock out whoever asks for it. */
import { APIError } from '../../../client/index.ts'
import { Refusal, sentenceOf } from '../../parts/problem.tsx'

/**
 * Does something, and throws a sentence where it would lock out whoever asks, unless `isForced`.
 * Whatever else the server refuses is thrown as it is. `onRefused` is called before the sentence.
 */
export async function withoutLockOut(
  act: (force: boolean) => PromiseLike<unknown>,
  { isForced, onRefused }: { isForced: boolean; onRefused: () => void },
) {
  try {
    await act(isForced)
  } catch (problem) {
    if (!(problem instanceof APIError) || problem.code !== 'would_lock_out') throw problem
    onRefused()
    const [first] = sentenceOf(problem).split('. ')
    throw new Refusal(
      `${first}: this page would stop working for you, and only “keyhall ip-allowlists lift” on the host would bring it back. Add your address to a list first, or do it all the same.`,
    )
  }
}
