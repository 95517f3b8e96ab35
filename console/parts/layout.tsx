/**
 * The frame around every page: navigation by what the person may do, who is signed in, sign-out.
 */
import { useSignal, useSignalEffect } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { hrefOf, place } from '../place.ts'
import { useAction } from '../use-calls.ts'
import { navigation } from '../pages.ts'
import { signOut, type Me } from '../session.ts'
import { Problem } from './problem.tsx'

export function Layout({ me, children }: { me: Me; children: ComponentChildren }) {
  const isOpen = useSignal(false)
  // The menu of narrow screens closes when a page was chosen.
  useSignalEffect(() => {
    if (place.value) isOpen.value = false
  })
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the page
      </a>
      <header class="top">
        <button
          type="button"
          class="menu"
          aria-expanded={isOpen.value}
          aria-controls="sections"
          onClick={() => (isOpen.value = !isOpen.value)}
        >
          Menu
        </button>
        <a class="brand" href={hrefOf('/')}>
          Keyhall
        </a>
        <span class="organization">{me.organization.name}</span>
        <WhoAmI me={me} />
      </header>
      <div class="frame">
        <nav id="sections" aria-label="Sections" class={isOpen.value ? 'open' : ''}>
          <Sections me={me} />
        </nav>
        <main id="main" tabIndex={-1}>
          {children}
        </main>
      </div>
    </>
  )
}

/** A fragment would be taken for a change of the page. */
function skip(event: Event) {
  event.preventDefault()
  document.getElementById('main')!.focus()
}

function Sections({ me }: { me: Me }) {
  const { path } = place.value
  return (
    <ul>
      {navigation(me).map((page) => (
        <li key={page.path}>
          <a
            href={hrefOf(page.path)}
            aria-current={path === page.path || path.startsWith(`${page.path}/`) ? 'page' : undefined}
          >
            {page.name}
          </a>
        </li>
      ))}
    </ul>
  )
}

function WhoAmI({ me: { user } }: { me: Me }) {
  const leave = useAction(signOut)
  return (
    <div class="who">
      <span title={`${user.email}, ${user.role} of the organization`}>
        <span class="visually-hidden">Signed in as </span>
        {user.name || user.email}
      </span>
      <button type="button" onClick={() => void leave.run()} disabled={leave.isRunning}>
        Sign out
      </button>
      <Problem problem={leave.problem} />
    </div>
  )
}
