// Texts of the playground's demo: the files of "Tidepool", a system that exists nowhere else. All of it is written for
// this demo. Not here: which file is where (demo-tree.mjs).

const STATIONS = ['Ardmore', 'Brixton Sands', 'Cala Verde', 'Dunmore', 'Esker Bay', 'Fjordheim', 'Gullholm', 'Hvalsund']

/** Metres above datum, `hours` after the demo's clock began: four tides added up. */
export function tideAt(station, hours) {
  const parts = [
    [1.42, 12.4206],
    [0.48, 12],
    [0.21, 25.8193],
    [0.13, 23.9345],
  ]
  const sum = parts.reduce(
    (height, [size, period], i) => height + size * Math.cos((2 * Math.PI * hours) / period - station * (i + 1)),
    2.2,
  )
  return Math.round(sum * 100) / 100
}

export function stationsJson(release) {
  const stations = STATIONS.map((name, i) => ({
    id: `tp-${String(i + 1).padStart(3, '0')}`,
    name,
    position: { latitude: 48 + i * 1.25, longitude: -9 + i * 2.5 },
    sensor: { kind: i % 2 === 0 ? 'pressure' : 'radar', calibrated: release > 1 },
    heights: Array.from({ length: 720 }, (_, hour) => tideAt(i, hour)),
  }))
  return `${JSON.stringify({ release, unit: 'm', stations }, null, 2)}\n`
}

export function stationsCsv() {
  const rows = STATIONS.flatMap((name, i) =>
    Array.from({ length: 48 }, (_, hour) => `${i + 1},"${name}",${hour},${tideAt(i, hour).toFixed(2)}`),
  )
  return `station,name,hour,height_m\n${rows.join('\n')}\n`
}

/** A log of `size` bytes: many blocks, and little in them that is new. */
export function longLog(size) {
  const lines = []
  let length = 0
  for (let i = 0; length < size; i++) {
    const time = new Date(1_750_000_000_000 + i * 30_000).toISOString()
    const station = i % STATIONS.length
    const height = tideAt(station, i / 120).toFixed(2)
    const line = `${time} tided[412]: station=${station + 1} height=${height} battery=${3600 + ((i * 7) % 400)}mV ok\n`
    lines.push(line)
    length += line.length
  }
  return lines
    .join('')
    .slice(0, size - 1)
    .concat('\n')
}

export const osRelease = release => `NAME="Tidepool"
ID=tidepool
VERSION="${release}.0 (${release === 1 ? 'Anemone' : 'Barnacle'})"
VERSION_ID=${release}.0
PRETTY_NAME="Tidepool ${release}.0"
ANSI_COLOR="0;36"
IMAGE_ID=tidepool-demo
IMAGE_VERSION=${release}
`

export const readme = release => `# Tidepool ${release}

Tidepool is a small system that exists only in this demo. It measures tides, writes them down, and is made to be looked at.

## Where to look

| folder | what is there |
| --- | --- |
| \`/usr/src/tide\` | sources in several languages |
| \`/usr/share/pictures\` | a PNG and an SVG |
| \`/usr/share/data\` | JSON and CSV |
| \`/var/log/tide.log\` | two megabytes of log, many blocks |
| \`/srv/many\` | 5,000 files in one folder |
| \`/srv/deep\` | folders in folders in folders |
| \`/srv/names\` | names that are hard to show |
| \`/srv/hostile\` | files that would like to run script |
| \`/srv/layer\` | whiteouts and an opaque folder, as a container's layer has them |

## What to try

1. Open both releases and compare them.
2. Ask how much of them is shared: the log and the pictures are stored once.
3. Verify an image, then change one byte of it and verify again.
${release > 1 ? '\n## New in 2.0\n\n- Sensors are calibrated.\n- `tide --json` prints JSON.\n- The old importer is gone.\n' : ''}`

export const formatDoc = `# How readings are stored

A reading is one line: time, station, height.

    reading  = time SP "station=" number SP "height=" metres
    metres   = ["-"] 1*digit "." 2digit

- Times are UTC.
- Heights are metres above **chart datum**, with two decimals.
- A station that says nothing for ten minutes is *silent*, not *low*.

> A gap is a fact too.
`

export const changesDoc = release => `# Changes

${release > 1 ? '## 2.0 (Barnacle)\n\n- `tide --json`.\n- Calibrated sensors.\n- `legacy-import` is removed.\n\n' : ''}## 1.0 (Anemone)

- The first release.
`

export const passwd = release => `root:x:0:0:root:/root:/bin/sh
tide:x:412:412:Tide daemon:/var/lib/tide:/usr/sbin/nologin
${release > 1 ? 'radar:x:413:413:Radar sensors:/var/lib/radar:/usr/sbin/nologin\n' : ''}nobody:x:65534:65534:Nobody:/:/usr/sbin/nologin
`

export const configToml = release => `# What the tide daemon reads at its start.
[daemon]
interval = "${release > 1 ? '20s' : '30s'}"
stations = [1, 2, 3, 5, 8]
log = "/var/log/tide.log"

[daemon.alarm]
high_water = 4.1
low_water = 0.3
enabled = true
${release > 1 ? '\n[radar]\ncalibrated = 2026-01-15T06:30:00Z\n' : ''}`

export const configYaml = `# The same for those who prefer YAML.
daemon:
  interval: 30s
  stations: &stations [1, 2, 3, 5, 8]
  alarm: { high_water: 4.1, low_water: 0.3 }
publish:
  - kind: file
    path: /var/lib/tide/latest.json
    stations: *stations
  - kind: console
    when: high_water > 4.0
`

export const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Tides today</title>
    <link rel="stylesheet" href="tide.css">
  </head>
  <body>
    <h1>Tides today</h1>
    <table id="heights"><thead><tr><th>Station<th>Height</table>
  </body>
</html>
`

export const style = `:root { color-scheme: light dark; --water: #6cc3d5 }
table { border-collapse: collapse; inline-size: 100% }
th, td { border-block-end: 1px solid var(--water); padding: 0.4rem; text-align: start }
@media (prefers-reduced-motion: no-preference) {
  .high { animation: rise 2s ease-in-out infinite alternate }
}
@keyframes rise { to { translate: 0 -0.2rem } }
`

/** A file that would run script, if anything of it were taken for more than text. */
export const hostileHtml = `<!doctype html>
<title>This page would like to run script</title>
<body onload="document.title = 'it ran'">
<script>window.demoRan = true; document.body.append('script ran')</script>
<img src="x" onerror="window.demoRan = true">
<iframe srcdoc="<script>parent.demoRan = true</script>"></iframe>
<p>Nothing in this file should ever run.</p>
`

export const hostileSvg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 100" onload="window.demoRan = true">
  <script>window.demoRan = true</script>
  <rect width="200" height="100" fill="#7a1f3d"/>
  <foreignObject width="200" height="100"><body xmlns="http://www.w3.org/1999/xhtml" onload="window.demoRan = true"/></foreignObject>
  <image href="x" onerror="window.demoRan = true" width="1" height="1"/>
  <text x="20" y="55" fill="#fff" font-family="sans-serif">only a picture</text>
</svg>
`

export const terminalText = `What is red in a terminal: \u001b[31mthis\u001b[0m.
A title that a file would set: \u001b]0;set by a file\u0007
A line that would go away: \u001b[2K\u001b[1A
`

/** A comment that shows otherwise than it reads, by marks for the direction of text. */
export const turnedSource = `/* Shown and compiled are not the same here. */
int allowed = 0; /*\u202e } if (admin) \u2066 begin */
`
