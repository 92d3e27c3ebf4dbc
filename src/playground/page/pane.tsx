// One pane: the tree (or what was searched) of one image at the side, the chosen view beside it. Not here: any view.

import { type ComponentType, Fragment } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { childPath, pathNames, shownText } from '../path-text.js'
import type { DocumentInfo } from '../protocol.js'
import { EntryTools } from './change/entry-tools.js'
import { useSession } from './context.js'
import { entryEvents } from './entry-menu.js'
import type { Pane } from './session.js'
import { SidePanel } from './side-panel.js'
import { SideSwitch } from './side-switch.js'
import { Splitter } from './splitter.js'
import type { ViewProps } from './view-props.js'
import { VIEWS, type View } from './views.js'

function Breadcrumbs({ pane, document, path }: ViewProps) {
  const session = useSession()
  let at = '/'
  const crumbs = pathNames(path).map(name => {
    at = childPath(at, name)
    return { name, path: at }
  })
  return (
    <nav class="breadcrumbs" aria-label="Where you are">
      <ol>
        <li>
          <button type="button" class="plain" onClick={() => session.choose(pane, '/')}>
            <bdi>{shownText(document.name)}</bdi>
          </button>
        </li>
        {crumbs.map(crumb => (
          <li key={crumb.path}>
            <button
              type="button"
              class="plain"
              aria-current={crumb.path === path ? 'page' : undefined}
              onClick={() => session.choose(pane, crumb.path)}
            >
              <bdi>{shownText(crumb.name)}</bdi>
            </button>
          </li>
        ))}
      </ol>
    </nav>
  )
}

/** The view's component, once it is here. */
function useLoaded(view: View): ComponentType<ViewProps> | undefined {
  const session = useSession()
  const [loaded, setLoaded] = useState<{ readonly view: View; readonly component: ComponentType<ViewProps> }>()
  useEffect(() => {
    let here = true
    void session
      .attempt(() => view.load())
      .then(found => {
        if (here && found !== undefined) setLoaded({ view, component: found.default })
      })
    return () => {
      here = false
    }
  }, [view, session])
  return loaded?.view === view ? loaded.component : undefined
}

/** Where there is no room for all tabs, the chosen one is in sight. */
function useTabInSight(view: View) {
  const list = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const show = () =>
      list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
    const observer = new ResizeObserver(show)
    if (list.current !== null) observer.observe(list.current)
    return () => observer.disconnect()
  }, [view])
  return list
}

function ViewTabs({ pane, view, index }: { readonly pane: Pane; readonly view: View; readonly index: number }) {
  const list = useTabInSight(view)
  const move = (event: KeyboardEvent) => {
    const at = VIEWS.indexOf(view)
    const to =
      event.key === 'ArrowRight'
        ? at + 1
        : event.key === 'ArrowLeft'
          ? at - 1
          : event.key === 'Home'
            ? 0
            : event.key === 'End'
              ? VIEWS.length - 1
              : undefined
    if (to === undefined) return
    event.preventDefault()
    const next = VIEWS[(to + VIEWS.length) % VIEWS.length]
    pane.view.value = next.name
    document.getElementById(`tab-${index}-${next.name}`)?.focus()
  }
  return (
    <div ref={list} class="view-tabs" role="tablist" aria-label="Views" onKeyDown={move}>
      {VIEWS.map((one, at) => (
        <Fragment key={one.name}>
          {at > 0 && VIEWS[at - 1].about !== one.about && <span class="tab-gap" aria-hidden="true" />}
          <button
            type="button"
            role="tab"
            id={`tab-${index}-${one.name}`}
            aria-selected={one === view}
            aria-controls={`view-${index}`}
            tabIndex={one === view ? 0 : -1}
            title={one.hint}
            onClick={() => {
              pane.view.value = one.name
            }}
          >
            {one.label}
          </button>
        </Fragment>
      ))}
    </div>
  )
}

function Shown({
  pane,
  document,
  index,
}: {
  readonly pane: Pane
  readonly document: DocumentInfo
  readonly index: number
}) {
  const session = useSession()
  const view = VIEWS.find(one => one.name === pane.view.value) ?? VIEWS[0]
  const path = session.chosenIn(pane)
  const Component = useLoaded(view)
  return (
    <section class="content" aria-label={shownText(document.name)}>
      <div class="path-bar">
        <Breadcrumbs pane={pane} document={document} path={path} />
        {view.about === 'entry' && <EntryTools pane={pane} document={document} path={path} />}
      </div>
      <ViewTabs pane={pane} view={view} index={index} />
      <h2 class="hidden">{view.label}</h2>
      <div
        class={`view view-${view.name}`}
        id={`view-${index}`}
        role="tabpanel"
        aria-labelledby={`tab-${index}-${view.name}`}
      >
        {Component === undefined ? (
          <p class="waiting-text">Loading…</p>
        ) : (
          <Component key={document.id} pane={pane} document={document} path={path} />
        )}
      </div>
    </section>
  )
}

export function PaneView({ pane, index }: { readonly pane: Pane; readonly index: number }) {
  const session = useSession()
  const document = session.documentOf(pane)
  const active = session.active.value === index && session.sideBySide.value
  return (
    <div
      {...(document === undefined ? {} : entryEvents(session, pane, document))}
      class={`pane side-${pane.side.value}${active ? ' active' : ''}`}
      onFocusCapture={() => {
        session.active.value = index
      }}
      onPointerDownCapture={() => {
        session.active.value = index
      }}
    >
      {document === undefined ? (
        <p class="waiting-text">Choose an image above to show it here.</p>
      ) : (
        <>
          <SidePanel pane={pane} document={document} />
          <Splitter />
          <Shown pane={pane} document={document} index={index} />
          <SideSwitch pane={pane} />
        </>
      )}
    </div>
  )
}
