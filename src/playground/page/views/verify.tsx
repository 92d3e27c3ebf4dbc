// The view of whether an image is what it claims to be: its digest, its structure and its objects, live; and the tamper demo.

import { BadgeCheck, CircleAlert, CircleDashed, LoaderCircle } from 'lucide-preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { DocumentId } from '../../protocol.js'
import type { VerifyState } from '../../reports.js'
import { useSession } from '../context.js'
import type { ViewProps } from '../view-props.js'
import { bytesText, countText } from '../words.js'
import { VerifyFindings } from './verify-findings.js'
import { VerifyTamper } from './verify-tamper.js'

/** How often the worker is asked while it works. Milliseconds. */
const ASK_MS = 100

function isRunning(state: VerifyState | undefined): boolean {
  return state !== undefined && ['image', 'structure', 'objects'].includes(state.stage)
}

/** What the worker says, asked for again as long as it works; it goes on when the view is left. */
function useVerification(id: DocumentId) {
  const session = useSession()
  const [state, setState] = useState<VerifyState>()
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const here = useRef(true)
  const ask = async () => {
    const found = await session.attempt(() => session.engine.verify.state(id))
    if (!here.current) return
    setState(found)
    if (isRunning(found)) timer.current = setTimeout(ask, ASK_MS)
  }
  useEffect(() => {
    here.current = true
    void ask()
    return () => {
      here.current = false
      clearTimeout(timer.current)
    }
  }, [id, session])
  const start = async () => {
    setState(await session.attempt(() => session.engine.verify.start(id)))
    clearTimeout(timer.current)
    await ask()
  }
  const cancel = () => void session.attempt(() => session.engine.verify.cancel(id))
  return { state, start, cancel }
}

function problemsOf({ findings }: VerifyState): number {
  const { structure, missing, size, digest, unreadable } = findings
  return structure + missing + size + digest + unreadable
}

/** All of it in one sentence. */
function verdict(state: VerifyState): string {
  const problems = problemsOf(state)
  const { findings, store, objects, given, text } = state
  if (state.stage === 'failed') return text ?? 'Verifying has failed.'
  if (state.stage === 'cancelled') return 'Cancelled. What was found until then is below.'
  if (state.stage !== 'done') return 'Verifying…'
  if (problems > 0)
    return `${countText(problems)} ${problems === 1 ? 'problem' : 'problems'} found. Don’t trust it before they are understood.`
  const unlooked =
    store === undefined && objects > 0 ? ' Its objects were not looked at: it was opened without a store.' : ''
  const unchecked =
    findings.unchecked > 0 ? ` ${countText(findings.unchecked)} objects have no digest to check them by.` : ''
  const claim =
    given === undefined
      ? ' No digest was given, so compare the one below with one from a source you trust.'
      : ' It has the digest that was given.'
  return `Nothing is wrong.${claim}${unlooked}${unchecked}`
}

export default function Verify({ pane, document, path }: ViewProps) {
  const { state, start, cancel } = useVerification(document.id)
  const running = isRunning(state)
  const show = state !== undefined && state.stage !== 'none'
  const tone =
    !show || running
      ? ''
      : problemsOf(state) > 0 || state.stage === 'failed'
        ? ' bad'
        : state.stage === 'done'
          ? ' good'
          : ''
  return (
    <div class="verify">
      <section class={`verify-card${tone}`} aria-label="Verification">
        <div class="verify-head">
          <h2>Is it what it claims to be?</h2>
          {running ? (
            <button type="button" onClick={cancel}>
              Cancel
            </button>
          ) : (
            <button type="button" class="primary" onClick={() => void start()}>
              {show ? 'Verify again' : 'Verify'}
            </button>
          )}
        </div>
        <p class="verify-verdict" role="status">
          {show
            ? verdict(state)
            : 'Measures the image’s digest, walks all of its structure, and reads every object to its end.'}
        </p>
        {document.store === undefined && (
          <p class="hint">
            The image was opened without a store, so objects can’t be read. Open it with its objects to have them
            verified, too.
          </p>
        )}
        {show && <Steps state={state} />}
      </section>
      {show && <VerifyFindings pane={pane} id={document.id} state={state} />}
      <VerifyTamper key={document.id} document={document} path={path} />
    </div>
  )
}

type StepState = 'waiting' | 'running' | 'good' | 'bad' | 'skipped'

interface StepProps {
  readonly name: string
  readonly state: StepState
  readonly text: string
  readonly done: number
  readonly total: number
  readonly children?: preact.ComponentChildren
}

const STEP_WORDS: Readonly<Record<StepState, string>> = {
  waiting: 'not yet',
  running: 'running',
  good: 'good',
  bad: 'something is wrong',
  skipped: 'not looked at',
}

function Step({ name, state, text, done, total, children }: StepProps) {
  const Icon =
    state === 'good' ? BadgeCheck : state === 'bad' ? CircleAlert : state === 'running' ? LoaderCircle : CircleDashed
  return (
    <li class={`step ${state}`}>
      <Icon size={20} class="step-icon" aria-hidden="true" />
      <div class="step-body">
        <p>
          <b>{name}</b> <span class="hidden">({STEP_WORDS[state]})</span> {text}
        </p>
        {state === 'running' && (
          <progress aria-label={name} max={Math.max(total, 1)} value={total === 0 ? undefined : done} />
        )}
        {children}
      </div>
    </li>
  )
}

const ORDER = ['image', 'structure', 'objects', 'done']

/** What has become of a step. */
function stepState(state: VerifyState, stage: 'image' | 'structure' | 'objects', bad: boolean): StepState {
  const at = ORDER.indexOf(state.stage)
  const own = ORDER.indexOf(stage)
  if (bad) return 'bad'
  if (at < 0) return 'waiting'
  return at > own ? 'good' : at === own ? 'running' : 'waiting'
}

function Steps({ state }: { readonly state: VerifyState }) {
  const { measured, given, imageBytes, imageDone, entries, findings, store } = state
  const wrongDigest = given !== undefined && measured !== undefined && given !== measured
  const badObjects = problemsOf(state) - findings.structure - (wrongDigest ? 1 : 0) > 0
  const objects =
    store === undefined && state.objects > 0 && state.stage === 'done'
      ? 'skipped'
      : stepState(state, 'objects', badObjects)
  return (
    <ol class="steps">
      <Step
        name="Digest of the image"
        state={stepState(state, 'image', wrongDigest)}
        text={bytesText(imageBytes)}
        done={imageDone}
        total={imageBytes}
      >
        {measured !== undefined && (
          <dl class="digests">
            <dt>measured</dt>
            <dd>
              <code>{measured}</code>
            </dd>
            <dt>given</dt>
            <dd>{given === undefined ? 'none' : <code>{given}</code>}</dd>
          </dl>
        )}
      </Step>
      <Step
        name="Structure"
        state={stepState(state, 'structure', findings.structure > 0)}
        text={`${countText(entries)} entries walked`}
        done={0}
        total={0}
      />
      <Step name="Objects" state={objects} text={objectsText(state)} done={state.bytesDone} total={state.bytes} />
    </ol>
  )
}

function objectsText({ objects, objectsDone, bytes, bytesDone, objectsTook, store }: VerifyState): string {
  if (store === undefined)
    return objects === 0 ? '' : `${countText(objects)} named, ${bytesText(bytes)}; no store to look into`
  const rate = objectsTook > 200 ? `, ${bytesText(Math.round((1000 * bytesDone) / objectsTook))}/s` : ''
  return `${countText(objectsDone)} of ${countText(objects)}, ${bytesText(bytesDone)} of ${bytesText(bytes)}${rate}`
}
