// A text to be read or edited, with the bar above it: search, wrapping, saving. What does the work is loaded when the first text
// is shown. Not here: where the text comes from and goes to.

import { Save, Search, WrapText } from 'lucide-preact'
import type { ComponentChildren, RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { shownText } from '../path-text.js'
import type { CodeView } from './code-view.js'
import { useSession } from './context.js'

export interface EditorProps {
  /** A new text takes the place of what is shown. */
  readonly text: string
  /** What was typed before and not saved, to begin with. */
  readonly draft?: string
  /** Tells the language. */
  readonly fileName: string
  readonly readOnly: boolean
  /** Name of the language, where it is known otherwise. */
  readonly language?: string
  /** Number of the first line; 1 unless given. */
  readonly firstLine?: number
  /** Stands in the bar. */
  readonly children?: ComponentChildren
  /** Ctrl-S, and the button. The text counts as saved where it answers no false; what it throws is told. */
  onSave?(text: string): Promise<unknown> | unknown
  /** Whether there is something that is not saved. */
  onDirty?(dirty: boolean): void
  /** Takes what is not saved when the editor goes. */
  onLeave?(text: string): void
}

/** Saving, and whether there is something to be saved. */
function useSaving({ onSave, onDirty }: EditorProps, view: () => CodeView | undefined) {
  const session = useSession()
  const [dirty, setDirty] = useState(false)
  const mark = (is: boolean) => {
    setDirty(is)
    onDirty?.(is)
  }
  const save = async () => {
    const now = view()?.text
    if (now === undefined || onSave === undefined) return
    const answer = await session.attempt(async () => (await onSave(now)) ?? true)
    if (answer === undefined || answer === false) return
    mark(view()?.saved(now) ?? false)
  }
  return { dirty, save, mark }
}

/** The text itself, in `host`. */
function useCodeView(
  props: EditorProps,
  view: RefObject<CodeView | null>,
  saving: ReturnType<typeof useSaving>,
  wrap: boolean,
) {
  const { text, fileName, readOnly, language, firstLine = 1 } = props
  const session = useSession()
  const host = useRef<HTMLDivElement>(null)
  const now = useRef({ saving, wrap, props })
  now.current = { saving, wrap, props }

  useEffect(() => {
    // A text that is what was saved from here a moment ago stays as it is, with its cursor.
    if (view.current !== null && view.current.text === text && !readOnly) return
    let here = true
    view.current?.close()
    view.current = null
    now.current.saving.mark(false)
    void session
      .attempt(() => import('./code-view.js'))
      .then(module => {
        if (!here || module === undefined || host.current === null) return
        const { draft } = now.current.props
        view.current = new module.CodeView(host.current, {
          text: draft ?? text,
          fileName,
          readOnly,
          language,
          firstLine,
          label: `Text of ${shownText(fileName)}`,
          wrap: now.current.wrap,
          onChange: differs => now.current.saving.mark(differs),
          onSave: () => void now.current.saving.save(),
        })
        if (draft !== undefined) now.current.saving.mark(view.current.saved(text))
      })
    return () => {
      here = false
    }
  }, [text, fileName, readOnly, language, firstLine, session])
  useEffect(
    () => () => {
      const { saving, props } = now.current
      if (saving.dirty && view.current !== null) props.onLeave?.(view.current.text)
      view.current?.close()
    },
    [],
  )
  useEffect(() => view.current?.wrap(wrap), [wrap])
  return host
}

export function Editor(props: EditorProps) {
  const { readOnly, children } = props
  const view = useRef<CodeView>(null)
  const [wrap, setWrap] = useState(false)
  const saving = useSaving(props, () => view.current ?? undefined)
  const host = useCodeView(props, view, saving, wrap)
  return (
    <div class="editor">
      <div class="editor-bar" role="toolbar" aria-label="Text">
        {children}
        <span class="editor-gap" />
        <button type="button" class="plain" title="Find (Ctrl-F)" onClick={() => view.current?.find()}>
          <Search size={15} aria-hidden="true" />
          <span>Find</span>
        </button>
        <button type="button" class="plain" aria-pressed={wrap} title="Wrap long lines" onClick={() => setWrap(!wrap)}>
          <WrapText size={15} aria-hidden="true" />
          <span>Wrap</span>
        </button>
        {!readOnly && (
          <button
            type="button"
            class="primary"
            title="Save (Ctrl-S)"
            disabled={!saving.dirty}
            onClick={() => void saving.save()}
          >
            <Save size={15} aria-hidden="true" />
            <span>{saving.dirty ? 'Save' : 'Saved'}</span>
          </button>
        )}
      </div>
      <div class="editor-text" ref={host} />
    </div>
  )
}
