// TypeScript's compiler on a system made of a mount's `fs` compiles a project that lies in an image, incrementally, into
// the mount. The judge is the command `tsc` on the same project on disk: the same files, byte for byte, and errors.
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import ts from 'typescript'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { NodeFs } from './fixture-image.js'
import { writeProject } from './project.js'
import { diskPlace, sameLines, temporary, treeOf, writableImage } from './writable-place.js'

const PROJECT = '/project/types'
const TSC = createRequire(import.meta.url).resolve('typescript/bin/tsc')

function isA(fs: NodeFs, path: string, kind: 'isFile' | 'isDirectory'): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.[kind]() ?? false
}

function systemOf(fs: NodeFs): ts.System {
  return {
    ...{ args: [], newLine: '\n', useCaseSensitiveFileNames: true, createHash: ts.sys.createHash },
    write: () => {},
    exit: code => {
      throw new Error(`exit ${code}`)
    },
    getExecutingFilePath: () => '/lib/typescript.js',
    getCurrentDirectory: () => PROJECT,
    resolvePath: path => join(PROJECT, path),
    readFile: path => (isA(fs, path, 'isFile') ? fs.readFileSync(path, 'utf8') : undefined),
    writeFile: (path, data) => fs.writeFileSync(path, data),
    fileExists: path => isA(fs, path, 'isFile'),
    directoryExists: path => isA(fs, path, 'isDirectory'),
    createDirectory: path => fs.mkdirSync(path),
    getDirectories: path => fs.readdirSync(path).filter(name => isA(fs, join(path, name), 'isDirectory')),
    // The project names its files.
    readDirectory: () => [],
    realpath: path => fs.realpathSync(path),
    getModifiedTime: path => fs.statSync(path, { throwIfNoEntry: false })?.mtime,
    deleteFile: path => fs.unlinkSync(path),
  }
}

/** Compiles, and gives what is wrong as `tsc` prints it. */
function compile(fs: NodeFs): string {
  const system = systemOf(fs)
  const stop = (found: ts.Diagnostic) => assert.unreachable(String(found.messageText))
  const host = { ...system, onUnRecoverableConfigFileDiagnostic: stop }
  const parsed = ts.getParsedCommandLineOfConfigFile(`${PROJECT}/tsconfig.json`, {}, host)
  assert.ok(parsed)
  const { options, fileNames: rootNames } = parsed
  const program = ts.createIncrementalProgram({
    rootNames,
    options,
    host: ts.createIncrementalCompilerHost(options, system),
  })
  const wrong = [...program.getConfigFileParsingDiagnostics(), ...program.getSyntacticDiagnostics()]
  wrong.push(...program.getGlobalDiagnostics(), ...program.getSemanticDiagnostics())
  wrong.push(...program.emit().diagnostics)
  return ts.formatDiagnostics(wrong, {
    getCurrentDirectory: () => PROJECT,
    getCanonicalFileName: name => name,
    getNewLine: () => '\n',
  })
}

async function tsc(root: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [TSC, '-p', '.'], { cwd: `${root}${PROJECT}` })
    return stdout
  } catch (error) {
    return (error as { stdout: string }).stdout
  }
}

const disk = diskPlace(temporary())
writeProject(join(disk.root, dirname(PROJECT)))
const mount = await writableImage(disk.root)

const compiler = suite('consumers: typescript in a writable mount, and tsc on disk')

async function alike(): Promise<string> {
  const theirs = await tsc(disk.root)
  assert.is(compile(mount.fs), theirs)
  sameLines(treeOf(mount, PROJECT), treeOf(disk, PROJECT), 'project')
  return theirs
}

compiler('compiles over what an earlier build left', async () => {
  assert.match(await alike(), /wrong\.ts\(2,14\): error TS2322/)
  for (const path of ['tsconfig.tsbuildinfo', 'built/index.d.ts', 'built/shape.js.map'])
    assert.ok(mount.fs.existsSync(`${PROJECT}/${path}`), path)
})
compiler('again, by what it has kept, after a change', async () => {
  for (const { fs, root } of [disk, mount]) {
    const at = `${root}${PROJECT}/src`
    fs.writeFileSync(`${at}/wrong.ts`, "export const right: string = 'two'\n")
    fs.renameSync(`${at}/shape.ts`, `${at}/form.ts`)
    fs.writeFileSync(`${at}/index.ts`, fs.readFileSync(`${at}/index.ts`, 'utf8').replaceAll('./shape', './form'))
  }
  assert.is(await alike(), '')
  assert.match(mount.fs.readFileSync(`${PROJECT}/built/index.js`, 'utf8'), './form')
})
compiler.run()
