// Debian packages that tests use as outside judges, installed where that can be done without asking: as root, with apt.
// Elsewhere, or when it fails, the tests that want them say what they skip.
import { spawnSync } from 'node:child_process'

/** Package by the program that it brings. */
const WANTED = {
  chromium: 'chromium',
  fsverity: 'fsverity',
  python3: 'python3',
  git: 'git',
  'fsck.erofs': 'erofs-utils',
  umoci: 'umoci',
}

const has = program => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
const missing = Object.keys(WANTED).filter(program => !has(program))

if (missing.length > 0 && process.getuid?.() === 0 && has('apt-get')) {
  const packages = missing.map(program => WANTED[program])
  console.error(`installing Debian packages: ${packages.join(' ')}`)
  const options = {
    stdio: ['ignore', 'ignore', 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 300_000,
  }
  spawnSync('apt-get', ['update', '-qq'], options)
  const { status } = spawnSync('apt-get', ['install', '-qq', '--no-install-recommends', ...packages], options)
  if (status !== 0) console.error('some could not be installed; what needs them is skipped')
}
