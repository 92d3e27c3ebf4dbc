// A small project for the consumers that build: sources in TypeScript and JavaScript, a package behind a link as pnpm lays
// them out, and the output of an earlier build. Not here: the builders.
import fs from 'node:fs'
import { dirname, join } from 'node:path'

const WORDS = Array.from({ length: 200 }, (_, i) => `export const word${i} = ${JSON.stringify(`word ${i} — ü`)}`)

const FILES: Readonly<Record<string, string>> = {
  'package.json': '{ "name": "project", "type": "module" }\n',
  'src/main.js': `import { greet } from './greet.js'
import { shared } from './shared/index.js'
import { pad, unused } from 'padding'
import data from './data.json'
export const text = pad(greet(shared), data.width)
export const later = () => import('./later.js')
`,
  'src/second.js': `import { shared } from './shared/index.js'
import * as words from './words.js'
export const second = [shared, words.word7].join(' ')
`,
  'src/greet.js': 'export const greet = name => "hello " + name\nexport const alone = 1\n',
  'src/shared/index.js': "export * from './one.js'\nexport { two } from './two.js'\n",
  'src/shared/one.js': "export const shared = 'shared'\n",
  'src/shared/two.js': "export const two = 'two'\n",
  'src/later.js': `import { two } from './shared/index.js'\nexport default 'later ' + two\n`,
  'src/data.json': '{ "width": 20, "not": ["needed"] }\n',
  'src/words.js': `${WORDS.join('\n')}\n`,
  'node_modules/.store/padding@1/node_modules/padding/package.json':
    '{ "name": "padding", "version": "1.0.0", "type": "module", "exports": { "import": "./lib/main.js" } }\n',
  'node_modules/.store/padding@1/node_modules/padding/lib/main.js':
    "export const pad = (text, width) => text.padEnd(width, '.')\nexport const unused = 'shaken off'\n",
  'dist/main.js': '// of an earlier build\n',
  'dist/stale.js': '// stale\n',
  'types/tsconfig.json': JSON.stringify({
    compilerOptions: {
      ...{ target: 'ES2020', module: 'ES2020', moduleResolution: 'bundler', strict: true, noLib: true, types: [] },
      ...{ declaration: true, sourceMap: true, incremental: true, rootDir: 'src', outDir: 'built' },
    },
    files: ['src/index.ts', 'src/wrong.ts', 'src/library.d.ts'],
  }),
  // As much of a library as a compiler wants: then no path in its output leads out of the project.
  'types/src/library.d.ts': `interface ReadonlyArray<T> {
  map<U>(each: (value: T) => U): U[]
  reduce<U>(each: (sum: U, value: T) => U, first: U): U
}
interface Array<T> extends ReadonlyArray<T> { [index: number]: T }
interface Boolean {} interface CallableFunction {} interface Function {} interface IArguments {}
interface NewableFunction {} interface Number {} interface Object {} interface RegExp {} interface String {}
`,
  'types/built/shape.js': '// of an earlier build\n',
  'types/src/index.ts': `import { type Shape, area } from './shape'
export * from './shape'
export const sum = (shapes: readonly Shape[]): number => shapes.map(area).reduce((a, b) => a + b, 0)
export enum Kind { One, Two = 'two' }
`,
  'types/src/shape.ts': `export interface Shape { readonly width: number; readonly height: number }
export const area = ({ width, height }: Shape): number => width * height
export class Square implements Shape {
  constructor(readonly width: number) {}
  get height(): number { return this.width }
}
`,
  'types/src/wrong.ts':
    "import { area } from './shape'\nexport const wrong: string = area({ width: 1, height: 'two' })\n",
}

/** Writes the project into a directory. */
export function writeProject(dir: string): void {
  for (const [path, text] of Object.entries(FILES)) {
    fs.mkdirSync(dirname(join(dir, path)), { recursive: true })
    fs.writeFileSync(join(dir, path), text)
  }
  fs.symlinkSync('.store/padding@1/node_modules/padding', join(dir, 'node_modules/padding'))
}
