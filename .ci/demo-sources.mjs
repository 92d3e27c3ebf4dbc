// Source files of the playground's demo, one small program in several languages. Written for the demo; they would run.
// Not here: which file is where (demo-tree.mjs).

export const cSource =
  release => `/* tide: prints the height of the tide, ${release === 1 ? 'in metres' : 'in metres or as JSON'}. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tide.h"

static const struct tide_part PARTS[] = {
    { 1.42, 12.4206 },
    { 0.48, 12.0000 },
    { 0.21, 25.8193 },
    { 0.13, 23.9345 },
};

double tide_height(unsigned station, double hours)
{
    double height = 2.2;
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++)
        height += PARTS[i].size * cos(2 * M_PI * hours / PARTS[i].period - station * (double)(i + 1));
    return height;
}

int main(int argc, char **argv)
{
    const double hours = argc > 1 ? strtod(argv[1], NULL) : 0;
${release > 1 ? '    const int json = argc > 2 && strcmp(argv[2], "--json") == 0;\n' : ''}    for (unsigned station = 0; station < TIDE_STATIONS; station++)
${
  release > 1
    ? `        if (json)
            printf("{\\"station\\": %u, \\"height\\": %.2f}\\n", station, tide_height(station, hours));
        else
            printf("%2u %6.2f m\\n", station, tide_height(station, hours));`
    : '        printf("%2u %6.2f m\\n", station, tide_height(station, hours));'
}
    return 0;
}
`

export const cHeader = `#ifndef TIDE_H
#define TIDE_H

#define TIDE_STATIONS 8

/* One of the waves that a tide is the sum of. */
struct tide_part {
    double size;   /* metres */
    double period; /* hours */
};

double tide_height(unsigned station, double hours);

#endif
`

export const pythonSource = `"""Finds high and low water in a list of heights."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Turn:
    hour: int
    height: float
    kind: str  # "high" or "low"


def turns(heights: list[float]) -> list[Turn]:
    """Where the tide turns: an hour that is above, or below, both its neighbours."""
    found = []
    for hour, (before, here, after) in enumerate(zip(heights, heights[1:], heights[2:]), start=1):
        if before < here >= after:
            found.append(Turn(hour, here, "high"))
        elif before > here <= after:
            found.append(Turn(hour, here, "low"))
    return found


def main(path: str = "/usr/share/data/stations.json") -> int:
    stations = json.loads(Path(path).read_text())["stations"]
    for station in stations:
        high = max(turns(station["heights"]), key=lambda turn: turn.height)
        print(f"{station['name']:<16} {high.height:5.2f} m at hour {high.hour}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
`

export const shellSource = `#!/bin/sh
# tide, ebb, flow: one program, three names (hard links).
set -eu
case "\${0##*/}" in
  ebb) want=falling ;;
  flow) want=rising ;;
  *) want=all ;;
esac
awk -v want="$want" -F'[= ]' '
  { trend = ($5 > last[$3]) ? "rising" : "falling"; last[$3] = $5 }
  want == "all" || trend == want { print $1, $3, $5, trend }
' "\${1:-/var/log/tide.log}"
`

export const makefile = `CFLAGS ?= -O2 -Wall -Wextra
LDLIBS = -lm

tide: tide.c tide.h
\t$(CC) $(CFLAGS) -o $@ $< $(LDLIBS)

.PHONY: clean
clean:
\trm -f tide
`

export const typescriptSource = `// The same in TypeScript, for a page.
export interface Station {
  readonly id: \`tp-\${number}\`
  readonly name: string
  readonly heights: readonly number[]
}

const NEVER = Symbol('never')

/** Hours until the tide is at least this high; NEVER where it does not get there. */
export function hoursUntil({ heights }: Station, metres: number): number | typeof NEVER {
  const hour = heights.findIndex(height => height >= metres)
  return hour < 0 ? NEVER : hour
}
`

export const rustSource = `//! Reads one line of the log.
#[derive(Debug, PartialEq)]
pub struct Reading<'a> {
    pub time: &'a str,
    pub station: u8,
    pub height: f64,
}

pub fn parse(line: &str) -> Option<Reading<'_>> {
    let mut words = line.split_whitespace();
    let time = words.next()?;
    let mut value = |key: &str| words.find_map(|word| word.strip_prefix(key));
    Some(Reading {
        time,
        station: value("station=")?.parse().ok()?,
        height: value("height=")?.parse().ok()?,
    })
}
`

export const sqlSource = `-- Mean height of each station, highest first.
SELECT station, name, ROUND(AVG(height_m), 2) AS mean
FROM readings
WHERE hour BETWEEN 0 AND 23
GROUP BY station, name
ORDER BY mean DESC;
`

export const ciYaml = `name: check
on: [push]
jobs:
  build:
    runs-on: tidepool-latest
    steps:
      - run: make tide
      - run: ./tide 6 | tee heights.txt
`
