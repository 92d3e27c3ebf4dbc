// Where the bytes of a file are, and whether they are what the image says: with a button that has them hashed now. Not here: hashing.

import { CircleAlert, CircleCheck, CircleHelp, ShieldCheck } from 'lucide-preact'
import { useEffect, useState } from 'preact/hooks'
import type { CheckResult, Inspection } from '../../inspection.js'
import type { DocumentId } from '../../protocol.js'
import { useSession } from '../context.js'
import { Fact } from './entry-facts.js'

const ICONS = { matches: CircleCheck, differs: CircleAlert, missing: CircleAlert, unknown: CircleHelp } as const

function Verdict({ result }: { readonly result: CheckResult }) {
  const Icon = ICONS[result.state]
  return (
    <div class={`check-verdict ${result.state}`} role="status" data-state={result.state}>
      <Icon size={18} aria-hidden="true" />
      <div>
        <p>{result.text}</p>
        {result.actual !== undefined && result.state !== 'matches' && (
          <p>
            Its digest is <code class="breaks">{result.actual}</code>
          </p>
        )}
      </div>
    </div>
  )
}

export function ObjectCheck({ id, inspection }: { readonly id: DocumentId; readonly inspection: Inspection }) {
  const session = useSession()
  const { path, object, checked, checkedOnRead } = inspection
  const [result, setResult] = useState(checked)
  useEffect(() => setResult(checked), [checked])
  if (object === undefined) return null
  const check = async () => {
    const found = await session.work('Checking the object', (job, listener) =>
      session.engine.inspector.check(id, path, job, listener),
    )
    if (found !== undefined) setResult(found)
  }
  return (
    <>
      <dl class="entry-facts">
        <Fact name="object">
          <code class="breaks" data-fact="object">
            {object.name}
          </code>
        </Fact>
        <Fact name="digest">
          {object.digest === undefined ? (
            'the image gives none'
          ) : (
            <code class="breaks" data-fact="digest">
              {object.digest}
            </code>
          )}
        </Fact>
        <Fact name="store">
          <span class="breaks">{object.store ?? 'none is open'}</span>
        </Fact>
      </dl>
      {checkedOnRead && (
        <p class="on-read">
          <ShieldCheck size={16} aria-hidden="true" /> Whatever reads it here sees only bytes that match the digest.
        </p>
      )}
      {result !== undefined && <Verdict result={result} />}
      <button type="button" onClick={() => void check()}>
        Check it now
      </button>
    </>
  )
}
