// The facts of an entry in words: what fs says of it, where its bytes are, how it is stored, its xattrs and other names. Not here: its
// structures field by field (field-list.tsx), the check of its object (object-check.tsx).

import type { ComponentChildren } from 'preact'
import {
  type Inspection,
  METABOX_FROM,
  type ShownNumbers,
  type ShownXattr,
  type StoredFacts,
} from '../../inspection.js'
import { shownText } from '../../path-text.js'
import { bytesText, countText, modeText, placeText, TYPE_WORDS } from '../words.js'
import { typeOf } from './entry-types.js'

export function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div class="entry-fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** Seconds and nanoseconds since 1970 as a date. */
function timeWithNs(sec: number, nsec: number): string {
  const date = new Date(sec * 1000)
  if (Number.isNaN(date.getTime())) return `${sec} s and ${nsec} ns since 1970`
  return `${date.toISOString().slice(0, 19).replace('T', ' ')}.${String(nsec).padStart(9, '0')} UTC`
}

/** Major and minor number of a device, as Linux packs them for user space. */
function deviceText(rdev: number): string {
  const low = rdev % 2 ** 32
  const major = (low >>> 8) & 0xfff
  const minor = (low & 0xff) | ((low >>> 12) & 0xfff00)
  return `${major}, ${minor}`
}

const IS_DEVICE = new Set(['chr', 'blk'])

export function NumberFacts({ inspection }: { readonly inspection: Inspection }) {
  const { numbers, target } = inspection
  const { mode, uid, gid, size, nlink, rdev, ino } = numbers
  const type = typeOf(mode)
  return (
    <dl class="entry-facts">
      <Fact name="type">{TYPE_WORDS[type]}</Fact>
      <Fact name="mode">
        <code data-fact="mode">{mode.toString(8).padStart(7, '0')}</code> <code>{modeText(type, mode)}</code>
      </Fact>
      <Fact name="owner">
        <span data-fact="uid">{uid}</span>
        {uid === 0 && ' (root)'}
      </Fact>
      <Fact name="group">
        <span data-fact="gid">{gid}</span>
        {gid === 0 && ' (root)'}
      </Fact>
      <Fact name="size">
        <span data-fact="size">{countText(size)}</span> bytes{size >= 1024 && ` (${bytesText(size)})`}
      </Fact>
      {IS_DEVICE.has(type) && <Fact name="device">{deviceText(rdev)}</Fact>}
      {target !== undefined && (
        <Fact name="leads to">
          <bdi>
            <code>{shownText(target)}</code>
          </bdi>
        </Fact>
      )}
      <TimeFacts numbers={numbers} />
      <Fact name="links">
        <span data-fact="nlink">{countText(nlink)}</span>
      </Fact>
      <Fact name="inode number">
        <span data-fact="ino">{ino}</span>
      </Fact>
    </dl>
  )
}

function TimeFacts({ numbers: { mtimeSec, mtimeNsec, ctimeSec, ctimeNsec } }: { readonly numbers: ShownNumbers }) {
  return (
    <>
      <Fact name="modified">
        <span data-fact="mtime">{timeWithNs(mtimeSec, mtimeNsec)}</span>
      </Fact>
      <Fact name="changed">
        <span data-fact="ctime">{timeWithNs(ctimeSec, ctimeNsec)}</span>
      </Fact>
    </>
  )
}

interface StoredProps {
  readonly stored: StoredFacts
  /** Shows a byte. */
  onReveal(offset: number): void
}

/** A byte of the image, which a click shows; what lies in the metabox is at no byte of it. */
export function Place({ offset, onReveal }: { readonly offset: number; onReveal(offset: number): void }) {
  if (offset >= METABOX_FROM) return <span>{placeText(offset)}</span>
  return (
    <button type="button" class="plain place" title={`Show byte ${countText(offset)}`} onClick={() => onReveal(offset)}>
      0x{offset.toString(16)}
    </button>
  )
}

const FORM_WORDS: Readonly<Record<string, string>> = {
  compact: 'compact, 32 bytes',
  extended: 'extended, 64 bytes',
  'cfs-v1': 'cfs v1',
}

export function StorageFacts({ stored, onReveal }: StoredProps) {
  const { nid, offset, form, layout, storedIno, xattrSize, chunkSize, redirect, metacopy, digest, dirent } = stored
  return (
    <dl class="entry-facts">
      <Fact name="nid">
        <span data-fact="nid">{nid}</span>
      </Fact>
      <Fact name="inode at">
        <Place offset={offset} onReveal={onReveal} />
      </Fact>
      <Fact name="form">{FORM_WORDS[form] ?? form}</Fact>
      <Fact name="layout">
        <span data-fact="layout">{layout}</span>
        {chunkSize !== undefined && `, chunks of ${bytesText(chunkSize)}`}
      </Fact>
      {storedIno !== undefined && <Fact name="stored ino">{storedIno}</Fact>}
      <Fact name="xattrs take">{countText(xattrSize)} bytes</Fact>
      {dirent !== undefined && (
        <Fact name="named at">
          <Place offset={dirent.start} onReveal={onReveal} />
        </Fact>
      )}
      {redirect !== undefined && (
        <Fact name="redirect">
          <code class="breaks" data-fact="redirect">
            {redirect}
          </code>
        </Fact>
      )}
      {metacopy && <Fact name="metacopy">{digest === undefined ? 'yes, without a digest' : 'yes, with a digest'}</Fact>}
    </dl>
  )
}

/** Bytes that are listed of a value at most. */
const VALUE_MOST = 256

/** Bytes as text where they are text, else as hex. */
function valueText(bytes: Uint8Array): string {
  const shown = bytes.subarray(0, VALUE_MOST)
  const dots = bytes.length > VALUE_MOST ? '…' : ''
  if (shown.length > 0 && shown.every(byte => byte >= 0x20 && byte < 0x7f))
    return `"${String.fromCharCode(...shown)}"${dots}`
  return `${Array.from(shown, byte => byte.toString(16).padStart(2, '0')).join(' ')}${dots}`
}

export function XattrFacts({ stored, onReveal }: StoredProps) {
  if (stored.xattrs.length === 0) return <p class="nothing-here">none</p>
  return (
    <ul class="xattrs">
      {stored.xattrs.map((one, at) => (
        <XattrRow key={`${at}-${one.name}`} xattr={one} onReveal={onReveal} />
      ))}
    </ul>
  )
}

function XattrRow({ xattr, onReveal }: { readonly xattr: ShownXattr; onReveal(offset: number): void }) {
  const { name, value, where, offset } = xattr
  return (
    <li>
      <code class="breaks xattr-name">{name}</code>
      <span class="xattr-where">
        {where} {offset !== undefined && <Place offset={offset} onReveal={onReveal} />}
      </span>
      <code class="breaks xattr-value">{value.length === 0 ? 'empty' : valueText(value)}</code>
    </li>
  )
}
