// The tamper demo: a byte of a copy is changed, and each line of defence says whether it notices. Not here: the verification of the
// image as it is (verify.tsx).

import { FlaskConical, ShieldAlert, ShieldCheck, ShieldQuestion } from 'lucide-preact'
import { useState } from 'preact/hooks'
import { shownText } from '../../path-text.js'
import type { DocumentInfo } from '../../protocol.js'
import type { Defence, TamperReport, TamperTarget } from '../../reports.js'
import { useSession } from '../context.js'
import { countText } from '../words.js'

const TARGETS: Readonly<Record<TamperTarget, string>> = {
  image: 'the image: names, sizes, owners, digests',
  object: 'an object: the content of a file',
  tree: 'the Merkle tree beside an object',
}

export function VerifyTamper({ document, path }: { readonly document: DocumentInfo; readonly path: string }) {
  const session = useSession()
  const [target, setTarget] = useState<TamperTarget>('image')
  const [offset, setOffset] = useState('')
  const [report, setReport] = useState<TamperReport>()
  const hasStore = document.store !== undefined
  const run = async (event: SubmitEvent) => {
    event.preventDefault()
    const at = offset.trim() === '' ? undefined : Number(offset)
    const found = await session.work('Tampering with a copy', (job, listener) =>
      session.engine.tamper.run(document.id, { target, offset: at, path }, job, listener),
    )
    if (found !== undefined) setReport(found)
  }
  const open = async (checked: boolean) => {
    const info = await session.attempt(() => session.engine.tamper.open(checked))
    if (info !== undefined) session.opened(info, report?.path)
  }
  return (
    <section class="tamper" aria-label="Tamper demo">
      <h2>
        <FlaskConical size={18} aria-hidden="true" /> What if someone changed one bit?
      </h2>
      <p class="hint">
        One bit of one byte is turned over in a copy, in memory. The image and its store stay as they are. Then the copy
        is opened, read and compared, to see which line of defence notices.
      </p>
      <form class="tamper-form" onSubmit={run}>
        <label>
          Change{' '}
          <select value={target} onChange={event => setTarget(event.currentTarget.value as TamperTarget)}>
            {(Object.keys(TARGETS) as TamperTarget[]).map(one => (
              <option key={one} value={one} disabled={one !== 'image' && !hasStore}>
                {TARGETS[one]}
                {one !== 'image' && !hasStore ? ' (no store)' : ''}
              </option>
            ))}
          </select>
        </label>
        <label>
          at byte{' '}
          <input
            type="text"
            inputMode="numeric"
            size={12}
            placeholder="any"
            value={offset}
            onInput={event => setOffset(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary">
          Tamper
        </button>
      </form>
      {report !== undefined && <Report report={report} onOpen={open} />}
    </section>
  )
}

function Report({ report, onOpen }: { readonly report: TamperReport; onOpen(checked: boolean): void }) {
  const { target, label, path, size, offset, defences, closed } = report
  const noticed = defences.filter(one => one.outcome === 'noticed').length
  return (
    <div class="tamper-report" role="status">
      <p>
        Byte <b>{countText(offset)}</b> of {countText(size)} of{' '}
        {target === 'image' ? 'the image' : target === 'object' ? 'the object' : 'the tree'}{' '}
        <code>
          <bdi>{shownText(label)}</bdi>
        </code>
        {path !== undefined && (
          <>
            , which holds <bdi>{shownText(path)}</bdi>
          </>
        )}
      </p>
      <Bytes report={report} />
      <ol class="defences">
        {defences.map(one => (
          <DefenceCard key={one.name} defence={one} />
        ))}
      </ol>
      <p>
        {noticed > 0
          ? `${countText(noticed)} of ${countText(defences.length)} lines of defence noticed.`
          : 'Nothing noticed. That is why a digest has to be given.'}
      </p>
      <div class="tamper-form">
        {closed === undefined ? (
          <button type="button" onClick={() => onOpen(true)}>
            Open the tampered copy
          </button>
        ) : (
          <p class="hint">The copy can’t be opened to be looked at: it is broken too badly.</p>
        )}
        {target === 'object' && (
          <button type="button" onClick={() => onOpen(false)}>
            Open it with verity off
          </button>
        )}
      </div>
    </div>
  )
}

/** The bytes around the one that was changed, before and after. */
function Bytes({ report: { before, after, windowStart, offset } }: { readonly report: TamperReport }) {
  const at = offset - windowStart
  const from = Math.max(0, at - 8)
  const line = (bytes: readonly number[]) => bytes.slice(from, at + 8)
  const hex = (byte: number) => byte.toString(16).padStart(2, '0')
  const bits = (byte: number) => byte.toString(2).padStart(8, '0')
  const row = (name: string, bytes: readonly number[]) => (
    <tr>
      <th scope="row">{name}</th>
      {line(bytes).map((byte, i) => {
        const here = from + i === at
        return (
          <td key={i} class={here ? 'flipped' : undefined}>
            {here ? <b>{hex(byte)}</b> : hex(byte)}
          </td>
        )
      })}
      <td class="bits">{bits(bytes[at])}</td>
    </tr>
  )
  return (
    <div class="tamper-bytes">
      <table class="mono">
        <caption class="hidden">The bytes around the changed one</caption>
        <tbody>
          {row('before', before)}
          {row('after', after)}
        </tbody>
      </table>
    </div>
  )
}

const OUTCOMES = {
  noticed: { Icon: ShieldCheck, text: 'notices' },
  passed: { Icon: ShieldAlert, text: 'lets it pass' },
  'not asked': { Icon: ShieldQuestion, text: 'not asked' },
} as const

function DefenceCard({ defence: { name, about, outcome, text, expected, actual } }: { readonly defence: Defence }) {
  const { Icon, text: word } = OUTCOMES[outcome]
  return (
    <li class={`defence ${outcome.replace(' ', '-')}`}>
      <Icon size={26} class="defence-icon" aria-hidden="true" />
      <div>
        <h3>
          {name} <span class="defence-outcome">{word}</span>
        </h3>
        <p>{shownText(text)}</p>
        {expected !== undefined && actual !== undefined && <Digests expected={expected} actual={actual} />}
        <p class="hint">{about}</p>
      </div>
    </li>
  )
}

function Digests({ expected, actual }: { readonly expected: string; readonly actual: string }) {
  return (
    <dl class="digests">
      <dt>should be</dt>
      <dd>
        <code>{expected}</code>
      </dd>
      <dt>is</dt>
      <dd>
        <code class={expected === actual ? undefined : 'wrong'}>{actual}</code>
      </dd>
    </dl>
  )
}
