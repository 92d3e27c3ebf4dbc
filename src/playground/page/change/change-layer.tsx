// What lies over the page while something is changed: the menu of an entry and dialogs, loaded when the first is opened; and the
// question before a page is left with changes. Not here: what they show.

import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useSession } from '../context.js'

/** A component of its own file, loaded once it is wanted. */
function useWanted(wanted: boolean, load: () => Promise<{ readonly default: ComponentType }>) {
  const session = useSession()
  const [loaded, setLoaded] = useState<{ readonly component: ComponentType }>()
  useEffect(() => {
    if (!wanted || loaded !== undefined) return
    void session.attempt(load).then(found => found !== undefined && setLoaded({ component: found.default }))
  }, [wanted, loaded, session])
  return loaded?.component
}

export function ChangeLayer() {
  const session = useSession()
  const { change } = session
  const Menu = useWanted(change.menu.value !== undefined, () => import('../entry-menu.js'))
  const Dialogs = useWanted(change.dialog.value !== undefined, () => import('./dialogs.js'))
  useEffect(() => {
    const stay = (event: BeforeUnloadEvent) => {
      if (change.anything) event.preventDefault()
    }
    addEventListener('beforeunload', stay)
    return () => removeEventListener('beforeunload', stay)
  }, [change])
  return (
    <>
      {Menu !== undefined && <Menu />}
      {Dialogs !== undefined && <Dialogs />}
    </>
  )
}
