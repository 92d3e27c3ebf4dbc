// What is in the playground's demo, release 1 or 2 of a system named Tidepool: a bit of everything that an image can hold.
// Not here: the texts (demo-text.mjs, demo-sources.mjs), the pictures (demo-picture.mjs), dump text (demo-dump.mjs).
import { bayPicture, tideDrawing } from './demo-picture.mjs'
import * as sources from './demo-sources.mjs'
import * as texts from './demo-text.mjs'

const RELEASED = [1_760_000_000, 1_767_700_000]
const DAEMON = { uid: 412, gid: 412 }

/** What tests, and who shows the demo, may rely on. */
export const DEMO_TREE = {
  many: { path: '/srv/many', count: 5000 },
  big: { path: '/var/log/tide.log', size: 2 << 20 },
  deep: { path: '/srv/deep', levels: 40 },
  picture: '/usr/share/pictures/bay.png',
  drawing: '/usr/share/pictures/tide.svg',
  wasm: '/usr/lib/tidepool/core.wasm',
  program: '/usr/bin/hello.wasm',
  hardLinks: ['/usr/bin/tide', '/usr/bin/ebb', '/usr/bin/flow'],
  dangling: ['/etc/mtab', '/srv/layer/nowhere'],
  whiteouts: ['/srv/layer/gone', '/srv/layer/gone-folder'],
  opaque: '/srv/layer/fresh',
  setuid: '/usr/bin/knock',
  hostile: ['/srv/hostile/page.html', '/srv/hostile/drawing.svg', '/srv/hostile/terminal.txt', '/srv/hostile/turned.c'],
  /** As path text: a byte that is not UTF-8 is a lone surrogate U+DC00 + byte. */
  oddNames: [
    'with spaces  in it',
    ' leading and trailing ',
    'line\nbreak',
    'tab\there',
    'ünïcödé-海-🌊',
    'e\u0301 is not \u00e9',
    '\u05e9\u05dc\u05d5\u05dd \u0645\u062f\u062e\u0644',
    'turned\u202egpj.exe',
    '<img src=x onerror=alert(1)>',
    '"quotes\' & <b>tags<\u2044b>',
    'percent%2e%2e%2f',
    'back\\slash',
    '#fragment?query',
    'invalid \udcff\udcfe utf-8',
    'half \udcc3',
    '-',
    '-rf',
    '$(touch x)`touch y`',
    '\u001b[31mred',
    '…',
    'n'.repeat(255),
  ],
  /** What release 2 has done to release 1, as far as a user would say. */
  added: ['/usr/share/doc/tidepool/RADAR.md', '/usr/src/tide/tide.sql', '/usr/bin/radar', '/etc/tidepool/radar.conf'],
  removed: ['/usr/bin/legacy-import', '/etc/tidepool/legacy.ini'],
  /** Both have it, with the same bytes. */
  shared: ['/var/log/tide.log', '/usr/share/pictures/bay.png', '/usr/src/tide/turns.py', '/usr/lib/tidepool/core.wasm'],
}

function addEtc(dump, release) {
  for (const path of ['/etc/tidepool', '/usr/lib/tidepool', '/usr/bin', '/usr/share/zoneinfo']) dump.directories(path)
  dump.file('/usr/lib/os-release', texts.osRelease(release))
  dump.symlink('/etc/os-release', '../usr/lib/os-release')
  dump.file('/etc/hostname', 'tidepool\n', { xattrs: { 'user.comment': 'eight stations, one pool 🌊' } })
  dump.file('/etc/passwd', texts.passwd(release))
  dump.file('/etc/shadow', 'root:!:20000::::::\ntide:!:20000::::::\n', { mode: 0o000 })
  dump.file('/etc/motd', release === 1 ? 'Low water at six.\n' : 'High water at six.\n')
  dump.symlink('/etc/mtab', '../proc/self/mounts')
  dump.file('/usr/share/zoneinfo/UTC', Buffer.concat([Buffer.from('TZif2'), Buffer.alloc(15)]))
  dump.symlink('/etc/localtime', '../usr/share/zoneinfo/UTC')
  dump.file('/etc/tidepool/tide.toml', texts.configToml(release))
  dump.file('/etc/tidepool/tide.yaml', texts.configYaml, { mode: release === 1 ? 0o644 : 0o640 })
  if (release === 1) dump.file('/etc/tidepool/legacy.ini', '[import]\nfrom=/srv/old\n')
  else dump.file('/etc/tidepool/radar.conf', 'power=low\n')
}

function addPrograms(dump, release, wasm) {
  const [tide, ...more] = DEMO_TREE.hardLinks
  dump.file(tide, sources.shellSource, { mode: 0o755 })
  for (const name of more) dump.hardLink(name, tide)
  dump.symlink('/usr/bin/tides', 'tide')
  // A capability as Linux stores it: version 2, CAP_NET_RAW, effective.
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex')
  dump.file('/usr/bin/ping-station', '#!/bin/sh\nexec ping -c1 "station-$1"\n', {
    mode: 0o755,
    xattrs: { 'security.capability': capability },
  })
  dump.file(DEMO_TREE.setuid, '#!/bin/sh\necho knock knock\n', { mode: 0o4755 })
  if (release === 1) dump.file('/usr/bin/legacy-import', '#!/bin/sh\ncat /srv/old/*.csv\n', { mode: 0o755 })
  else dump.file('/usr/bin/radar', "#!/bin/sh\ntide | awk '$2 > 4'\n", { mode: 0o755 })
  const labels = { 'user.origin': 'the core that reads this image', 'security.selinux': 'system_u:object_r:lib_t:s0\0' }
  dump.file(DEMO_TREE.wasm, wasm.core, { xattrs: labels })
  dump.file(DEMO_TREE.program, wasm.program, { mode: 0o755 })
  for (const name of ['bin', 'lib']) dump.symlink(`/${name}`, `usr/${name}`)
}

function addSources(dump, release) {
  const at = '/usr/src/tide'
  dump.directories(`${at}/.ci`)
  const files = {
    'tide.c': sources.cSource(release),
    'tide.h': sources.cHeader,
    'turns.py': sources.pythonSource,
    'tide.sh': sources.shellSource,
    'until.ts': sources.typescriptSource,
    'reading.rs': sources.rustSource,
    Makefile: sources.makefile,
    'index.html': texts.page,
    'tide.css': texts.style,
    '.ci/check.yaml': sources.ciYaml,
    'package.json': `${JSON.stringify({ name: 'tide', version: `${release}.0.0`, private: true, type: 'module' }, null, 2)}\n`,
  }
  if (release > 1) files['tide.sql'] = sources.sqlSource
  for (const [name, text] of Object.entries(files)) dump.file(`${at}/${name}`, text)
}

function addShare(dump, release) {
  const doc = '/usr/share/doc/tidepool'
  for (const path of [doc, '/usr/share/pictures', '/usr/share/data']) dump.directories(path)
  dump.file(`${doc}/README.md`, texts.readme(release), { xattrs: { 'user.mime_type': 'text/markdown' } })
  dump.file(`${doc}/FORMAT.md`, texts.formatDoc)
  dump.file(`${doc}/CHANGES.md`, texts.changesDoc(release))
  if (release > 1)
    dump.file(`${doc}/RADAR.md`, '# Radar\n\nRadar sensors look down at the water from a pier. They do not get wet.\n')
  dump.symlink('/README.md', `${doc.slice(1)}/README.md`)
  dump.file(DEMO_TREE.picture, bayPicture(0))
  const heights = station => Array.from({ length: 97 }, (_, i) => texts.tideAt(station, i / 4))
  dump.file(DEMO_TREE.drawing, tideDrawing(heights(release)))
  dump.file('/usr/share/data/stations.json', texts.stationsJson(release))
  dump.file('/usr/share/data/stations.csv', texts.stationsCsv())
  // One object, two files.
  dump.file('/usr/share/data/stations-copy.csv', texts.stationsCsv(), { mode: 0o600, ...DAEMON })
}

function addState(dump) {
  dump.directories('/var/log')
  dump.directory('/var/lib')
  dump.directory('/var/lib/tide', { ...DAEMON, mode: 0o2750 })
  dump.file('/var/lib/tide/latest.json', '{"station":1,"height":3.41}\n', { ...DAEMON, mode: 0o640 })
  dump.file(DEMO_TREE.big.path, texts.longLog(DEMO_TREE.big.size), DAEMON)
  dump.directory('/tmp', { mode: 0o1777 })
  for (const path of ['/proc', '/sys', '/run']) dump.directory(path)
  dump.directory('/dev')
  dump.characterDevice('/dev/null', 1, 3)
  dump.characterDevice('/dev/zero', 1, 5)
  dump.characterDevice('/dev/tty', 5, 0, { gid: 5 })
  dump.blockDevice('/dev/sda', 8, 0, { gid: 6 })
  dump.fifo('/run/tide.fifo', DAEMON)
  dump.socket('/run/tide.socket', DAEMON)
}

function addOdd(dump) {
  dump.directories('/srv/names')
  for (const name of DEMO_TREE.oddNames) dump.file(`/srv/names/${name}`, 'The name is what is odd here.\n')
  dump.symlink('/srv/names/link to odd', DEMO_TREE.oddNames[4])
  dump.directory('/srv/hostile')
  const hostile = [texts.hostileHtml, texts.hostileSvg, texts.terminalText, texts.turnedSource]
  DEMO_TREE.hostile.forEach((path, i) => {
    dump.file(path, hostile[i])
  })
  dump.symlink('/srv/hostile/up', '../../../../../../etc/passwd')
  for (const [from, to] of ['ab', 'ba']) dump.symlink(`/srv/hostile/loop-${from}`, `loop-${to}`)
}

/** As an overlay would have it that is the upper one of two: what it hides, and what it begins anew. */
function addLayer(dump) {
  dump.directory('/srv/layer')
  for (const path of DEMO_TREE.whiteouts) dump.characterDevice(path, 0, 0, { mode: 0 })
  dump.directory(DEMO_TREE.opaque, { xattrs: { 'trusted.overlay.opaque': 'y' } })
  dump.file(`${DEMO_TREE.opaque}/new.txt`, 'Nothing below shows through.\n')
  dump.symlink('/srv/layer/nowhere', 'gone/and/more')
}

function addMany(dump) {
  const { many, deep } = DEMO_TREE
  dump.directory(many.path)
  for (let i = 0; i < many.count; i++) {
    const name = `${many.path}/reading-${String(i).padStart(4, '0')}.txt`
    dump.file(name, i % 2 === 0 ? '' : `${texts.tideAt(i % 8, i).toFixed(2)} m\n`, { time: 1_750_000_000 + i * 60 })
  }
  let path = deep.path
  dump.directory(path)
  for (let i = 1; i <= deep.levels; i++) {
    path += `/fathom-${i}`
    dump.directory(path)
  }
  dump.file(`${path}/bottom.txt`, 'This is the bottom of the pool.\n')
}

/** All of it, in a dump that `begin` makes for a time. `wasm`: the bytes of a module, and of a program. */
export function demoTree(begin, release, wasm) {
  const dump = begin(RELEASED[release - 1])
  for (const path of ['/etc', '/usr', '/var', '/srv']) dump.directory(path)
  addEtc(dump, release)
  addPrograms(dump, release, wasm)
  addSources(dump, release)
  addShare(dump, release)
  addState(dump)
  addOdd(dump)
  addLayer(dump)
  addMany(dump)
  return dump
}
