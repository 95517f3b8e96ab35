/** A value that must not be seen: wherever it is printed by accident, `[redacted]` stands. */
import { inspect } from 'node:util'

export class Secret<Value> {
  readonly #value: Value

  constructor(value: Value) {
    this.#value = value
  }

  /** The value itself, for the one place that needs it. */
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
