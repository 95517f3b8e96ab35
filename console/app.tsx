/** What the console shows: the page that the address names, or the way in. */
import { useSignalEffect } from '@preact/signals'
import { hrefOf, navigate, place } from './place.ts'
import { findPage, navigation } from './pages.ts'
import { Layout } from './parts/layout.tsx'
import { Loaded } from './parts/loaded.tsx'
import { Page } from './parts/page.tsx'
import { Problem } from './parts/problem.tsx'
import { SignIn } from './parts/sign-in.tsx'
import { linkToken, loadMe, loadProblem, me, type Me } from './session.ts'

export function App() {
  if (loadProblem.value !== undefined)
    return (
      <main class="alone">
        <h1>Keyhall</h1>
        <Problem problem={loadProblem.value} retry={() => void loadMe()} />
      </main>
    )
  if (me.value === undefined) return null
  // Whoever is signed in may open a link to become somebody else.
  if (me.value === null || linkToken.value !== null) return <SignIn />
  return (
    <Layout me={me.value}>
      <Current me={me.value} />
    </Layout>
  )
}

/** Addresses that lead to the first page of whoever is signed in. */
const isStart = (path: string) => path === '/' || path === '/sign-in'

function Current({ me }: { me: Me }) {
  const { path } = place.value
  useSignalEffect(() => {
    if (isStart(place.value.path)) navigate(navigation(me)[0]!.path, { replace: true })
  })
  if (isStart(path)) return null
  const found = findPage(path)
  if (!found)
    return (
      <Page title="There is no such page">
        <p>
          Nothing is at this address. <a href={hrefOf(navigation(me)[0]!.path)}>Go to {navigation(me)[0]!.name}</a>.
        </p>
      </Page>
    )
  const { page, params } = found
  // Another page, or the same page about something else, begins anew.
  return (
    <Loaded
      key={`${page.path} ${Object.values(params).join(' ')}`}
      load={page.load}
      props={{ me, params }}
      around={(told) => <Page title="The page could not be loaded">{told}</Page>}
    />
  )
}
