// CodeMirror as the page has it: text with line numbers, colours, folding and a search, to be read or edited. It stands in a shadow
// root, since only there its styles come without a <style> element, which the page's policy forbids. Not here: the bar above
// (editor.tsx), languages, colours.

import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { bracketMatching, codeFolding, foldGutter, foldKeymap, indentOnInput } from '@codemirror/language'
import { highlightSelectionMatches, openSearchPanel, search, searchKeymap } from '@codemirror/search'
import { Compartment, EditorState, type Extension, type Text } from '@codemirror/state'
import {
  crosshairCursor,
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  rectangularSelection,
} from '@codemirror/view'
import { languageOf, loadLanguage } from './code-language.js'
import { CODE_LOOK } from './code-theme.js'

/** Marks for the direction of text that the library does not show of itself. */
const TURNING = /[\u202A-\u202C\u2060-\u2065\u2068]/g

export interface CodeOptions {
  readonly text: string
  readonly fileName: string
  readonly readOnly: boolean
  /** For those who don't see it. */
  readonly label: string
  readonly wrap: boolean
  /** Number of the first line. */
  readonly firstLine: number
  /** Name of the language, where it is not to be told from the file. */
  readonly language?: string
  /** Whether it is another text than the one that was saved last. */
  onChange(differs: boolean): void
  onSave(): void
}

export class CodeView {
  readonly #view: EditorView
  readonly #wrap = new Compartment()
  readonly #language = new Compartment()
  #saved: Text
  #gone = false

  constructor(host: HTMLElement, options: CodeOptions) {
    const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' })
    const state = EditorState.create({ doc: options.text, extensions: this.#extensions(options) })
    this.#view = new EditorView({ state, parent: root, root })
    this.#saved = state.doc
    void this.#colour(options)
  }

  get text(): string {
    return this.#view.state.doc.toString()
  }

  /** `text` is what is saved now; answers whether there is another one here meanwhile. */
  saved(text: string): boolean {
    this.#saved = this.#view.state.toText(text)
    return !this.#view.state.doc.eq(this.#saved)
  }

  wrap(on: boolean): void {
    this.#view.dispatch({ effects: this.#wrap.reconfigure(on ? EditorView.lineWrapping : []) })
  }

  find(): void {
    openSearchPanel(this.#view)
  }

  focus(): void {
    this.#view.focus()
  }

  close(): void {
    this.#gone = true
    this.#view.destroy()
  }

  /** Loads the language. What can't be loaded leaves the text without colours. */
  async #colour({ fileName, text, language }: CodeOptions): Promise<void> {
    const found = languageOf(fileName, text, language)
    if (found === null) return
    const support = await loadLanguage(found).catch(() => undefined)
    if (support !== undefined && !this.#gone) this.#view.dispatch({ effects: this.#language.reconfigure(support) })
  }

  #extensions(options: CodeOptions): Extension[] {
    const { readOnly, label, firstLine, wrap } = options
    const run = () => {
      options.onSave()
      return true
    }
    const save = readOnly ? [] : [{ key: 'Mod-s', preventDefault: true, run }]
    return [
      lineNumbers({ formatNumber: line => String(line + firstLine - 1) }),
      foldGutter(),
      codeFolding(),
      highlightSpecialChars({ addSpecialChars: TURNING }),
      drawSelection(),
      highlightActiveLineGutter(),
      highlightActiveLine(),
      highlightSelectionMatches(),
      bracketMatching(),
      rectangularSelection(),
      crosshairCursor(),
      search({ top: true }),
      keymap.of([...save, ...searchKeymap, ...foldKeymap, ...(readOnly ? [] : historyKeymap), ...defaultKeymap]),
      this.#wrap.of(wrap ? EditorView.lineWrapping : []),
      this.#language.of([]),
      EditorState.readOnly.of(readOnly),
      EditorView.editable.of(!readOnly),
      EditorView.contentAttributes.of({
        'aria-label': label,
        tabindex: '0',
        spellcheck: 'false',
        ...(readOnly ? { 'aria-readonly': 'true' } : {}),
      }),
      readOnly ? [] : [history(), indentOnInput()],
      EditorView.updateListener.of(update => {
        if (update.docChanged) options.onChange(!update.state.doc.eq(this.#saved))
      }),
      CODE_LOOK,
    ]
  }
}
