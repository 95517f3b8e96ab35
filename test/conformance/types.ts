/**
 * Compiled, never run: for every operation of the contract that OpenAI has too, our result is what
 * the official SDK's types promise, and our method takes what theirs takes. It loops over the tree
 * of the contract, so a new operation is checked without a line here.
 */
import type OpenAI from 'openai'
import type { Method, RequestOptions } from '../../client/index.ts'
import type { contract } from '../../contract/index.ts'
import type { Operation } from '../../contract/kit.ts'

/** What differs, in words that name the operation; the compiler prints them. */
type Differences<Ours, Theirs, Place extends string = ''> = {
  [Name in keyof Ours & string]: Ours[Name] extends { extension: true }
    ? never
    : Ours[Name] extends Operation
      ? Name extends keyof Theirs
        ? | ResultDiffers<Method<Ours[Name]>, Theirs[Name], `${Place}${Name}`>
          | ParametersDiffer<Method<Ours[Name]>, Theirs[Name], `${Place}${Name}`>
        : `${Place}${Name} is not in the SDK`
      : Differences<Ours[Name], Name extends keyof Theirs ? Theirs[Name] : {}, `${Place}${Name}.`>
}[keyof Ours & string]

type ResultDiffers<Ours, Theirs, Place extends string> =
  Result<Ours> extends Data<Result<Theirs>>
    ? Items<Ours> extends Items<Theirs>
      ? never
      : `${Place} cannot be iterated like that of the SDK`
    : `${Place} returns something else`

type ParametersDiffer<Ours, Theirs, Place extends string> = Ours extends (
  ...args: OurOptions<FirstArguments<Theirs>>
) => unknown
  ? never
  : `${Place} does not take the parameters of the SDK`

type Result<Call> = Call extends (...args: any) => infer Answer ? Awaited<Answer> : never
type Items<Call> = Call extends (...args: any) => AsyncIterable<infer Item> ? Item : 'no list'

/** Without methods: classes with private members are only assignable to themselves. */
type Data<Given> = Given extends object
  ? { [Name in keyof Given as Given[Name] extends (...args: any) => any ? never : Name]: Given[Name] }
  : Given

/**
 * Of the first overload, where there are two: the second one takes options in the place of
 * parameters.
 */
type FirstArguments<Call> = Call extends { (...args: infer First): any; (...args: any): any }
  ? First
  : Call extends (...args: infer Only) => any
    ? Only
    : never

/** Ours are fewer: the SDK's also choose other transports and other methods. */
type OurOptions<Arguments extends unknown[]> = {
  [Place in keyof Arguments]: SameMembers<NonNullable<Arguments[Place]>, OpenAI.RequestOptions> extends true
    ? RequestOptions | undefined
    : Arguments[Place]
}

type SameMembers<One, Other> = [keyof One, keyof Other] extends [keyof Other, keyof One] ? true : false

type None<Found extends never> = Found

export type Conforming = None<Differences<typeof contract.admin, OpenAI['admin']>>

/** The options that both have mean the same. */
export const options = (
  theirs: Pick<OpenAI.RequestOptions, 'timeout' | 'maxRetries' | 'signal' | 'query'>,
): RequestOptions => theirs
