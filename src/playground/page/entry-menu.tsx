// What can be done with one entry: as a menu by right click, Shift-F10 or a button, as keys of the lists, and as tools above what is in
// it. Not here: doing it (change/actions.ts).

import { useLayoutEffect, useRef } from 'preact/hooks'
import { shownText } from '../path-text.js'
import type { DocumentInfo } from '../protocol.js'
import { addThings, copyPath, deleteEntry, editText } from './change/actions.js'
import type { OpenMenu, Place } from './change/change-state.js'
import { useSession } from './context.js'
import { filesThings } from './drop.js'
import type { Pane, Session } from './session.js'
import { downloadFile, downloadFolder } from './viewers/download.js'

/** From its place to the window's edges at least. */
const MARGIN = 8

interface Item {
  readonly label: string
  readonly keys?: string
  readonly danger?: boolean
  act(): void
}

/** Lets the user pick files, or a folder, and adds them. */
function pick(session: Session, place: Place, folder: string, whole: boolean): void {
  const input = document.createElement('input')
  input.type = 'file'
  input.multiple = true
  input.webkitdirectory = whole
  input.addEventListener('change', () => void addThings(session, place, folder, filesThings([...(input.files ?? [])])))
  input.click()
}

/** Groups of items, with a line between. */
function itemsOf(session: Session, menu: Omit<OpenMenu, 'x' | 'y'>): readonly (readonly Item[])[] {
  const { entry, pane, info } = menu
  const { path, type, size } = entry
  const place = { pane, info }
  const { dialog } = session.change
  const make = (what: 'file' | 'folder' | 'symlink') => () => {
    dialog.value = { kind: 'new', what, folder: path, ...place }
  }
  const within: Item[] = [
    { label: 'New file…', act: make('file') },
    { label: 'New folder…', act: make('folder') },
    { label: 'New symlink…', act: make('symlink') },
    { label: 'Add files…', act: () => pick(session, place, path, false) },
    { label: 'Add a folder…', act: () => pick(session, place, path, true) },
  ]
  const text: Item[] = [{ label: 'Edit text', act: () => void editText(session, place, path) }]
  const download: Item =
    type === 'dir'
      ? { label: 'Download as tar', act: () => void downloadFolder(session, info, path) }
      : { label: 'Download', act: () => void downloadFile(session, info, path, size) }
  const own: Item[] = [
    {
      label: 'Rename or move…',
      keys: 'F2',
      act: () => {
        dialog.value = { kind: 'move', path, ...place }
      },
    },
  ]
  const attributes: Item = {
    label: 'Mode, owner, attributes…',
    act: () => {
      dialog.value = { kind: 'attributes', path, ...place }
    },
  }
  const remove: Item = {
    label: 'Delete…',
    keys: 'Del',
    danger: true,
    act: () => void deleteEntry(session, place, path, type === 'dir'),
  }
  return [
    ...(type === 'dir' ? [within] : type === 'file' ? [text] : []),
    [...(path === '/' ? [] : own), attributes],
    [
      { label: 'Copy path', act: () => void copyPath(session, path) },
      ...(type === 'dir' || type === 'file' ? [download] : []),
    ],
    ...(path === '/' ? [] : [[remove]]),
  ]
}

/** Finds out what an entry is, and opens its menu. */
export async function openMenu(session: Session, place: Place, path: string, x: number, y: number): Promise<void> {
  const entry = await session.attempt(() => session.engine.files.entry(place.info.id, path))
  if (entry !== undefined) session.change.menu.value = { ...place, entry, x, y }
}

/** The path of the row that an event or the keyboard means; undefined where it means none. */
function meant(session: Session, pane: Pane, target: Element): string | undefined {
  const list = target.closest('[role=tree], .folder-list')
  if (list === null) return undefined
  const active = list.ownerDocument.getElementById(list.getAttribute('aria-activedescendant') ?? '')
  if (list.getAttribute('role') === 'tree') {
    const row = target.closest<HTMLElement>('[role=treeitem]')
    // A click chooses it, as everywhere.
    if (row !== null && row.getAttribute('aria-selected') !== 'true') row.click()
    return session.chosenIn(pane)
  }
  return (target.closest('[data-path]') ?? active)?.getAttribute('data-path') ?? undefined
}

/** What a pane does with right clicks and keys on its lists. */
export function entryEvents(session: Session, pane: Pane, info: DocumentInfo) {
  const place = { pane, info }
  return {
    onContextMenu(event: MouseEvent) {
      if (!(event.target instanceof Element)) return
      const path = meant(session, pane, event.target)
      if (path === undefined) return
      event.preventDefault()
      // The keyboard's has no place of its own.
      const row = event.target.ownerDocument.getElementById(event.target.getAttribute('aria-activedescendant') ?? '')
      const box = row?.getBoundingClientRect()
      const [x, y] = box === undefined ? [event.clientX, event.clientY] : [box.left + 24, box.bottom]
      void openMenu(session, place, path, x, y)
    },
    onKeyDown(event: KeyboardEvent) {
      const { key, target } = event
      if ((key !== 'F2' && key !== 'Delete') || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return
      if (!(target instanceof Element)) return
      const path = meant(session, pane, target)
      if (path === undefined || path === '/') return
      event.preventDefault()
      if (key === 'F2') session.change.dialog.value = { kind: 'move', path, ...place }
      else {
        void session
          .attempt(() => session.engine.files.entry(info.id, path))
          .then(entry => (entry === undefined ? undefined : deleteEntry(session, place, path, entry.type === 'dir')))
      }
    },
  }
}

/** What the keyboard does in the menu. */
function moveInMenu(event: KeyboardEvent, close: () => void): void {
  const items = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('[role=menuitem]')]
  const at = items.indexOf(document.activeElement as HTMLElement)
  const to: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }
  if (event.key === 'Escape' || event.key === 'Tab') close()
  else if (Object.hasOwn(to, event.key)) items.at(to[event.key] % items.length)?.focus()
  else {
    const letter = event.key.toLowerCase()
    const found = [...items.slice(at + 1), ...items].find(one => one.textContent?.toLowerCase().startsWith(letter))
    if ([...letter].length !== 1 || letter === ' ' || found === undefined) return
    found.focus()
  }
  event.preventDefault()
  event.stopPropagation()
}

export default function EntryMenu() {
  const session = useSession()
  const { menu: open } = session.change
  const menu = open.value
  const box = useRef<HTMLDivElement>(null)
  const before = useRef<Element>(null)
  // Before it is painted: who has seen it may press a key that it is meant for.
  useLayoutEffect(() => {
    if (menu === undefined || box.current === null) return
    before.current = document.activeElement
    const { width, height } = box.current.getBoundingClientRect()
    const { style } = box.current
    style.left = `${Math.max(MARGIN, Math.min(menu.x, innerWidth - width - MARGIN))}px`
    style.top = `${Math.max(MARGIN, Math.min(menu.y, innerHeight - height - MARGIN))}px`
    box.current.querySelector<HTMLElement>('[role=menuitem]')?.focus()
    const close = (event: Event) => {
      if (!(event.target instanceof Node) || box.current?.contains(event.target) !== true) open.value = undefined
    }
    addEventListener('pointerdown', close, true)
    addEventListener('blur', close)
    addEventListener('resize', close)
    return () => {
      removeEventListener('pointerdown', close, true)
      removeEventListener('blur', close)
      removeEventListener('resize', close)
    }
  }, [menu, open])
  if (menu === undefined) return null
  const close = () => {
    // Before a dialog opens, which brings the focus back to where it was.
    if (before.current instanceof HTMLElement && before.current.isConnected) before.current.focus()
    open.value = undefined
  }
  return (
    <div
      ref={box}
      class="entry-menu"
      role="menu"
      tabIndex={-1}
      aria-label={`What to do with ${shownText(menu.entry.name)}`}
      onKeyDown={event => moveInMenu(event, close)}
      onContextMenu={event => event.preventDefault()}
    >
      {itemsOf(session, menu).map(group => (
        <div key={group[0].label} role="group" class="menu-group" aria-label={group[0].label}>
          {group.map(({ label, keys, danger, act }) => (
            <button
              key={label}
              type="button"
              role="menuitem"
              tabIndex={-1}
              class={danger === true ? 'danger-text' : undefined}
              aria-keyshortcuts={keys === 'Del' ? 'Delete' : keys}
              onClick={() => {
                close()
                act()
              }}
            >
              <span>{label}</span>
              {keys !== undefined && <kbd>{keys}</kbd>}
            </button>
          ))}
        </div>
      ))}
    </div>
  )
}
