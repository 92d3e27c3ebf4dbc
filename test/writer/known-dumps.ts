// The thirteen dumps of spec composefs-image.md section 11, built as it says, and what is known of their images.

/** SHA-256 and, where the spec has it, fs-verity digest of an image. */
export interface KnownDigests {
  readonly sha256: string
  readonly verity?: string
}

export interface KnownDump {
  readonly name: string
  readonly dump: string
  /** Where the spec has it. */
  readonly dumpSha256?: string
  /** Bytes of each of its images. */
  readonly size: number
  /** Lowest and highest version 0 and 0. */
  readonly v0: KnownDigests
  readonly v1: KnownDigests
  /** 0 and 1 are as 1 and 1, since there is a whiteout. */
  readonly raised?: boolean
}

const R = '/ 4096 40755 2 0 0 0 0.0 - - -\n'
const DIGEST = '0123456789abcdef'.repeat(4)
const range = (count: number) => Array.from({ length: count }, (_, i) => i)
const padded = (value: number, width: number) => String(value).padStart(width, '0')
const empty = (name: string) => `/${name} 0 100644 1 0 0 0 0.0 - - -\n`
const text = (lines: readonly string[]) => lines.map(line => `${line}\n`).join('')

const NAMES = ['!x', '-', '.-a', '..a', '...', 'a=b', '00', 'fF', '\\xff', '\\x01', 'a\\x20b', 'zz']
const SIZES = [
  1, 4096, 4097, 8192, 8193, 65537, 2147483648, 4294967296, 4294967297, 8796093022208, 8796093022209, 1125899906842624,
  9007199254740992,
]
const TARGETS = [
  [1, 0],
  [59, 0],
  [2000, 0],
  [3000, 1],
  [4031, 1],
  [4032, 1],
  [4033, 0],
  [4063, 0],
  [4064, 0],
  [4065, 0],
  [4095, 0],
]
const CONTENTS = [1, 64, 2047, 2048, 2049, 4095, 4096, 4097, 5000]

const EVERY_TYPE = text([
  '/dir 0 40700 1 1000 1000 0 5.7 - - - user.k=v',
  `/dir/ext 100000 100644 2 0 0 0 0.0 ${DIGEST.slice(0, 2)}/${DIGEST.slice(2)} - ${DIGEST} security.selinux=ctx\\x00`,
  '/dir/inl 6 100600 1 0 0 0 0.0 - hello\\n - security.selinux=ctx\\x00',
  '/hl 0 @100644 1 0 0 0 0.0 /dir/ext - -',
  '/lnk 7 120777 1 0 0 0 0.0 dir/inl - -',
  '/cdev 0 20666 1 0 0 259 0.0 - - -',
  '/bdev 0 60660 1 0 6 66309 -3.5 - - -',
  '/fifo 0 10644 1 0 0 0 0.0 - - -',
  '/sock 0 140755 1 70000 0 0 0.0 - - -',
  '/empty 0 100444 1 0 0 0 0.0 - - -',
  '/noref 5 100444 1 0 0 0 0.0 - - -',
])

export const KNOWN_DUMPS: readonly KnownDump[] = [
  {
    name: 'G1: the root alone',
    dump: R,
    size: 16384,
    v0: {
      sha256: 'c3dc5b0fc4afb0693a95e017fe5815e1f88f204d485df617541b5ea659aefb8b',
      verity: '8f589e8f57ecb88823736b0d857ddca1e1068a23e264fad164b28f7038eb3682',
    },
    v1: {
      sha256: '18e13c704e2aae7f84be9fda89fdc4c5001c184d279b90a93434e872e5e7c190',
      verity: '14a26c957c84f6eb774b91205476adc13196c7c33b9dd97d08d43725ecb90b63',
    },
  },
  {
    name: 'G2: every type',
    dump: R + EVERY_TYPE,
    dumpSha256: '5a8dcd7a90c4f7d80fa035c387d84615a9d97bad621042c7550026b6fc75f885',
    size: 24576,
    v0: {
      sha256: '7757891774f279dcb9c6cf8fbc4beeb663cec288da60b05f937dfbbc60f235f0',
      verity: 'ef6ef5b02f2128935e5174874e04f6a6eb931cfceb7e060f85ef6fcbc8f739b2',
    },
    v1: {
      sha256: '082c03fcdfeeafdfc63cc8a255920b3a994e8a50fa694b6ca4dacfce4b2f0746',
      verity: 'f7f1a8c3f457a3b7a2a397f2435be8e2545e0b97563462fd908f201e973aa324',
    },
  },
  {
    name: 'G3: whiteouts and marks',
    dump:
      R +
      text([
        '/a 0 40755 2 0 0 0 1.0 - - - trusted.overlay.opaque=y',
        '/a/w 0 20644 1 0 0 0 1.0 - - - user.z=1',
        '/a/r 0 100644 1 0 0 0 1.0 - - - trusted.overlay.overlay.redirect=q user.overlay.opaque=x',
        '/w2 0 20000 1 0 0 0 1.0 - - -',
        '/wl 0 @20000 1 0 0 0 0.0 /w2 - -',
      ]),
    size: 16384,
    raised: true,
    v0: {
      sha256: 'b63184bcdf94b4fde5c3e26adb1bdd65b0fe2887d6ecb76e92a4d8d85f592e1a',
      verity: '5abf7c721c46c55f87d0ad24d239d4804c116f1ba8339161bb1b310ff6ac6987',
    },
    v1: {
      sha256: 'd6c2325d59e4723c76374a79e805f98179720fe319cdb44bdb278038b2228d7a',
      verity: '26f63e290e68abf366ee5e74a482ca0ab76f33b436085a52491161c3d10a548b',
    },
  },
  {
    name: 'G4: prefixes, ACLs, shared attributes',
    dump:
      R +
      text([
        '/a 0 40755 2 0 0 0 0.0 - - - system.posix_acl_default=\\x02\\x00 system.posix_acl_access=A lustre.x=1 foo=bar',
        '/b 0 100644 1 0 0 0 0.0 - - - user.a=1 user.b=22 trusted.t=x',
        '/c 0 100644 1 0 0 0 0.0 - - - user.a=1 user.b=33 trusted.t=x',
        '/d 0 100644 1 0 0 0 0.0 - - - user.a=1 user.b=22 system.posix_acl_access=A ' +
          'user.longlonglonglonglong=zzzzzzzzzzzz',
      ]),
    size: 16384,
    v0: {
      sha256: '5df8ba49c4366e89950b690b4a65ae5266ef0f8f0274334e83cc720d1bee0194',
      verity: '19d6c0062bbd8ad06ddc2a299bf0748425b822db9373b6180a6564d206e01f82',
    },
    v1: {
      sha256: 'b34ad9529788f8adb291f7d1a34ccb2be5e0d5253a2f6991bfea559bb23f17ba',
      verity: 'c309a817326875b1c7af81ba67013e8450859558735744b6235b92ad77eb548c',
    },
  },
  {
    name: 'G5: odd names',
    dump: R + NAMES.map(empty).join(''),
    dumpSha256: '9883b9f915444f0e48e4240d32c297e87f854bc348c90cc329822f63343478b2',
    size: 16384,
    v0: { sha256: '19c75371564f26508a2129cedc6c262b8563f04dcfd25aee24e6e918ffa7c234' },
    v1: { sha256: '57331a912c44517171325c8a16a472d517e87c58d064bfb06a2a8efd6d5b3aab' },
  },
  {
    name: 'G6: sizes of external files',
    dump: R + text(SIZES.map((size, i) => `/s${padded(i, 2)} ${size} 100644 1 0 0 0 0.0 p${i} - -`)),
    dumpSha256: '12bce11394dcc2aed726b134606658672428a96c4aab7db78c233458fd89e900',
    size: 24576,
    v0: { sha256: '1367b99761c03d108c03c17f13af356c94282a0f65ab3cb4e9c0bf0b4b5a21bb' },
    v1: { sha256: 'f58505ee247a88e377a93b916c34e1107ef57e45fdc671e17ed29dd6afb7269f' },
  },
  {
    name: 'G7: what makes an inode extended',
    dump: text([
      '/ 4096 40755 2 0 0 0 100.5 - - -',
      '/m0 0 100644 1 0 0 0 100.5 - - -',
      '/m1 0 100644 65535 65535 65535 0 100.5 - - -',
      '/m2 0 100644 65536 0 0 0 100.5 - - -',
      '/m3 0 100644 1 65536 0 0 100.5 - - -',
      '/m4 0 100644 1 0 4294967295 0 100.5 - - -',
      '/m5 0 100644 1 0 0 0 100.6 - - -',
      '/m6 0 100644 1 0 0 0 101.0 - - -',
    ]),
    size: 16384,
    v0: { sha256: '8d8f2c23117bb27d681e5f3364a30333a4e6302548263b475281ee82b89e43a3' },
    v1: { sha256: '38271509744e620ca7f9258ffa70cd7f1d44e4adc57e3720b830d7c79f435d26' },
  },
  {
    name: 'G8: a directory of many blocks',
    dump:
      R +
      range(300)
        .map(i => empty(`file-${padded(i, 3)}-${'x'.repeat(i % 50)}`))
        .join(''),
    dumpSha256: '97dedc1469a0bba3a0ed3f127c0a7b9ce0e6f0e0fc584c41f2827fadd2446c6f',
    size: 36864,
    v0: { sha256: '5454578f43efce55af85906749ee679c2ef8120de6826e2e66d6e8135f89d749' },
    v1: { sha256: '545543fc2d56630ee86d61560b959b9589adba3f7c664e956ca151c4d0781944' },
  },
  {
    name: 'G9: lengths of symlinks',
    dump: R + text(TARGETS.map(([n, time]) => `/l${padded(n, 4)} ${n} 120777 1 0 0 0 ${time}.0 ${'t'.repeat(n)} - -`)),
    dumpSha256: '07befab4173a7342e9de51ca238cea171ca4e44596a13e4b57a3e9eb3504f60e',
    size: 65536,
    v0: { sha256: '26a3e71b83bc4e09e186a320dad25d913e93dff1fcd9318ba92bb3a361b08256' },
    v1: { sha256: '31ed094a8c68fd3fedaabde315030d3ea6dfbf216262aa7bc96c950a0d4b0d56' },
  },
  {
    name: 'G10: more shared attributes than an inode refers to',
    dump:
      R +
      text(
        ['a', 'b'].map(
          f =>
            `/${f} 0 100644 1 0 0 0 0.0 - - -${range(140)
              .map(i => ` user.${padded(i, 3)}=v${i}`)
              .join('')}`,
        ),
      ),
    dumpSha256: 'b931350f715888e10bba9b17a81ffde1243a9fade2d7f3cfeba8ac4250f98e9b',
    size: 20480,
    v0: { sha256: '44bc0916fca3bc740b4aa98ca1474bbc4edcb8250988dc901fa27ee185b53234' },
    v1: { sha256: '1d5d05b211275a329620448c7ce687ae4360bfb02a1d7a539fd760db0d9a1a7c' },
  },
  {
    name: 'G11: lengths of content',
    dump:
      R +
      text(CONTENTS.map(n => `/i${padded(n, 4)} ${n} 100644 1 0 0 0 0.0 - ${'abcdefghij'.repeat(500).slice(0, n)} -`)),
    dumpSha256: 'acd8ed2823cecb4badc29a2de1bdd83358f8a07359151d4437e9c49989a404c7',
    size: 40960,
    v0: { sha256: '448ec4588185ee37b3003e9c21511bc771b397837951315ce571a60189512397' },
    v1: { sha256: 'c3ee46df68fc85256d7ba8a7b3524a9760274e84073220f05af3f240e6a6495d' },
  },
  {
    name: "G12: names of a store's directories",
    dump:
      R +
      text([
        '/00 0 40755 2 0 0 0 0.0 - - -',
        '/7f 0 100644 1 0 0 0 0.0 - - -',
        '/ff 0 20644 1 0 0 0 0.0 - - -',
        '/AB 0 100644 1 0 0 0 0.0 - - -',
      ]),
    size: 16384,
    raised: true,
    v0: { sha256: '6789930145a35e221978aeeaa7295024f4b346a0f6ce04c103fe88fb1c8960fc' },
    v1: { sha256: '841da7f1058d56dd599e0f9f78454ff90f65f07b42df1aaf1140346055fb89f8' },
  },
  {
    name: 'G13: a label that the added entries share',
    dump: text([
      '/ 4096 40755 2 5 6 0 9.9 - - - security.selinux=s\\x00',
      '/x 0 100644 1 0 0 0 9.9 - - - security.selinux=s\\x00',
    ]),
    size: 24576,
    v0: { sha256: '2444d2138fae39f8b97e73f0fe7e40ddf86791d7c918d05117bb0ae1dc9aa78d' },
    v1: { sha256: '067098e4d9a968cdcbbf0d09497b7d5a0a50b1c8409519f8fd37c37f263d25a8' },
  },
]
