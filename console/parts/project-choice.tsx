/**
 * A choice of one project among any number of them: what somebody types is looked for in the names
 * of projects. It is an editable combobox with a list, as the ARIA Authoring Practices describe it.
 */
import { useId, useLayoutEffect, useRef } from 'preact/hooks'
import { ChoiceList } from './choice-list.tsx'
import { Notes, useField, type FieldProps } from './form.tsx'
import { useCombobox, type Choosing } from './use-combobox.ts'

export function ProjectChoice({ label, name, hint, ...choosing }: FieldProps & Choosing) {
  const field = useField(name, hint)
  const list = useId()
  const { project_id, text, isUndecided, isOpen, active, options, search, ...box } = useCombobox(choosing)
  const isListed = isOpen && options.length > 0
  return (
    <div class="field">
      <label for={field.id}>{label}</label>
      <input type="hidden" name={name} value={project_id} />
      <div class="choice">
        <input
          ref={useValidity(isUndecided || (choosing.none === undefined && project_id === ''))}
          id={field.id}
          type="text"
          role="combobox"
          autocomplete="off"
          spellcheck={false}
          maxLength={255}
          placeholder={choosing.none ?? 'Type a part of the name'}
          aria-autocomplete="list"
          aria-expanded={isListed}
          aria-controls={isListed ? list : undefined}
          aria-activedescendant={isListed && active >= 0 ? `${list}-${active}` : undefined}
          aria-describedby={field.describedBy}
          aria-invalid={field.isWrong || undefined}
          value={text}
          onInput={({ currentTarget }) => box.type(currentTarget.value)}
          onFocus={({ currentTarget }) => currentTarget.select()}
          onClick={box.open}
          onBlur={box.leave}
          onKeyDown={box.press}
        />
        {isOpen && (
          <ChoiceList
            id={list}
            options={options}
            active={active}
            chosen={project_id}
            search={search}
            onChoose={box.choose}
          />
        )}
      </div>
      <Notes id={field.id} hint={hint} error={field.error} />
    </div>
  )
}

/** The browser sends no form in which a project is missing, or half typed. */
function useValidity(isMissing: boolean) {
  const input = useRef<HTMLInputElement>(null)
  useLayoutEffect(
    () => input.current!.setCustomValidity(isMissing ? 'Choose a project from the list.' : ''),
    [isMissing],
  )
  return input
}
