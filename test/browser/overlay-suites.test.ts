// The suites of src/overlay in a worker of a real browser: the same files as under Node. Scenarios that a kernel has
// answered: scenarios.test.ts.
import { suite } from 'uvu'
import { addSuiteFiles } from './suite-driver.js'

const overlays = suite('browser: overlays')
await addSuiteFiles(overlays, [
  { name: 'overlay/cfs-v1-layer.test.ts' },
  { name: 'overlay/changes.test.ts' },
  { name: 'overlay/lazy-scenarios.test.ts' },
  { name: 'overlay/memory-body.test.ts' },
  { name: 'overlay/overlay.test.ts' },
  {
    name: 'overlay/snapshot.test.ts',
    leftOut: { 'a directory that begins with a snapshot keeps it': 'a browser has no directories' },
  },
  { name: 'overlay/whole.test.ts' },
])
overlays.run()
