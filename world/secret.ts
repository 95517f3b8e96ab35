/** A value that must not be printed: `[redacted]` is printed instead. */
import { inspect } from 'node:util'

export class Secret<Value> {
  readonly #value: Value

  constructor(value: Value) {
    this.#value = value
  }

  /** The value itself. */
  reveal(): Value {
    return this.#value
  }

  toString() {
    return '[redacted]'
  }

  toJSON() {
    return '[redacted]'
  }

  [inspect.custom]() {
    return '[redacted]'
  }
}
