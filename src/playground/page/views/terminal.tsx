// The view with a shell on the image: xterm.js draws, its readline edits the line, the worker runs it. Loaded when it is first
// shown.

import { FitAddon } from '@xterm/addon-fit'
import { type ITheme, Terminal } from '@xterm/xterm'
import { proxy } from 'comlink'
import { useEffect, useRef } from 'preact/hooks'
import { Readline } from 'xterm-readline'
import { shownText } from '../../path-text.js'
import { useSession } from '../context.js'
import type { Session } from '../session.js'
import { terminalOutput } from '../terminal-output.js'
import type { ViewProps } from '../view-props.js'

const [RED, GREEN, BLUE, PLAIN] = ['\x1b[31m', '\x1b[32m', '\x1b[34m', '\x1b[0m']

function themeOf(element: Element): ITheme {
  const style = getComputedStyle(element)
  const colour = (name: string) => style.getPropertyValue(name).trim()
  return {
    background: colour('--ground'),
    foreground: colour('--text'),
    cursor: colour('--text'),
    cursorAccent: colour('--ground'),
    selectionBackground: colour('--accent-soft'),
    red: colour('--bad'),
    green: colour('--good'),
    yellow: colour('--warn'),
    blue: colour('--accent'),
  }
}

/** Reads lines and has them run until the terminal is gone. */
class Conversation {
  readonly #terminal: Terminal
  readonly #readline = new Readline()
  readonly #session: Session
  readonly #id: number
  #cwd = '/'
  #ended = false

  constructor(terminal: Terminal, session: Session, id: number) {
    this.#terminal = terminal
    this.#session = session
    this.#id = id
    terminal.loadAddon(this.#readline)
    this.#readline.setCtrlCHandler(() => void session.engine.terminals.interrupt(id))
    terminal.attachCustomKeyEventHandler(event => {
      // Shift-Tab leads on, so that the keyboard is no prisoner.
      if (event.key !== 'Tab' || event.shiftKey) return event.key !== 'Tab'
      if (event.type === 'keydown') {
        event.preventDefault()
        void this.#complete()
      }
      return false
    })
  }

  end(): void {
    this.#ended = true
  }

  get #prompt(): string {
    return `${GREEN}composefs${PLAIN}:${BLUE}${shownText(this.#cwd)}${PLAIN}$ `
  }

  async talk(): Promise<void> {
    const { engine } = this.#session
    // What a program prints, as it comes.
    let hasFailed = false
    const live = proxy((text: string, isError: boolean) => {
      hasFailed ||= isError
      this.#print(text, isError ? RED : '')
    })
    while (!this.#ended) {
      const line = await this.#readline.read(this.#prompt)
      if (line.trim() === 'clear') {
        this.#terminal.write('\x1b[H\x1b[2J\x1b[3J')
        continue
      }
      if (line.trim() === '') continue
      hasFailed = false
      try {
        const { output, errors, exitCode, cwd, changed } = await engine.terminals.run(this.#id, line, live)
        this.#cwd = cwd
        this.#print(output)
        if (errors !== '') this.#print(errors, RED)
        if (exitCode !== 0 && errors === '' && !hasFailed) this.#print(`exit ${exitCode}`, RED)
        if (changed) await this.#session.refresh(this.#id)
      } catch (error) {
        this.#print(error instanceof Error ? error.message : String(error), RED)
      }
    }
  }

  #print(text: string, colour = ''): void {
    this.#terminal.write(colour + terminalOutput(text))
  }

  async #complete(): Promise<void> {
    const line = this.#readline.getLine()
    const found = await this.#session.attempt(() => this.#session.engine.terminals.complete(this.#id, line))
    if (found === undefined || this.#readline.getLine() !== line) return
    if (found.rest !== '') this.#terminal.input(found.rest, true)
    else if (found.offers.length > 0) {
      this.#terminal.write(`\r\n${found.offers.map(shownText).join('  ')}\r\n`)
      this.#readline.updateLine(line)
    }
  }
}

export default function TerminalView({ document: shown }: ViewProps) {
  const session = useSession()
  const place = useRef<HTMLDivElement>(null)
  const { id } = shown
  useEffect(() => {
    if (place.current === null) return
    const element = place.current
    const terminal = new Terminal({
      fontFamily: getComputedStyle(element).getPropertyValue('--mono'),
      fontSize: 13,
      cursorBlink: true,
      screenReaderMode: true,
      scrollback: 10_000,
      theme: themeOf(element),
      // What a file holds must not lead anywhere.
      linkHandler: { activate: () => {} },
    })
    const fit = new FitAddon()
    terminal.loadAddon(fit)
    terminal.open(element)
    fit.fit()
    const conversation = new Conversation(terminal, session, id)
    terminal.write(
      'A shell on the image. WASI programs in it run too; help tells more.\r\n' +
        'Tab completes, Ctrl-C ends a command, Shift-Tab leaves.\r\n',
    )
    void conversation.talk()
    terminal.focus()
    const resized = new ResizeObserver(() => fit.fit())
    resized.observe(element)
    const themed = new MutationObserver(() => {
      terminal.options.theme = themeOf(element)
    })
    themed.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    return () => {
      conversation.end()
      resized.disconnect()
      themed.disconnect()
      terminal.dispose()
    }
  }, [id, session])
  return (
    <div class="terminal">
      {!shown.writable && (
        <p class="terminal-note">The image can only be read. Start changing it (view “Changes”) to write in it.</p>
      )}
      <div ref={place} class="terminal-place" />
    </div>
  )
}
