/** Forms: fields with labels, and what the server refused beside the field that it is about. */
import { createContext, type ComponentChildren, type InputHTMLAttributes } from 'preact'
import { useContext, useId } from 'preact/hooks'
import { useAction } from '../use-calls.ts'
import { paramOf, Problem, sentenceOf } from './problem.tsx'

interface FormProps {
  /** What the button says that sends it. */
  submit: string
  /** Called with what was entered, by the names of the fields; what it throws is shown. */
  onSubmit: (valueOf: (name: string) => string, form: HTMLFormElement) => Promise<unknown>
  /** Further buttons. */
  actions?: ComponentChildren
  /** The button is disabled. */
  isDisabled?: boolean
  children: ComponentChildren
}

interface Refusal {
  problem: unknown
  param: string | null
}

const Refused = createContext<Refusal>({ problem: undefined, param: null })

export function Form({ submit, onSubmit, actions, isDisabled = false, children }: FormProps) {
  const { run, isRunning, problem } = useAction(onSubmit)
  const form = useId()
  const param = paramOf(problem)
  const hasField = param !== null && document.getElementById(form)?.querySelector(`[name="${CSS.escape(param)}"]`)
  return (
    <form
      id={form}
      onSubmit={(event) => {
        event.preventDefault()
        void run(readerOf(event.currentTarget), event.currentTarget)
      }}
    >
      <Refused.Provider value={{ problem, param }}>{children}</Refused.Provider>
      {!hasField && <Problem problem={problem} />}
      <div class="buttons">
        {/* A disabled button would lose the focus. While it runs, nothing is sent a second time. */}
        <button type="submit" class="primary" disabled={isDisabled} aria-disabled={isRunning || undefined}>
          {submit}
        </button>
        {actions}
      </div>
    </form>
  )
}

/** Reads the fields as they are now, without spaces around them. */
function readerOf(form: HTMLFormElement) {
  const values = new FormData(form)
  return (name: string) => {
    const value = values.get(name)
    return typeof value === 'string' ? value.trim() : ''
  }
}

export interface FieldProps {
  label: string
  name: string
  hint?: ComponentChildren
}

interface TextProps extends FieldProps {
  type?: 'text' | 'email' | 'password' | 'number' | 'search' | 'datetime-local'
  required?: boolean
  maxLength?: number
  min?: number
  max?: number
  step?: number
  autocomplete?: string
  placeholder?: string
  value?: string | undefined
  autoFocus?: boolean
}

export function TextField({ label, name, hint, type = 'text', autocomplete = 'off', value, ...others }: TextProps) {
  const { id, describedBy, isWrong, error } = useField(name, hint)
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        name={name}
        spellcheck={false}
        defaultValue={value}
        aria-describedby={describedBy}
        aria-invalid={isWrong || undefined}
        // Preact has a type for each kind of input, and here it can be any of them.
        {...({ type, autocomplete, ...others } as InputHTMLAttributes)}
      />
      <Notes id={id} hint={hint} error={error} />
    </div>
  )
}

interface AreaProps extends FieldProps {
  value?: string
  rows?: number
}

export function TextArea({ label, name, hint, value, rows = 6 }: AreaProps) {
  const { id, describedBy, isWrong, error } = useField(name, hint)
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        name={name}
        rows={rows}
        spellcheck={false}
        defaultValue={value}
        aria-describedby={describedBy}
        aria-invalid={isWrong || undefined}
      />
      <Notes id={id} hint={hint} error={error} />
    </div>
  )
}

interface SelectProps extends FieldProps {
  options: readonly { value: string; label: string }[]
  value?: string
  required?: boolean
  onChange?: (value: string) => void
}

export function SelectField({ label, name, hint, options, value, required, onChange }: SelectProps) {
  const { id, describedBy, isWrong, error } = useField(name, hint)
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        name={name}
        required={required}
        aria-describedby={describedBy}
        aria-invalid={isWrong || undefined}
        onChange={(event) => onChange?.(event.currentTarget.value)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value} selected={option.value === value}>
            {option.label}
          </option>
        ))}
      </select>
      <Notes id={id} hint={hint} error={error} />
    </div>
  )
}

/** What a field of a form is described by, and what the server refused of it. */
export function useField(name: string, hint: ComponentChildren) {
  const id = useId()
  const { problem, param } = useContext(Refused)
  const isWrong = param === name
  const describedBy = [hint && `${id}-hint`, isWrong && `${id}-error`].filter(Boolean).join(' ') || undefined
  return { id, describedBy, isWrong, error: isWrong ? sentenceOf(problem) : null }
}

export const Notes = ({ id, hint, error }: { id: string; hint: ComponentChildren; error: string | null }) => (
  <>
    {hint && (
      <p class="hint" id={`${id}-hint`}>
        {hint}
      </p>
    )}
    {error && (
      <p class="error" id={`${id}-error`} role="alert">
        {error}
      </p>
    )}
  </>
)
