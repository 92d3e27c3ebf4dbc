// Random trees as composefs dump text: everything that a dump can say and mkcomposefs takes, sizes around every boundary of
// the format, names and attributes that collide and share. Not here: dumps that are refused (mutate-dump.ts).

import { binaryBytes } from '../format/xattr-name.js'
import type { Random } from './random.js'

const SIZES = [
  0,
  1,
  63,
  64,
  65,
  4095,
  4096,
  4097,
  65535,
  65536,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 32 + 1,
  2 ** 43 - 1,
  2 ** 43,
  2 ** 43 + 1,
  3 * 2 ** 43,
  2 ** 50 + 7,
  2 ** 53,
]
const CONTENT = [1, 2, 63, 64, 65, 2047, 2048, 2049, 4031, 4064, 4095, 4096, 4097, 4999, 5000]
const TARGETS = [1, 2, 59, 100, 255, 2000, 3000, 3999, 4000, 4031, 4032, 4033, 4063, 4064, 4065, 4095]
const IDS = [0, 0, 0, 1, 1000, 65534, 65535, 65536, 2 ** 31, 2 ** 32 - 1]
const LINKS = [1, 1, 1, 2, 3, 65535, 65536, 2 ** 32 - 1]
const TIMES = [
  '0.0',
  '0.0',
  '1.5',
  '1.6',
  '-3.5',
  '-1.999999999',
  '1700000000.123456789',
  '9223372036854775807.1',
  '5.0',
]
const MARKED = [
  'trusted.overlay.opaque=y',
  'trusted.overlay.opaque=x',
  'trusted.overlay.redirect=/else/where',
  'trusted.overlay.metacopy=',
  'trusted.overlay.overlay.opaque=y',
  'trusted.overlay.whiteouts=long value here',
  'trusted.overlay.=empty',
  'user.overlay.opaque=x',
  'user.overlay.whiteouts=',
  'user.overlay.whiteout=something',
  'trusted.overlay.overlay.whiteouts=',
]
const KEYS = [
  'user.a',
  'user.bb',
  'user.',
  'security.selinux',
  'security.capability',
  'trusted.t',
  'system.posix_acl_access',
  'system.posix_acl_default',
  'system.posix_acl_accessfoo',
  'lustre.x',
  'foo',
  'user.name-of-sixteen-bytes-and-more',
]
/**
 * Times, keys and ids that a kernel can't show: beyond 64 bits of nanoseconds; ACLs that are none, names without an end;
 * the id of no one, whose directories root itself may not enter.
 */
const NEVER_SHOWN = /^922337|^user\.$|^system\.|^4294967295$/
const RARE = 0.03

export interface RandomDumpOptions {
  /** Only what a mount by the kernel can show: every external file has a payload, see also NEVER_SHOWN. */
  readonly mountable?: boolean
  /** At most so many lines, without long values, names and targets: for who writes images of them by the thousand. */
  readonly lines?: number
  /** False: no file has its bytes in the dump, which cfs v1 has no place for. */
  readonly inline?: boolean
  /**
   * True: an inode is said where a walk of its image meets it first, and later names are the hard links. What is said of an earlier
   * name as a link gives an image whose inodes have other numbers than those that it is written with again.
   */
  readonly ordered?: boolean
}

/** Does a path come first where names of a directory come in byte order and what is in a directory right behind it? */
function comesFirst(path: string, other: string): boolean {
  return path.replaceAll('/', '\0') < other.replaceAll('/', '\0')
}

/** Bytes of a byte string as dump text has them; what must not be escaped is left alone by chance. */
function escaped(text: string, random: Random): string {
  return text.replace(/[^!-~]|[\\=]/g, c => {
    if (c === '\n' && random.once(2)) return '\\n'
    if (c === '\\' && random.once(2)) return '\\\\'
    const hex = c.charCodeAt(0).toString(16).padStart(2, '0')
    return c === '=' && random.once(2) ? c : `\\x${random.once(2) ? hex : hex.toUpperCase()}`
  })
}

class Generator {
  readonly lines: string[] = []
  readonly #random: Random
  readonly #directories: { path: string; names: Set<string> }[] = []
  readonly #files: string[] = []
  readonly #count: number
  readonly #whiteouts: number
  readonly #mountable: boolean
  readonly #small: boolean
  readonly #inlines: boolean
  readonly #ordered: boolean
  readonly #times: readonly string[]
  readonly #keys: readonly string[]
  readonly #ids: readonly number[]

  constructor(random: Random, { mountable = false, lines, inline = true, ordered = false }: RandomDumpOptions) {
    this.#random = random
    this.#mountable = mountable
    this.#inlines = inline
    this.#ordered = ordered
    this.#small = lines !== undefined
    const shown = (text: string) => !mountable || !NEVER_SHOWN.test(text)
    this.#times = TIMES.filter(shown)
    this.#keys = KEYS.filter(shown)
    this.#ids = IDS.filter(id => shown(String(id)))
    this.#count = lines === undefined ? this.#pick([0, 1, 5, 20, 60, 150, 400]) : this.#below(lines)
    this.#whiteouts = this.#chance(0.5) ? 0 : RARE
  }

  text(): Uint8Array {
    this.#line('/', this.#directoryMode(), this.#xattrs())
    this.#directories.push({ path: '', names: new Set() })
    if (!this.#small) {
      if (this.#chance(0.2)) this.#table()
      if (this.#chance(0.1)) this.#wide()
      if (this.#chance(0.1)) this.#shared()
    }
    while (this.lines.length <= this.#count) this.#entry()
    const end = this.#chance(0.1) ? '' : '\n'
    return binaryBytes(this.lines.join('\n') + end)
  }

  #chance(p: number): boolean {
    return this.#random.next() < p * 2 ** 32
  }

  #below(n: number): number {
    return this.#random.below(n)
  }

  #pick<T>(from: readonly T[]): T {
    return this.#random.pick(from)
  }

  #name(): string {
    const kind = this.#random.next() / 2 ** 32
    if (kind < 0.1) return this.#pick(['!x', '-', '.-a', '..a', '...', 'a=b', '00', 'ff', '7f', 'fF', 'a b', '@', ' '])
    if (kind < 0.15) return String.fromCharCode(...Array.from({ length: 1 + this.#below(8) }, () => this.#byte()))
    if (kind < 0.2) return 'n'.repeat(this.#pick([254, 255, 200, 100]))
    return `${this.#pick(['file', 'a', 'lib', 'zz', 'Name'])}${this.#below(1000)}`
  }

  /** Any byte that a name can have. */
  #byte(): number {
    const byte = 1 + this.#below(255)
    return byte === 0x2f ? 0x30 : byte
  }

  #directoryMode(): number {
    return 0o40000 | this.#below(0o10000)
  }

  #digest(): string {
    return Array.from({ length: 64 }, () => '0123456789abcdefABCDEF'[this.#below(this.#chance(0.1) ? 22 : 16)]).join('')
  }

  #xattrs(): string {
    const random = this.#random
    const set = new Map<string, string>()
    const add = (text: string) => set.set(text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1))
    if (this.#chance(0.4)) add(`security.selinux=${this.#pick(['system_u:object_r:lib_t:s0\0', 'ctx\0', 'other'])}`)
    while (this.#chance(0.3)) {
      const value = this.#chance(0.1)
        ? 'v'.repeat(this.#below(this.#small ? 80 : 3000))
        : this.#pick(['', '1', '22', '333', '\0\n =', 'x'])
      add(`${this.#pick(this.#keys)}=${value}`)
    }
    if (this.#chance(0.05)) add(`${this.#pick(this.#keys)}.${'k'.repeat(200)}=${this.#below(5)}`)
    while (this.#chance(RARE * 2)) add(this.#pick(MARKED))
    return [...set]
      .map(([key, value]) => ` ${escaped(key, random).replaceAll('=', '\\x3d')}=${escaped(value, random)}`)
      .join('')
  }

  #line(
    path: string,
    mode: number,
    xattrs: string,
    more: Partial<Record<'size' | 'rdev' | 'payload' | 'content' | 'digest', string>> = {},
  ): void {
    const { size = '0', rdev = '0', payload = '-', content = '-', digest = '-' } = more
    const at = escaped(path, this.#random)
    const numbers = `${this.#pick(LINKS)} ${this.#pick(this.#ids)} ${this.#pick(this.#ids)} ${rdev} ${this.#pick(this.#times)}`
    this.lines.push(`${at} ${size} ${mode.toString(8)} ${numbers} ${payload} ${content} ${digest}${xattrs}`)
  }

  #entry(): void {
    const directory = this.#chance(0.5)
      ? this.#directories[this.#directories.length - 1]
      : this.#pick(this.#directories)
    const name = this.#name()
    if (name === '.' || name === '..' || name === '' || directory.names.has(name)) return
    directory.names.add(name)
    this.#put(`${directory.path}/${name}`)
  }

  #put(path: string): void {
    const kind = this.#random.next() / 2 ** 32
    const permissions = this.#below(0o10000)
    if (kind < 0.25) {
      this.#line(path, 0o40000 | permissions, this.#xattrs(), { size: '4096' })
      this.#directories.push({ path, names: new Set() })
      return
    }
    if (kind < 0.32 && this.#files.length > 0) {
      const target = this.#pick(this.#files)
      if (this.#ordered && comesFirst(path, target)) return
      this.lines.push(`${escaped(path, this.#random)} 0 @100644 1 0 0 0 0.0 ${escaped(target, this.#random)} - -`)
      if (this.#chance(0.3)) this.#files.push(path)
      return
    }
    this.#files.push(path)
    if (kind < 0.42) this.#symlink(path, permissions)
    else if (kind < 0.47) this.#device(path, permissions)
    else if (kind < 0.5)
      this.#line(path, this.#pick([0o10000, 0o140000]) | permissions, this.#xattrs(), {
        size: String(this.#pick(SIZES)),
      })
    else if (kind < 0.5 + this.#whiteouts) this.#line(path, 0o20000 | permissions, this.#xattrs())
    else if (kind < 0.65 && this.#inlines) this.#inline(path, permissions)
    else this.#external(path, permissions)
  }

  #symlink(path: string, permissions: number): void {
    const length = !this.#small && this.#chance(0.3) ? this.#pick(TARGETS) : 1 + this.#below(40)
    const payload = this.#pick(['t', '-', '/', 'é']).repeat(length).slice(0, length)
    this.#line(path, 0o120000 | permissions, this.#xattrs(), {
      size: String(length),
      payload: lone(escaped(payload, this.#random)),
    })
  }

  #device(path: string, permissions: number): void {
    const type = this.#pick([0o20000, 0o60000])
    this.#line(path, type | permissions, this.#xattrs(), {
      rdev: String(this.#pick([1, 259, 66309, 2 ** 32 - 1])),
      size: String(this.#pick(SIZES)),
    })
  }

  #inline(path: string, permissions: number): void {
    const size = this.#small || this.#chance(0.6) ? this.#below(70) : this.#pick(CONTENT)
    const content = Array.from({ length: size }, () => String.fromCharCode(this.#below(256))).join('')
    this.#line(path, 0o100000 | permissions, this.#xattrs(), {
      size: String(size),
      content: lone(escaped(content, this.#random)),
    })
  }

  #external(path: string, permissions: number): void {
    const digest = this.#chance(0.85) ? this.#digest() : '-'
    const own =
      digest === '-'
        ? this.#pick([this.#mountable ? 'ab' : '-', 'abc', 'some/where', `x${'y'.repeat(this.#small ? 40 : 4000)}`])
        : `${digest.slice(0, 2)}/${digest.slice(2)}`
    const size = this.#chance(0.4) ? this.#pick(SIZES) : 1 + this.#below(100_000)
    const same = this.#chance(0.1)
    this.#line(path, 0o100000 | permissions, this.#xattrs(), {
      size: String(size),
      payload: same ? 'aa/shared' : lone(own),
      digest: same ? 'a'.repeat(64) : digest,
    })
  }

  /** Names of the store's own directories in the root. */
  #table(): void {
    for (const name of ['00', '7f', 'ab', 'fe']) {
      if (!this.#chance(0.5)) continue
      this.#directories[0].names.add(name)
      this.#put(`/${name}`)
    }
  }

  /** A directory of many blocks. */
  #wide(): void {
    this.#line('/wide', 0o40755, '')
    this.#directories[0].names.add('wide')
    for (let i = 0; i < 700; i++) this.#line(`/wide/${(i * 7919) % 1000}-${'x'.repeat(i % 50)}`, 0o100644, '')
  }

  /** More shared attributes than an inode may refer to. */
  #shared(): void {
    const xattrs = Array.from({ length: 100 + this.#below(60) }, (_, i) => ` user.${i}=v${i}`).join('')
    for (const name of ['shared-a', 'shared-b', 'shared-c']) {
      this.#directories[0].names.add(name)
      this.#line(`/${name}`, 0o100600, xattrs)
    }
  }
}

/** An optional field whose value is a lone dash. */
function lone(text: string): string {
  return text === '-' ? '\\x2d' : text
}

/** Text of characters that are bytes. */
export function randomDump(random: Random, options: RandomDumpOptions = {}): Uint8Array {
  return new Generator(random, options).text()
}
