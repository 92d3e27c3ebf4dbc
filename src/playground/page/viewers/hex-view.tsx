// The bytes of a file in hex and ASCII: only what is seen is read, whatever the file's size. A byte is chosen by click or keys, more
// by Shift; they can be copied. Not here: how bytes become text (hex-rows.ts).

import { Copy } from 'lucide-preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { baseName, shownText } from '../../path-text.js'
import { useSession } from '../context.js'
import { Rows } from '../rows.js'
import type { ViewProps } from '../view-props.js'
import { type Reveal, VirtualList } from '../virtual-list.js'
import { bytesText, countText } from '../words.js'
import { Failure } from './failure.js'
import { asciiText, type HexRow, hexText, meaningsOf, offsetText, parsedOffset } from './hex-rows.js'
import { Parts } from './parts.js'

const ROW_HEIGHT = 20
/** More bytes are not in one list, which knows each of its rows. */
const PART = 2 << 20
/** Bytes that are copied at most. */
const COPY_MAX = 1 << 20
/** Below this a row has half the bytes. CSS pixels. */
const NARROW = 620

interface Selection {
  /** The byte that the keys move. */
  readonly cursor: number
  readonly anchor: number
}

/** Text in three pieces, the middle one chosen. */
function Marked({ text, from, to }: { readonly text: string; readonly from: number; readonly to: number }) {
  if (to <= from) return <>{text}</>
  return (
    <>
      {text.slice(0, from)}
      <mark>{text.slice(from, to)}</mark>
      {text.slice(to)}
    </>
  )
}

interface RowProps {
  readonly row: HexRow | undefined
  readonly offset: number
  readonly digits: number
  readonly selection: Selection
  onChoose(byte: number, extend: boolean): void
}

function HexLine({ row, offset, digits, selection, onChoose }: RowProps) {
  const bytes = row?.bytes
  const first = Math.min(selection.cursor, selection.anchor) - offset
  const last = Math.max(selection.cursor, selection.anchor) - offset
  const from = Math.max(first, 0)
  const to = bytes === undefined ? 0 : Math.min(last + 1, bytes.length)
  const chosen = to > from
  const choose = (event: MouseEvent, charsPerByte: number) => {
    if (bytes === undefined) return
    const box = event.currentTarget as HTMLElement
    const chars = bytes.length * charsPerByte - (charsPerByte === 3 ? 1 : 0)
    const { left, width } = (box.firstElementChild ?? box).getBoundingClientRect()
    const at = Math.floor((((event.clientX - left) / width) * chars) / charsPerByte)
    onChoose(offset + Math.max(0, Math.min(at, bytes.length - 1)), event.shiftKey)
  }
  return (
    <div class="bytes-row">
      <span class="bytes-offset">{offsetText(offset, digits)}</span>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the list has the keyboard */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the list has the keyboard */}
      <span class="bytes-digits" onClick={event => choose(event, 3)}>
        <span>
          {bytes !== undefined && <Marked text={hexText(bytes)} from={from * 3} to={chosen ? to * 3 - 1 : 0} />}
        </span>
      </span>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the list has the keyboard */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the list has the keyboard */}
      <span class="bytes-ascii" onClick={event => choose(event, 1)}>
        <span>{bytes !== undefined && <Marked text={asciiText(bytes)} from={from} to={chosen ? to : 0} />}</span>
      </span>
    </div>
  )
}

/** Rows of a file, read as they are seen. */
function useBytes({ document, path }: ViewProps, width: number) {
  const session = useSession()
  const { id, revision } = document
  const [failure, setFailure] = useState<string>()
  const [tries, setTries] = useState(0)
  const rows = useMemo(
    () =>
      new Rows<HexRow>(async (start, length) => {
        try {
          const bytes = await session.engine.files.read(id, path, start * width, length * width)
          const found: HexRow[] = []
          for (let at = 0; at < bytes.length; at += width)
            found.push({ offset: start * width + at, bytes: bytes.subarray(at, at + width) })
          return found
        } catch (error) {
          setFailure(error instanceof Error ? error.message : String(error))
          return undefined
        }
      }),
    [id, revision, path, width, session, tries],
  )
  const again = () => {
    setFailure(undefined)
    setTries(tries + 1)
  }
  return { rows, failure, again }
}

/** 16 bytes a row, or 8 where there is no room. */
function useWidth() {
  const box = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(16)
  useEffect(() => {
    const { current } = box
    if (current === null) return undefined
    const observer = new ResizeObserver(([entry]) => setWidth(entry.contentRect.width < NARROW ? 8 : 16))
    observer.observe(current)
    return () => observer.disconnect()
  }, [])
  return { box, width }
}

function GoTo({ size, onGo }: { readonly size: number; onGo(offset: number): void }) {
  const session = useSession()
  const [text, setText] = useState('')
  return (
    <form
      class="go-to"
      onSubmit={event => {
        event.preventDefault()
        const offset = parsedOffset(text)
        if (offset === undefined || offset >= size)
          session.say(
            `There is no byte ${shownText(text)}: the file ends at ${countText(size)}. Hex numbers begin with 0x.`,
          )
        else onGo(offset)
      }}
    >
      <label>
        Offset{' '}
        <input
          type="text"
          inputMode="text"
          placeholder="0x1000 or 4096"
          value={text}
          onInput={event => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit">Go</button>
    </form>
  )
}

export function HexView(props: ViewProps & { readonly size: number }) {
  const { document, path, size } = props
  const session = useSession()
  const { box, width } = useWidth()
  const { rows, failure, again } = useBytes(props, width)
  const [selection, setSelection] = useState<Selection>({ cursor: 0, anchor: 0 })
  const [reveal, setReveal] = useState<Reveal>()
  const [part, setPart] = useState(0)
  const [range, setRange] = useState({ start: 0, end: 0 })
  rows.arrived.value
  const parts = Math.ceil(size / PART)
  const base = (part * PART) / width
  const count = Math.ceil(Math.min(size - part * PART, PART) / width)
  if (failure === undefined) rows.need(base + range.start, base + Math.min(range.end, count))
  const digits = Math.max(8, (size - 1).toString(16).length)
  const choose = (byte: number, extend: boolean) => {
    const cursor = Math.max(0, Math.min(byte, size - 1))
    setSelection({ cursor, anchor: extend ? selection.anchor : cursor })
    return cursor
  }
  const goTo = (byte: number, extend: boolean, align: Reveal['align'] = 'auto') => {
    const cursor = choose(byte, extend)
    setPart(Math.floor(cursor / PART))
    setReveal({ row: Math.floor((cursor % PART) / width), align })
  }
  const first = Math.min(selection.cursor, selection.anchor)
  const length = Math.abs(selection.cursor - selection.anchor) + 1
  const copy = async () => {
    if (length > COPY_MAX)
      return session.say(`At most ${bytesText(COPY_MAX)} can be copied at once: download the file instead.`)
    await session.attempt(async () => {
      const bytes = await session.engine.files.read(document.id, path, first, length)
      await navigator.clipboard.writeText(hexText(bytes))
      session.say(`${countText(bytes.length)} bytes copied as hex.`)
    })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const { cursor } = selection
    const page = Math.max(1, Math.floor((event.currentTarget as HTMLElement).clientHeight / ROW_HEIGHT) - 1) * width
    const ends = event.ctrlKey || event.metaKey
    if (ends && event.key === 'c' && getSelection()?.isCollapsed !== false) {
      event.preventDefault()
      void copy()
      return
    }
    const rowStart = cursor - (cursor % width)
    const moves: Readonly<Record<string, number>> = {
      ArrowRight: cursor + 1,
      ArrowLeft: cursor - 1,
      ArrowDown: cursor + width < size ? cursor + width : cursor,
      ArrowUp: cursor - width >= 0 ? cursor - width : cursor,
      PageDown: cursor + page,
      PageUp: cursor - page,
      Home: ends ? 0 : rowStart,
      End: ends ? size - 1 : rowStart + width - 1,
    }
    if (!Object.hasOwn(moves, event.key) || event.altKey) return
    event.preventDefault()
    goTo(moves[event.key], event.shiftKey)
  }
  const row = rows.at(Math.floor(first / width))
  const meaning = row === undefined ? '' : meaningsOf(meant(rows, first, width))
  return (
    <div class="bytes-view" ref={box}>
      <div class="editor-bar" role="toolbar" aria-label="Bytes">
        {parts > 1 && <Parts part={part} parts={parts} onPart={wanted => goTo(wanted * PART, false)} />}
        <GoTo size={size} onGo={offset => goTo(offset, false, 'center')} />
        <span class="editor-gap" />
        <button type="button" class="plain" title="Copy the chosen bytes as hex (Ctrl-C)" onClick={() => void copy()}>
          <Copy size={15} aria-hidden="true" />
          Copy
        </button>
      </div>
      {failure !== undefined && <Failure text={failure} again={again} />}
      <VirtualList
        class="bytes-list mono"
        role="group"
        tabIndex={0}
        aria-label={`Bytes of ${shownText(baseName(path))}`}
        onKeyDown={onKeyDown}
        count={count}
        rowHeight={ROW_HEIGHT}
        reveal={reveal}
        onRange={(start, end) => (start !== range.start || end !== range.end) && setRange({ start, end })}
        row={index => (
          <HexLine
            row={rows.at(base + index)}
            offset={(base + index) * width}
            digits={digits}
            selection={selection}
            onChoose={choose}
          />
        )}
      />
      <p class="bytes-status" role="status">
        {length === 1
          ? `Byte ${countText(first)} (0x${first.toString(16)}): ${meaning}`
          : `${countText(length)} bytes from ${countText(first)} (0x${first.toString(16)})`}
      </p>
    </div>
  )
}

/** Up to 8 bytes from a place on, as far as they are here. */
function meant(rows: Rows<HexRow>, from: number, width: number): Uint8Array {
  const bytes: number[] = []
  for (let at = from; at < from + 8; at++) {
    const byte = rows.at(Math.floor(at / width))?.bytes[at % width]
    if (byte === undefined) break
    bytes.push(byte)
  }
  return Uint8Array.from(bytes)
}
