// What is shown as long as nothing is open: what this is, and ways to begin. Not here: the ways themselves (pickers.tsx).

import { Boxes, FileArchive, FileText, FolderTree, HardDrive, Package, Play, ShieldCheck } from 'lucide-preact'
import type { ComponentChildren, ComponentType } from 'preact'
import { useSession } from './context.js'
import { openDemo } from './opening.js'
import { FilesButton, FolderButton, UrlForm } from './pickers.js'

interface KindProps {
  readonly icon: ComponentType<{ readonly size: number; readonly 'aria-hidden': 'true' }>
  readonly title: string
  readonly children: ComponentChildren
}

function KindOfInput({ icon: Icon, title, children }: KindProps) {
  return (
    <li>
      <Icon size={20} aria-hidden="true" />
      <div>
        <h3>{title}</h3>
        <p>{children}</p>
      </div>
    </li>
  )
}

export function StartScreen() {
  const session = useSession()
  return (
    <section class="start" aria-labelledby="start-title">
      <div class="start-inner">
        <h2 id="start-title">See what is inside a filesystem image</h2>
        <p class="start-lead">
          A composefs image says what a tree of files looks like, and seals it with a digest. Open one to browse its
          files, see which byte holds what, compare it with another, change it, and check that it is what it claims to
          be.
        </p>
        <div class="drop-zone">
          <Package size={44} aria-hidden="true" strokeWidth={1.4} />
          <p class="drop-title">Drop images, folders or archives here</p>
          <div class="start-buttons">
            <FilesButton primary>Open files…</FilesButton>
            <FolderButton>Open a folder…</FolderButton>
            <button type="button" onClick={() => void openDemo(session)}>
              <Play size={15} aria-hidden="true" />
              Try the demo
            </button>
          </div>
          <details class="start-url">
            <summary>Open an address on the web</summary>
            <UrlForm />
          </details>
          <p class="start-safe">
            <ShieldCheck size={16} aria-hidden="true" />
            Everything happens in this page. Nothing is uploaded.
          </p>
        </div>
        <ul class="start-kinds" aria-label="What can be opened">
          <KindOfInput icon={HardDrive} title="Images">
            composefs, EROFS and cfs v1
          </KindOfInput>
          <KindOfInput icon={Boxes} title="Objects">
            the contents of an image’s files: drop their folder along with it, or later
          </KindOfInput>
          <KindOfInput icon={FileText} title="Dumps">
            the text form of an image, as <code>composefs-info dump</code> prints it
          </KindOfInput>
          <KindOfInput icon={FolderTree} title="Folders">
            any folder becomes an image, here in the page
          </KindOfInput>
          <KindOfInput icon={FileArchive} title="Archives">
            zip, tar and tar.gz, of objects or of any files
          </KindOfInput>
        </ul>
      </div>
    </section>
  )
}
