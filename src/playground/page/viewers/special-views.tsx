// What a symlink, a device, a FIFO, a socket or a whiteout is: these have no bytes to be shown.

import type { ChosenEntry } from '../../contents-protocol.js'
import { shownText } from '../../path-text.js'
import { useSession } from '../context.js'
import { EntryIcon } from '../icons.js'
import type { ViewProps } from '../view-props.js'
import { modeText, TYPE_WORDS } from '../words.js'

const MEANINGS: Readonly<Partial<Record<ChosenEntry['type'], string>>> = {
  chr: 'A character device: programs that open it talk to a driver of the kernel. The image holds nothing but its numbers.',
  blk: 'A block device: programs that open it talk to a driver of the kernel. The image holds nothing but its numbers.',
  fifo: 'A FIFO, or named pipe: what one program writes into it another one reads. The image holds nothing but its name.',
  sock: 'A socket: programs meet here while they run. The image holds nothing but its name.',
  unknown: 'This entry is damaged: what it is can’t be read. The other entries of the image are shown as they are.',
}
const WHITEOUT = 'A whiteout: in an overlay it hides what has this name in the layers below. It is stored as'

export function SpecialView({ entry }: { readonly entry: ChosenEntry }) {
  const { type, mode, uid, gid, device, badges } = entry
  const isWhiteout = badges.includes('whiteout')
  return (
    <div class="special">
      <h2>
        <EntryIcon entry={entry} /> {isWhiteout ? 'whiteout' : TYPE_WORDS[type]}
      </h2>
      <p>
        {isWhiteout
          ? `${WHITEOUT} ${type === 'chr' ? 'a character device 0:0' : 'an empty file with an extended attribute that says so'}.`
          : MEANINGS[type]}
      </p>
      <dl>
        {device !== undefined && (
          <>
            <dt>Major, minor</dt>
            <dd>
              {device.major}, {device.minor}
            </dd>
          </>
        )}
        <dt>Mode</dt>
        <dd class="mono">{modeText(type, mode)}</dd>
        <dt>Owner</dt>
        <dd>
          {uid}:{gid}
        </dd>
      </dl>
    </div>
  )
}

export function SymlinkView({ pane, entry }: Pick<ViewProps, 'pane'> & { readonly entry: ChosenEntry }) {
  const session = useSession()
  const { target = '', leads } = entry
  const to = leads?.path
  return (
    <div class="special">
      <h2>
        <EntryIcon entry={entry} /> symlink
      </h2>
      <p>
        It says <bdi class="mono">{shownText(target)}</bdi>
        {target.startsWith('/') && ', which begins at the root of the image'}.
      </p>
      {to === undefined ? (
        <p class="dangling">{leads?.problem}</p>
      ) : (
        <p>
          It leads to{' '}
          <button type="button" class="link" onClick={() => session.choose(pane, to)}>
            <bdi>{shownText(to)}</bdi>
          </button>
        </p>
      )}
    </div>
  )
}
