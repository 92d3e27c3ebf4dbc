// The suites of src/image in a worker of a real browser: the same files as under Node. Those of lazy images, which take
// longer: lazy-suites.test.ts.
import { suite } from 'uvu'
import { addSuiteFiles } from './suite-driver.js'

const images = suite('browser: images')
await addSuiteFiles(images, [
  { name: 'image/cfs-v1-graph.test.ts' },
  { name: 'image/cfs-v1-hostile.test.ts' },
  { name: 'image/cfs-v1-mutations.test.ts' },
  { name: 'image/cfs-v1-vector.test.ts' },
  { name: 'image/cfs-v1.test.ts' },
  { name: 'image/hostile.test.ts' },
  { name: 'image/mutations.test.ts' },
  { name: 'image/plain-decoder.test.ts' },
  {
    name: 'image/pool.test.ts',
    leftOut: { '10,000 mounts of one image': 'a browser does not say what memory it has' },
  },
  { name: 'image/resolve.test.ts' },
  { name: 'image/scan.test.ts' },
  { name: 'image/tree-entries.test.ts' },
])
images.run()
