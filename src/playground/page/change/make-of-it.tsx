// What can be made of the changes: a layer for containers, and a new image with its digest and the objects that are new. Not here: the
// making (the worker).

import { Copy, Download, ExternalLink, Layers, PackageCheck } from 'lucide-preact'
import type { CommittedImage } from '../../changing.js'
import { useSession } from '../context.js'
import type { ViewProps } from '../view-props.js'
import { handOver } from '../viewers/download.js'
import { useAnswer } from '../viewers/use-answer.js'
import { bytesText, countText } from '../words.js'
import { copyText } from './actions.js'

/** A name for a file, without what it ends in. */
function stem(name: string): string {
  return name.replace(/(?<=.)\.[^.]*$/, '').replace(/[/\\:*?"<>|\p{C}]/gu, '_')
}

function Committed({ document, image }: ViewProps & { readonly image: CommittedImage }) {
  const session = useSession()
  const { name, digest, objects, objectBytes } = image
  const pack = async () => {
    const tar = await session.work('Packing the objects', (job, listener) =>
      session.engine.changesExport.objects(document.id, job, listener),
    )
    if (tar !== undefined) handOver(tar, `${stem(name)}-objects.tar`)
  }
  const open = async () => {
    const info = await session.attempt(() => session.engine.changesExport.open(document.id))
    if (info !== undefined) session.opened(info)
  }
  return (
    <div class="committed">
      <dl>
        <div>
          <dt>Digest (fs-verity)</dt>
          <dd>
            <code class="digest">{digest}</code>
            <button
              type="button"
              class="plain"
              aria-label="Copy the digest"
              onClick={() => void copyText(session, digest, 'The digest')}
            >
              <Copy size={15} aria-hidden="true" />
            </button>
          </dd>
        </div>
        <div>
          <dt>Size</dt>
          <dd>{bytesText(image.image.size)}</dd>
        </div>
        <div>
          <dt>New objects</dt>
          <dd>
            {countText(objects)}
            {objects > 0 && `, ${bytesText(objectBytes)}`}
          </dd>
        </div>
      </dl>
      <div class="open-buttons">
        <button type="button" onClick={() => handOver(image.image, `${stem(name)}.cfs`)}>
          <Download size={15} aria-hidden="true" />
          Download the image
        </button>
        {objects > 0 && (
          <button type="button" onClick={() => void pack()}>
            <Download size={15} aria-hidden="true" />
            Download the new objects
          </button>
        )}
        <button type="button" class="primary" onClick={() => void open()}>
          <ExternalLink size={15} aria-hidden="true" />
          Open the new image
        </button>
      </div>
    </div>
  )
}

export function MakeOfIt(props: ViewProps & { readonly count: number }) {
  const { document, count } = props
  const { id, revision, name } = document
  const session = useSession()
  const key = JSON.stringify([id, revision])
  const { value: known, again } = useAnswer(key, async () => ({
    image: await session.engine.changesExport.committed(id),
  }))
  const exportLayer = async () => {
    const tar = await session.work('Packing the layer', (job, listener) =>
      session.engine.changesExport.layer(id, job, listener),
    )
    if (tar !== undefined) handOver(tar, `${stem(name)}-layer.tar`)
  }
  const commit = async () => {
    await session.work('Making the image', (job, listener) => session.engine.changesExport.commit(id, job, listener))
    again()
  }
  const image = known?.image
  return (
    <section class="changes-make">
      <h2>Make something of it</h2>
      <div class="changes-ways">
        <div>
          <button type="button" disabled={count === 0} onClick={() => void exportLayer()}>
            <Layers size={16} aria-hidden="true" />
            Export as OCI layer
          </button>
          <p>A tar of what is different, with whiteouts for what is gone, as layers of containers are.</p>
        </div>
        <div>
          <button type="button" onClick={() => void commit()}>
            <PackageCheck size={16} aria-hidden="true" />
            Commit
          </button>
          <p>A new image of all there is now, bit for bit what mkcomposefs makes of it.</p>
        </div>
      </div>
      {image !== undefined && <Committed {...props} image={image} />}
    </section>
  )
}
