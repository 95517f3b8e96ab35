/**
 * Estimates the usage of a request whose upstream does not report it. Text is counted by the
 * tokenizer, which is exact for the models that it knows; without text, or if the tokenizer cannot
 * run, bytes and events are counted.
 */
import type { Counts } from '../../ledger/usage-counts.ts'
import type { ModelBody } from '../model-body.ts'
import type { AnswerMeter } from './answer-meter.ts'
import { BYTES_PER_TOKEN, type Sizes } from './bound.ts'
import type { Endpoint } from './endpoints.ts'
import { encodingOf, MOST_COUNTED, UNKNOWN_FACTOR, type TokenCounter, type TokenQuestion } from './tokens.ts'

/** Speech is seldom recorded with fewer bytes: 32 kbit/s. */
const USUAL_AUDIO_BYTES = 4000

export interface Unreported {
  endpoint: Endpoint
  body: ModelBody
  model: string
  sizes: Sizes
  answer: AnswerMeter
  /**
   * Whether none of an answer was seen that was not a stream: the client left, or it broke off.
   */
  isUnseen: boolean
}

/** Never more than the request can use at most. */
export function estimate(request: Unreported, tokens: TokenCounter): Counts | Promise<Counts> {
  const { endpoint, sizes } = request
  if (endpoint.unit === 'second')
    return { requests: 1, units: Math.ceil(Math.min(sizes.units ?? Infinity, secondsOf(request.body))) }
  if (endpoint.unit !== null) return { requests: 1, units: sizes.units! }
  const text = request.answer.unreported
  const byBytes = () => counts(request, sizes.estimate - sizes.expected, outputByEvents(request, text.events))
  const question = questionOf(request, text.text)
  if (question === null) return byBytes()
  return tokens.count(question).then((counted) => {
    if (counted === null) return byBytes()
    const factor = encodingOf(request.model) === null ? UNKNOWN_FACTOR : 1
    const prompt = counted.prompt === null ? sizes.estimate - sizes.expected : counted.prompt * factor
    if (counted.answer === null) return counts(request, prompt, outputByEvents(request, text.events))
    const answer = counted.answer * factor * text.factor
    // A server with a smaller vocabulary sends one token in each event.
    return counts(request, prompt, factor === 1 ? answer : Math.max(answer, text.events))
  })
}

const secondsOf = ({ size }: ModelBody) => size / USUAL_AUDIO_BYTES

function counts({ sizes, endpoint }: Unreported, input: number, output: number): Counts {
  return {
    requests: 1,
    input: Math.min(Math.ceil(input), sizes.input ?? Infinity),
    output: endpoint.generates ? Math.min(Math.ceil(output), sizes.output ?? Infinity) : 0,
  }
}

function outputByEvents({ answer, sizes, isUnseen }: Unreported, events: number): number {
  if (isUnseen) return sizes.expected
  return events > 0 ? events : Math.ceil(answer.bytes / BYTES_PER_TOKEN)
}

/** Null where there is no text to count. */
function questionOf({ endpoint, body, model, sizes }: Unreported, answer: string): TokenQuestion | null {
  const { prompt } = endpoint
  const json = prompt && !sizes.isOpaque ? body.member(prompt.member) : undefined
  if (json === undefined && answer === '') return null
  const asked = prompt && json !== undefined ? promptOf(prompt.form, json, body) : null
  return {
    encoding: encodingOf(model) ?? 'o200k_base',
    prompt: asked,
    answer: answer === '' ? null : answer,
    body: null,
  }
}

/** What is longer is not sent whole: the Worker would copy it for nothing. */
function promptOf(form: 'chat' | 'plain', json: string, body: ModelBody): TokenQuestion['prompt'] {
  const kept = json.length > MOST_COUNTED ? json.slice(0, MOST_COUNTED) : json
  return {
    form,
    json: kept,
    length: json.length,
    instructions: (body.member('instructions') ?? body.member('system'))?.slice(0, MOST_COUNTED),
    tools: body.member('tools')?.slice(0, MOST_COUNTED),
  }
}
