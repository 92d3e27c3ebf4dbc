// The suites of mounts in a worker of a real browser: the same files as under Node.
import { suite } from 'uvu'
import { addSuiteFiles } from './suite-driver.js'

const DIRECTORY = 'a browser has no directories'

const mounts = suite('browser: mounts')
await addSuiteFiles(mounts, [
  {
    name: 'mount/nested-mounts.test.ts',
    leftOut: {
      'what was changed over mounts is kept': DIRECTORY,
      'who still has what is in a directory when that is unmounted': DIRECTORY,
    },
  },
  { name: 'mount/writable-mount.test.ts', leftOut: { 'a directory keeps what was changed': DIRECTORY } },
  { name: 'mount/prefetch.test.ts' },
  { name: 'mount/prefetch-kept.test.ts' },
  {
    name: 'mount/lazy-open.test.ts',
    leftOut: {
      'a file that is too large': DIRECTORY,
      'URLs that are not read': 'a browser has no paths: every string is a URL, and another scheme ENOTSUP',
    },
  },
  {
    name: 'vfs/lazy-mounts.test.ts',
    leftOut: { 'at once it is EAGAIN': 'it asks for globs, whose matcher (of memfs) wants Node’s path and buffer' },
  },
  { name: 'vfs/lazy-patient.test.ts' },
  { name: 'vfs/late-writes.test.ts' },
])
mounts.run()
