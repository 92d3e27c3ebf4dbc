// How components find the session. Not here: the session itself.

import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Session } from './session.js'

export const SessionContext = createContext<Session | undefined>(undefined)

export function useSession(): Session {
  const session = useContext(SessionContext)
  if (session === undefined) throw new Error('a component outside of the session')
  return session
}
