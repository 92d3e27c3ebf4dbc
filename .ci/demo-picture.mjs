// Pictures of the playground's demo, drawn by code: a PNG of a bay at night, an SVG of its tides. Not here: any other file
// of the demo (demo-text.mjs, demo-tree.mjs).
import { crc32, deflateSync } from 'node:zlib'

const WIDTH = 480
const HEIGHT = 270
const HORIZON = 150
const MOON = { x: 350, y: 62, radius: 26 }

function chunk(type, data) {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const out = Buffer.alloc(named.length + 8)
  out.writeUInt32BE(data.length, 0)
  named.copy(out, 4)
  out.writeUInt32BE(crc32(named), named.length + 4)
  return out
}

/** PNG, 8 bits a channel; each row says how it differs from the one above, which suits gradients. */
function png(pixelAt) {
  const row = WIDTH * 3
  const rows = Buffer.alloc(HEIGHT * (row + 1))
  let above = Buffer.alloc(row)
  for (let y = 0; y < HEIGHT; y++) {
    const now = Buffer.alloc(row)
    for (let x = 0; x < WIDTH; x++) now.set(pixelAt(x, y), x * 3)
    const at = y * (row + 1)
    rows[at] = 2
    for (let i = 0; i < row; i++) rows[at + 1 + i] = (now[i] - above[i]) & 0xff
    above = now
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(WIDTH, 0)
  header.writeUInt32BE(HEIGHT, 4)
  header.set([8, 2, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function mixed(from, to, share) {
  const s = Math.min(Math.max(share, 0), 1)
  return from.map((value, i) => Math.round(value + (to[i] - value) * s))
}

/** Stars are where a hash of the place says so. */
function isStar(x, y) {
  return ((x * 73_856_093) ^ (y * 19_349_663)) % 977 === 0
}

function skyAt(x, y) {
  const far = Math.hypot(x - MOON.x, y - MOON.y) - MOON.radius
  if (far < 0) return mixed([255, 250, 225], [236, 224, 190], (y - MOON.y + MOON.radius) / 52)
  const sky = mixed([14, 18, 46], [92, 78, 128], y / HORIZON)
  if (isStar(x, y) && far > 20) return [235, 235, 255]
  return mixed(sky, [226, 214, 200], 0.45 * Math.exp(-far / 28))
}

function seaAt(x, y, level) {
  const depth = (y - HORIZON) / (HEIGHT - HORIZON)
  const swell = Math.sin(x / (9 + 40 * depth) + y * 1.7 + level) * Math.sin(y / 3 + x / 61)
  const sea = mixed([54, 66, 122], [8, 22, 48], depth + 0.12 * swell)
  const glitter = Math.exp(-(((x - MOON.x) / (10 + 46 * depth)) ** 2)) * (0.35 + 0.65 * Math.max(0, swell))
  return mixed(sea, [248, 236, 200], 0.75 * glitter)
}

/** The bay; `level` moves its waves. */
export function bayPicture(level) {
  return png((x, y) => (y < HORIZON ? skyAt(x, y) : seaAt(x, y, level)))
}

/** A day of tides as a curve. */
export function tideDrawing(heights) {
  const points = heights.map(
    (height, i) => `${((i * 640) / (heights.length - 1)).toFixed(1)},${(140 - height * 30).toFixed(1)}`,
  )
  const lines = [0, 1, 2, 3, 4].map(m => `  <path d="M0 ${140 - m * 30}H640" stroke="#8884"/>`)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 200" role="img" aria-label="Tide over one day">
  <rect width="640" height="200" fill="#0e1a2e"/>
${lines.join('\n')}
  <polyline points="${points.join(' ')}" fill="none" stroke="#6cc3d5" stroke-width="3"/>
  <text x="16" y="188" fill="#cfe8ef" font-family="sans-serif" font-size="14">metres above chart datum, one day</text>
</svg>
`
}
