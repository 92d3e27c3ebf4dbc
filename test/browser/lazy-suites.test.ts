// The suites of lazy images in a worker of a real browser: the same files as under Node.
import { suite } from 'uvu'
import { addSuiteFiles } from './suite-driver.js'

const lazy = suite('browser: lazy images')
await addSuiteFiles(lazy, [{ name: 'image/lazy-bounds.test.ts' }, { name: 'image/lazy.test.ts' }])
lazy.run()
