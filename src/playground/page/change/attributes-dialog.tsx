// The dialog of an entry's mode, owner, time and extended attributes. Not here: dialogs themselves (dialog-form.tsx).

import { Plus, X } from 'lucide-preact'
import { useState } from 'preact/hooks'
import type { AttributeEdit, Attributes } from '../../changing.js'
import { baseName, pathBytes, pathText, shownText } from '../../path-text.js'
import { useSession } from '../context.js'
import { Failure, Waiting } from '../viewers/failure.js'
import { useAnswer } from '../viewers/use-answer.js'
import { modeText } from '../words.js'
import { edit } from './actions.js'
import { DialogForm, FirstChange, type Of, OpenDialog } from './dialog-form.js'

/** An extended attribute as it is typed: text where it is, else `0x` and hex digits, as getfattr has it. */
interface Typed {
  readonly key: number
  readonly name: string
  readonly value: string
}

function valueText(value: Uint8Array): string {
  const text = pathText(value)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: values with such are shown as hex
  if (!/[\u0000-\u001f\u007f\ud800-\udfff]/u.test(text) && !text.startsWith('0x')) return text
  return `0x${Array.from(value, byte => byte.toString(16).padStart(2, '0')).join('')}`
}

function valueBytes(text: string, name: string): Uint8Array {
  if (!text.startsWith('0x')) return pathBytes(text)
  const digits = text.slice(2)
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(digits))
    throw new Error(`The value of ${shownText(name)} begins with 0x, so pairs of hex digits have to follow.`)
  return Uint8Array.from(digits.match(/../g) ?? [], pair => Number.parseInt(pair, 16))
}

/** As `datetime-local` has it, in UTC. */
function timeField(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 19)
}

interface Fields {
  readonly mode: string
  readonly uid: string
  readonly gid: string
  readonly mtime: string
  readonly xattrs: readonly Typed[]
}

function fieldsOf({ mode, uid, gid, mtime, xattrs }: Attributes): Fields {
  return {
    mode: mode.toString(8).padStart(4, '0'),
    uid: String(uid),
    gid: String(gid),
    mtime: timeField(mtime),
    xattrs: xattrs.map(({ name, value }, key) => ({ key, name, value: valueText(value) })),
  }
}

function wholeNumber(text: string, what: string): number {
  if (!/^\d{1,10}$/.test(text.trim())) throw new Error(`${what} is a whole number. Check what was typed.`)
  return Number(text)
}

/** What is different of what was there. Throws an Error in plain words. */
function editOf(was: Attributes, fields: Fields): AttributeEdit {
  const before = fieldsOf(was)
  if (!/^[0-7]{1,4}$/.test(fields.mode)) throw new Error('A mode is up to four octal digits, as 0755.')
  const time = Date.parse(`${fields.mtime}Z`)
  if (fields.mtime !== before.mtime && Number.isNaN(time)) throw new Error('That is no time. Check what was typed.')
  const old = new Map(before.xattrs.map(one => [one.name, one.value]))
  const names = fields.xattrs.map(one => one.name)
  if (names.includes('')) throw new Error('An extended attribute has no name. Type one, as user.comment, or remove it.')
  if (new Set(names).size < names.length) throw new Error('Two extended attributes have the same name.')
  const mode = Number.parseInt(fields.mode, 8)
  return {
    // Another owner takes setuid away: it is set again.
    mode: mode === was.mode && fields.uid === before.uid && fields.gid === before.gid ? undefined : mode,
    uid: fields.uid === before.uid ? undefined : wholeNumber(fields.uid, 'An owner'),
    gid: fields.gid === before.gid ? undefined : wholeNumber(fields.gid, 'A group'),
    mtime: fields.mtime === before.mtime ? undefined : time / 1000,
    set: fields.xattrs
      .filter(({ name, value }) => old.get(name) !== value)
      .map(({ name, value }) => ({ name, value: valueBytes(value, name) })),
    remove: before.xattrs.map(one => one.name).filter(name => !names.includes(name)),
  }
}

function Xattrs({ fields, onChange }: { readonly fields: Fields; onChange(xattrs: readonly Typed[]): void }) {
  const { xattrs } = fields
  const change = (key: number, known: Partial<Typed>) =>
    onChange(xattrs.map(one => (one.key === key ? { ...one, ...known } : one)))
  return (
    <fieldset class="xattrs">
      <legend>Extended attributes</legend>
      {xattrs.map(({ key, name, value }) => (
        <div key={key} class="xattr">
          <input
            type="text"
            class="mono"
            aria-label="Name"
            placeholder="user.comment"
            spellcheck={false}
            value={name}
            onInput={event => change(key, { name: event.currentTarget.value })}
          />
          <input
            type="text"
            class="mono"
            aria-label={`Value of ${shownText(name)}`}
            placeholder="text, or 0x and hex digits"
            spellcheck={false}
            value={value}
            onInput={event => change(key, { value: event.currentTarget.value })}
          />
          <button
            type="button"
            class="plain"
            aria-label={`Remove ${shownText(name) || 'the attribute'}`}
            onClick={() => onChange(xattrs.filter(one => one.key !== key))}
          >
            <X size={15} aria-hidden="true" />
          </button>
        </div>
      ))}
      <button
        type="button"
        onClick={() =>
          onChange([...xattrs, { key: Math.max(-1, ...xattrs.map(one => one.key)) + 1, name: '', value: '' }])
        }
      >
        <Plus size={15} aria-hidden="true" />
        Add one
      </button>
    </fieldset>
  )
}

interface FormProps extends Of<'attributes'> {
  readonly was: Attributes
  close(): void
}

function AttributesForm({ info, path, was, close }: FormProps) {
  const session = useSession()
  const [fields, setFields] = useState(() => fieldsOf(was))
  const set = (known: Partial<Fields>) => setFields({ ...fields, ...known })
  const save = async () => {
    const wanted = editOf(was, fields)
    await edit(session, info, () => session.engine.changes.setAttributes(info.id, path, wanted))
    close()
  }
  const text = (label: string, key: 'mode' | 'uid' | 'gid', hint: string) => (
    <div class="field">
      <label for={`attributes-${key}`}>{label}</label>
      <input
        id={`attributes-${key}`}
        aria-describedby={`attributes-${key}-hint`}
        type="text"
        inputMode="numeric"
        class="mono"
        value={fields[key]}
        disabled={key === 'mode' && was.type === 'symlink'}
        onInput={event => set({ [key]: event.currentTarget.value })}
      />
      <small id={`attributes-${key}-hint`} class="mono">
        {hint}
      </small>
    </div>
  )
  const octal = /^[0-7]{1,4}$/.test(fields.mode) ? modeText(was.type, Number.parseInt(fields.mode, 8)) : ' '
  return (
    <DialogForm yes="Save" onSubmit={save} onCancel={close}>
      <div class="attribute-fields">
        {text('Mode', 'mode', was.type === 'symlink' ? 'symlinks have none' : octal)}
        {text('Owner', 'uid', 'user id')}
        {text('Group', 'gid', 'group id')}
      </div>
      <label class="field">
        <span>Modified (UTC)</span>
        <input
          type="datetime-local"
          step={1}
          value={fields.mtime}
          onInput={event => {
            const { value } = event.currentTarget
            set({ mtime: value.length === 16 ? `${value}:00` : value })
          }}
        />
      </label>
      <Xattrs fields={fields} onChange={xattrs => set({ xattrs })} />
      {!info.writable && <FirstChange />}
    </DialogForm>
  )
}

export function AttributesDialog(props: Of<'attributes'> & { close(): void }) {
  const { info, path, close } = props
  const session = useSession()
  const { value, failure, again } = useAnswer(JSON.stringify([info.id, path]), () =>
    session.engine.changes.attributes(info.id, path),
  )
  return (
    <OpenDialog title={`Attributes of ${shownText(baseName(path) || '/')}`} class="attributes" onClose={close}>
      {failure !== undefined && <Failure text={failure} again={again} />}
      {value === undefined && failure === undefined && <Waiting />}
      {value !== undefined && <AttributesForm {...props} was={value} />}
    </OpenDialog>
  )
}
