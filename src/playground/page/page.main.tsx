// The page's start: the worker, the session, and what is drawn of them. Not here: anything that is drawn.

import { render } from 'preact'
import { App } from './app.js'
import { SessionContext } from './context.js'
import { startEngine } from './engine.js'
import { workOffline } from './offline.js'
import { openWanted } from './opening.js'
import { Session } from './session.js'
import { SiteScripts } from './site-scripts.js'

const scripts = new SiteScripts()
const session = new Session(startEngine(scripts))
const place = document.getElementById('app')
if (place !== null) {
  render(
    <SessionContext.Provider value={session}>
      <App />
    </SessionContext.Provider>,
    place,
  )
}
void openWanted(session)
void workOffline(session, scripts)
