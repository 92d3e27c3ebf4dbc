// What people are told: failures until they are put away, news for a while, and long work with how far it has come.

import { X } from 'lucide-preact'
import { useSession } from './context.js'
import type { Job } from './session.js'
import { bytesText, countText } from './words.js'

function JobRow({ job }: { readonly job: Job }) {
  const { what, done, total, unit } = job.progress.value
  const amount = (n: number) => (unit === 'bytes' ? bytesText(n) : `${countText(n)} ${unit}`)
  return (
    <div class="notice job">
      <div class="job-text">
        <span>{what}</span>
        <span>{total > 0 ? `${amount(done)} of ${amount(total)}` : amount(done)}</span>
      </div>
      <progress aria-label={what} max={total > 0 ? total : undefined} value={total > 0 ? done : undefined} />
      <button type="button" onClick={() => job.cancel()}>
        Cancel
      </button>
    </div>
  )
}

export function Notices() {
  const session = useSession()
  return (
    <aside class="notices" aria-label="Messages">
      {session.jobs.value.map(job => (
        <JobRow key={job.id} job={job} />
      ))}
      <div aria-live="polite" role="status">
        {session.notices.value.map(({ id, kind, text }) => (
          <div key={id} class={`notice ${kind}`}>
            <bdi>{text}</bdi>
            <button type="button" class="plain" aria-label="Put this message away" onClick={() => session.unsay(id)}>
              <X size={16} aria-hidden="true" />
            </button>
          </div>
        ))}
      </div>
    </aside>
  )
}
